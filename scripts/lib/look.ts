import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findDrift, type Drift } from "./drift.ts";
import { readResourceSteps } from "./engineEvents.ts";
import { capture } from "./exec.ts";
import { projectDir } from "./paths.ts";
import { plannedChanges, type PlannedChange } from "./plan.ts";
import type { Prepared } from "./prepare.ts";
import { projectName } from "./projectName.ts";
import { UserError } from "./userError.ts";

export interface Findings {
  drift: Drift[];
  changes: PlannedChange[];
}

/**
 * Asks the engine what is there and what an update would do, and puts its events into words.
 * @param program folder of the program.
 * @throws UserError with the engine's own lines when the preview fails.
 */
export async function look(
  prepared: Prepared,
  stack: string,
  args: readonly string[] = [],
  program = projectDir,
): Promise<Findings> {
  const folder = mkdtempSync(join(tmpdir(), "mcp-estate-events-"));
  const log = join(folder, "events.json");
  try {
    const { code, stdout, stderr } = await capture(
      prepared.engine.file,
      ["preview", "--stack", stack, "--refresh", "--non-interactive", "--color", "never", "--event-log", log, ...args],
      // The engine hides its event log behind this variable, as its own Automation API does.
      { cwd: program, env: { ...prepared.env, PULUMI_DEBUG_COMMANDS: "true" } },
    );
    if (code !== 0) throw new UserError(`the preview of stack "${stack}" failed:\n${engineFailure(stdout + stderr)}`);
    const steps = readResourceSteps(readFileSync(log, "utf8"));
    const prefix = `${projectName(projectDir)}-${stack.split("/").at(-1) ?? stack}-`;
    return { drift: findDrift(steps, prefix), changes: plannedChanges(steps, prefix) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The engine's diagnostics without its list of resources. */
function engineFailure(output: string): string {
  const start = output.indexOf("Diagnostics:");
  return (start < 0 ? output : output.slice(start + "Diagnostics:".length)).trim();
}
