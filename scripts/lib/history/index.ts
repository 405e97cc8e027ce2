import { stateFolder } from "../environment.ts";
import { projectDir } from "../paths.ts";
import type { Prepared } from "../prepare.ts";
import { projectName } from "../projectName.ts";
import { readCloudHistory } from "./cloudHistory.ts";
import { lastSettings, readFileHistory } from "./fileHistory.ts";
import type { Version } from "./version.ts";

export {
  differences,
  gateInWords,
  isGood,
  programInWords,
  sameDeployment,
  type Release,
  type Version,
} from "./version.ts";

/** All versions of a stack that the engine remembers, oldest first, from the backend that it uses. */
export function readHistory(prepared: Prepared, stack: string): Promise<Version[]> | Version[] {
  const state = stateFolder(prepared.env);
  if (state === undefined) return readCloudHistory(prepared, projectDir, stack);
  return readFileHistory({ state, project: projectName(projectDir), stack: stack.split("/").at(-1) ?? stack });
}

/** Settings that the stack's last operation had, secrets encrypted; undefined where the backend does not tell. */
export function readLastSettings(prepared: Prepared, stack: string): Record<string, unknown> | undefined {
  const state = stateFolder(prepared.env);
  if (state === undefined) return undefined;
  return lastSettings({ state, project: projectName(projectDir), stack: stack.split("/").at(-1) ?? stack });
}
