import { shown } from "../bridged/check.ts";
import type { CheckFailure, DiffKind, DiffResult, InvokeFunction, ResourceType } from "../resourceType.ts";
import { randomBytes } from "node:crypto";
import type { Value, ValueMap } from "../values.ts";
import { UNKNOWN, asText, isMap, isUnknown, sameValue } from "../values.ts";
import { execute } from "./execute.ts";
import type { CommandOutput } from "./execute.ts";

const LOGGING = ["stdout", "stderr", "stdoutAndStderr", "none"];

/** Input → what it must be; those that the stand-in does not offer say so. */
const INPUTS: Readonly<Record<string, (value: Value) => string | undefined>> = {
  addPreviousOutputInEnv: (value) => (typeof value === "boolean" ? undefined : "give true or false"),
  archivePaths: () =>
    "archives of files are not offered by this stand-in: leave it out and write files where they are needed",
  assetPaths: () => "assets are not offered by this stand-in: leave it out and read the files after the command",
  create: isString,
  delete: isString,
  dir: isString,
  environment: (value) =>
    isMap(value) && Object.values(value).every((entry) => typeof entry === "string")
      ? undefined
      : "give an object of strings",
  interpreter: (value) =>
    Array.isArray(value) && value.every((entry) => typeof entry === "string") ? undefined : "give a list of strings",
  logging: (value) =>
    typeof value === "string" && LOGGING.includes(value) ? undefined : `give one of ${LOGGING.join(", ")}`,
  stdin: isString,
  triggers: (value) => (Array.isArray(value) ? undefined : "give a list"),
  update: isString,
};

/** Inputs that a command's output may reveal. */
const REVEALED = ["create", "update", "environment", "stdin", "interpreter", "triggers", "dir"];

/** command:local:Command. Without `update`, a change of its inputs runs `create` again. */
export const localCommand: ResourceType = {
  check: (given) => {
    const inputs = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
    return { inputs, failures: wrongInputs(inputs) };
  },
  diff: ({ oldInputs, oldOutputs, inputs }) =>
    diffCommand(Object.keys(oldInputs).length > 0 ? oldInputs : oldOutputs, inputs),
  preview: (inputs) => ({ ...inputs, stderr: UNKNOWN, stdout: UNKNOWN }),
  async create(inputs, context) {
    const output = await runIfGiven(inputs["create"], inputs, undefined, context);
    const name = context.urn.split("::").slice(3).join("::");
    return { id: `${name}${randomBytes(4).toString("hex")}`, outputs: { ...inputs, ...output } };
  },
  async update({ inputs, oldOutputs }, context) {
    const output = await runIfGiven(inputs["update"] ?? inputs["create"], inputs, previousOf(oldOutputs), context);
    return { ...inputs, ...output };
  },
  /** A command leaves nothing that could be looked up: the state is all there is. */
  read(id, oldInputs, oldOutputs) {
    if (oldInputs === undefined)
      throw new Error(`a command cannot be imported (${id}): what it did cannot be looked up`);
    return Promise.resolve({ id, inputs: oldInputs, outputs: oldOutputs });
  },
  async delete(_id, outputs, context) {
    await runIfGiven(outputs["delete"], outputs, previousOf(outputs), context);
  },
  derivedOutputs: { stderr: REVEALED, stdout: REVEALED },
};

/** command.local.run: a command at every run of the program. */
export const runOnce: InvokeFunction = async (args, context) => {
  if (typeof args["command"] !== "string") throw new Error(`command is ${shown(args["command"])}: give a string`);
  const { command, ...rest } = args;
  const failures = wrongInputs(rest);
  if (failures.length > 0) throw new Error(failures.map(({ reason }) => reason).join("; "));
  return { ...args, ...(await execute(command, rest, undefined, context)) };
};

async function runIfGiven(
  command: Value | undefined,
  inputs: ValueMap,
  previous: CommandOutput | undefined,
  context: Parameters<typeof execute>[3],
): Promise<CommandOutput & ValueMap> {
  const output =
    typeof command === "string" && command !== ""
      ? await execute(command, inputs, previous, context)
      : (previous ?? { stderr: "", stdout: "" });
  return { ...output };
}

function previousOf(outputs: ValueMap): CommandOutput {
  return { stderr: asText(outputs["stderr"]), stdout: asText(outputs["stdout"]) };
}

function isString(value: Value): string | undefined {
  return typeof value === "string" ? undefined : "give a string";
}

function wrongInputs(inputs: ValueMap): CheckFailure[] {
  return Object.entries(inputs).flatMap(([property, value]) => {
    const wrong =
      INPUTS[property] ?? (() => `there is no such input: leave it out (there are ${Object.keys(INPUTS).join(", ")})`);
    const hasUnknown = isUnknown(value) || (isMap(value) && Object.values(value).some(isUnknown));
    const reason = hasUnknown && INPUTS[property] !== undefined ? undefined : wrong(value);
    return reason === undefined ? [] : [{ property, reason: `${property} is ${shown(value)}: ${reason}` }];
  });
}

/**
 * A change of a whole list of triggers (also: one that is not known yet) replaces; a change of one trigger in it does
 * not, as recorded from the official plugin, whose rule holds for the path `triggers` only. The SDK adds
 * `replaceOnChanges: ["triggers[*]"]` for the rest.
 */
function diffCommand(olds: ValueMap, inputs: ValueMap): DiffResult {
  const detailed: Record<string, DiffKind> = {};
  for (const name of Object.keys(INPUTS)) compare(olds[name], inputs[name], name, detailed);
  const changed = [...new Set(Object.keys(detailed).map((path) => path.split(/[.[]/)[0]))];
  const whole = detailed["triggers"];
  if (whole === undefined) return { detailed, changed, replaces: [], deleteBeforeReplace: false };
  return {
    detailed: { ...detailed, triggers: `${whole}-replace` as DiffKind },
    changed,
    replaces: ["triggers"],
    deleteBeforeReplace: false,
  };
}

function compare(
  old: Value | undefined,
  now: Value | undefined,
  path: string,
  detailed: Record<string, DiffKind>,
): void {
  if (sameValue(old, now)) return;
  if (old === undefined) detailed[path] = "add";
  else if (now === undefined) detailed[path] = "delete";
  else if (isUnknown(now)) detailed[path] = "update";
  else if (Array.isArray(old) && Array.isArray(now)) {
    for (let index = 0; index < Math.max(old.length, now.length); index += 1)
      compare(old[index], now[index], `${path}[${index}]`, detailed);
  } else if (isMap(old) && isMap(now)) {
    for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
      const at = /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
      compare(old[key], now[key], at, detailed);
    }
  } else detailed[path] = "update";
}
