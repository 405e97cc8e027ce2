import { resolve, sep } from "node:path";
import { stateFolder } from "../environment.ts";
import type { Environment } from "../exec.ts";
import { projectDir } from "../paths.ts";
import { UserError } from "../userError.ts";

/**
 * In a workflow, refuses state that lies in the checkout: the next checkout empties it, and with it goes all knowledge of
 * what was deployed.
 * @throws UserError that says what to set.
 */
export function requireDurableState(env: Environment = process.env): void {
  if (!env["GITHUB_ACTIONS"] || env["PULUMI_ACCESS_TOKEN"]) return;
  const folder = stateFolder(env);
  const inCheckout = folder !== undefined && resolve(folder).startsWith(projectDir + sep);
  if (env["PULUMI_BACKEND_URL"] && !inCheckout) return;
  throw new UserError(
    `PULUMI_BACKEND_URL is "${env["PULUMI_BACKEND_URL"] ?? ""}": the state would lie in the checkout, which the next run empties; set the variable of the GitHub environment to a place that lasts (file:///srv/mcp-estate, s3://…), or PULUMI_ORGANIZATION for Pulumi Cloud (docs/operations.md)`,
  );
}
