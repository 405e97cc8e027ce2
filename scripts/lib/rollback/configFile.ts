import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import type { Version } from "../history/index.ts";
import { withPrivateFolder } from "../settings/privateFolder.ts";
import { isPulumiCloud } from "../environment.ts";
import { requireStackFile } from "../stackFile.ts";
import { UserError } from "../userError.ts";

/**
 * Runs `work` with a stack file that has a version's settings and today's key. The user's own file stays as it is.
 * @throws UserError naming the secret settings that the history has not.
 */
export async function withConfigOf<T>(
  version: Version,
  { project, stack }: { project: string; stack: string },
  work: (file: string) => Promise<T>,
): Promise<T> {
  const { file: own, config: today } = requireStackFile(project, stack);
  const { environment, ...rest } = parse(readFileSync(own, "utf8")) as Record<string, unknown>;
  // Pulumi Cloud opens it anew; elsewhere the version's settings have all that it gave.
  const opened = isPulumiCloud(process.env) && environment !== undefined ? { environment } : {};
  return withPrivateFolder(async (folder) => {
    const file = join(folder, `Pulumi.${stack.split("/").at(-1) ?? stack}.yaml`);
    const config = withSecrets(version, today);
    writeFileSync(file, stringify({ ...opened, ...rest, config }), { mode: 0o600 });
    return work(file);
  });
}

/** A service's history masks secret values: those are today's. */
function withSecrets({ number, config }: Version, today: Record<string, unknown>): Record<string, unknown> {
  const masked = Object.keys(config).filter((key) => isMasked(config[key]));
  const missing = masked.filter((key) => today[key] === undefined);
  if (missing.length > 0) {
    throw new UserError(
      `version ${number} had secret settings that neither its history nor the stack file has: ${missing.join(", ")}; set them with npm run pulumi -- config set --secret`,
    );
  }
  return { ...config, ...Object.fromEntries(masked.map((key) => [key, today[key]])) };
}

function isMasked(value: unknown): boolean {
  return typeof value === "object" && value !== null && "secure" in value && value.secure === "";
}
