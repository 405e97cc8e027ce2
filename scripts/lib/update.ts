import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { volumeCommand } from "./backup/command.ts";
import { guardVolumes } from "./backup/guard.ts";
import { withVolumes } from "./backup/mend.ts";
import { readUpdateFindings, type UpdateFindings } from "./engineEvents.ts";
import { runAttached } from "./exec.ts";
import { removeHalfMadeNetworks } from "./halfMade.ts";
import { sayer } from "./log.ts";
import { projectDir } from "./paths.ts";
import type { Prepared } from "./prepare.ts";

/** What is deployed, and from where. */
export interface Deployment {
  stack: string;
  /** Folder of the program. @default this project's */
  program?: string;
  /** Stack file to use in place of the project's own. */
  configFile?: string | undefined;
  /** Further arguments of `pulumi up`. */
  args: readonly string[];
}

/** How an update ended. */
export interface UpdateResult extends UpdateFindings {
  /** The engine's exit code; 128 + signal number where it was killed. */
  code: number;
  /** Ended by a signal, of somebody's own accord: what is half done waits for the next update. */
  brokenOff: boolean;
}

/** Runs one update of the engine on this terminal, as the only command on the stack's volumes, which it guards first. */
export async function runUpdate(prepared: Prepared, deployment: Deployment): Promise<UpdateResult> {
  const { stack, program = projectDir, configFile } = deployment;
  const folder = mkdtempSync(join(tmpdir(), "mcp-estate-events-"));
  const log = join(folder, "events.json");
  const where = ["--stack", stack, ...(configFile === undefined ? [] : ["--config-file", configFile])];
  const command = await volumeCommand(stack, { stackFile: configFile });
  try {
    return await withVolumes(command, async (signal) => {
      await removeHalfMadeNetworks(prepared, { project: projectDir, ...command }, sayer("stack"));
      const remember = await guardVolumes({ ...command, signal }, prepared, { stack, program, configFile });
      const code = await runAttached(
        prepared.engine.file,
        // The table at the end says what the outputs say, in six lines instead of a hundred.
        ["up", ...where, "--suppress-outputs", "--event-log", log, ...deployment.args],
        { cwd: program, env: { ...prepared.env, PULUMI_DEBUG_COMMANDS: "true" } },
      );
      if (code === 0) remember();
      const brokenOff = signal.aborted || (code > 128 && code < 160);
      return { code, brokenOff, ...readUpdateFindings(readText(log)) };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // the engine ended before it did anything
  }
}
