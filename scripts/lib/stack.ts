import { existsSync } from "node:fs";
import { join } from "node:path";
import { stateFolder } from "./environment.ts";
import { capture } from "./exec.ts";
import type { Say } from "./log.ts";
import type { Prepared } from "./prepare.ts";
import { projectName } from "./projectName.ts";
import { UserError } from "./userError.ts";

/**
 * Makes the stack in the backend unless it is there, without asking.
 * @throws UserError with the engine's reason.
 */
export async function ensureStack(prepared: Prepared, project: string, stack: string, say: Say): Promise<void> {
  if (existsInFolder(prepared, project, stack)) return;
  const { code, stdout, stderr } = await capture(
    prepared.engine.file,
    ["stack", "select", stack, "--create", "--non-interactive"],
    { cwd: project, env: prepared.env },
  );
  if (code !== 0) throw new UserError(`stack "${stack}" cannot be made: ${(stderr || stdout).trim()}`);
  say(`using stack "${stack}" in ${prepared.env["PULUMI_BACKEND_URL"] ?? "the backend you are logged in to"}`);
}

/** Spares the engine's 0.3 s where the state is a file of this machine. */
function existsInFolder(prepared: Prepared, project: string, stack: string): boolean {
  const state = stateFolder(prepared.env);
  const name = stack.split("/").at(-1) ?? stack;
  return state !== undefined && existsSync(join(state, "stacks", projectName(project), `${name}.json`));
}
