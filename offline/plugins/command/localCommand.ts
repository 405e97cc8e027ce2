import { shown } from "../bridged/check.ts";
import type { InvokeFunction } from "../resourceType.ts";
import { COMMON_INPUTS, commandResource, isString, wrongInputs, type InputChecks } from "./commandResource.ts";
import { execute } from "./execute.ts";

const INPUTS: InputChecks = {
  ...COMMON_INPUTS,
  archivePaths: () =>
    "archives of files are not offered by this stand-in: leave it out and write files where they are needed",
  assetPaths: () => "assets are not offered by this stand-in: leave it out and read the files after the command",
  dir: isString,
  interpreter: (value) =>
    Array.isArray(value) && value.every((entry) => typeof entry === "string") ? undefined : "give a list of strings",
};

/** command:local:Command. */
export const localCommand = commandResource({
  inputs: INPUTS,
  revealed: ["create", "update", "environment", "stdin", "interpreter", "triggers", "dir"],
  execute,
});

/** command.local.run: a command at every run of the program. */
export const runOnce: InvokeFunction = async (args, context) => {
  if (typeof args["command"] !== "string") throw new Error(`command is ${shown(args["command"])}: give a string`);
  const { command, ...rest } = args;
  const failures = wrongInputs(rest, INPUTS);
  if (failures.length > 0) throw new Error(failures.map(({ reason }) => reason).join("; "));
  return { ...args, ...(await execute(command, rest, undefined, context)) };
};
