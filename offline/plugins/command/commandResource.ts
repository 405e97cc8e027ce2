import { randomBytes } from "node:crypto";
import { shown } from "../bridged/check.ts";
import type { CheckFailure, DiffKind, DiffResult, OperationContext, ResourceType } from "../resourceType.ts";
import type { Value, ValueMap } from "../values.ts";
import { UNKNOWN, asText, isAsset, isMap, isUnknown, sameValue } from "../values.ts";
import type { CommandOutput } from "./execute.ts";

/** Input → why its value is wrong; those that the stand-in does not offer say so. */
export type InputChecks = Readonly<Record<string, (value: Value) => string | undefined>>;

/** Where and how a command runs. */
export interface CommandKind {
  inputs: InputChecks;
  /** Inputs that a command's output may reveal. */
  revealed: readonly string[];
  /** @param previous what the last run printed; absent at the first. */
  execute: (
    command: string,
    inputs: ValueMap,
    previous: CommandOutput | undefined,
    context: OperationContext,
  ) => Promise<CommandOutput>;
}

const LOGGING = ["stdout", "stderr", "stdoutAndStderr", "none"];

/** Inputs of every kind of command. */
export const COMMON_INPUTS: InputChecks = {
  addPreviousOutputInEnv: (value) => (typeof value === "boolean" ? undefined : "give true or false"),
  create: isString,
  delete: isString,
  environment: (value) =>
    isMap(value) && Object.values(value).every((entry) => typeof entry === "string")
      ? undefined
      : "give an object of strings",
  logging: (value) =>
    typeof value === "string" && LOGGING.includes(value) ? undefined : `give one of ${LOGGING.join(", ")}`,
  stdin: isString,
  triggers: (value) => (Array.isArray(value) ? undefined : "give a list"),
  update: isString,
};

/** A resource that is a command. Without `update`, a change of its inputs runs `create` again. */
export function commandResource({ inputs: checks, revealed, execute }: CommandKind): ResourceType {
  async function runIfGiven(
    command: Value | undefined,
    inputs: ValueMap,
    previous: CommandOutput | undefined,
    context: OperationContext,
  ): Promise<CommandOutput & ValueMap> {
    const output =
      typeof command === "string" && command !== ""
        ? await execute(command, inputs, previous, context)
        : (previous ?? { stderr: "", stdout: "" });
    return { ...output };
  }
  return {
    check: (given) => {
      const inputs = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
      return { inputs, failures: wrongInputs(inputs, checks) };
    },
    diff: ({ oldInputs, oldOutputs, inputs }) =>
      diffCommand(Object.keys(oldInputs).length > 0 ? oldInputs : oldOutputs, inputs, Object.keys(checks)),
    preview: (inputs) => ({ ...inputs, stderr: UNKNOWN, stdout: UNKNOWN }),
    async create(inputs, context) {
      const output = await runIfGiven(inputs["create"], inputs, undefined, context);
      return { id: idOf(context), outputs: { ...inputs, ...output } };
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
    derivedOutputs: { stderr: [...revealed], stdout: [...revealed] },
  };
}

/** An id as the official plugin makes them: the name, and eight digits of its own. */
export function idOf(context: OperationContext): string {
  const name = context.urn.split("::").slice(3).join("::");
  return `${name}${randomBytes(4).toString("hex")}`;
}

function previousOf(outputs: ValueMap): CommandOutput {
  return { stderr: asText(outputs["stderr"]), stdout: asText(outputs["stdout"]) };
}

export function isString(value: Value): string | undefined {
  return typeof value === "string" ? undefined : "give a string";
}

export function wrongInputs(inputs: ValueMap, checks: InputChecks): CheckFailure[] {
  return Object.entries(inputs).flatMap(([property, value]) => {
    const wrong =
      checks[property] ?? (() => `there is no such input: leave it out (there are ${Object.keys(checks).join(", ")})`);
    const hasUnknown = isUnknown(value) || (isMap(value) && Object.values(value).some(isUnknown));
    const reason = hasUnknown && checks[property] !== undefined ? undefined : wrong(value);
    return reason === undefined ? [] : [{ property, reason: `${described(property, value)}: ${reason}` }];
  });
}

/**
 * A change of a whole list of triggers (also: one that is not known yet) replaces; a change of one trigger in it does
 * not, as recorded from the official plugin, whose rule holds for the path `triggers` only. The SDK adds
 * `replaceOnChanges: ["triggers[*]"]` for the rest.
 */
export function diffCommand(olds: ValueMap, inputs: ValueMap, names: readonly string[]): DiffResult {
  const detailed: Record<string, DiffKind> = {};
  for (const name of names) compare(olds[name], inputs[name], name, detailed);
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
  } else if (isMap(old) && isMap(now) && !isAsset(old) && !isAsset(now)) {
    for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
      const at = /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
      compare(old[key], now[key], at, detailed);
    }
  } else detailed[path] = "update";
}

/** Of a connection the value is never shown: it holds keys and passwords. */
function described(property: string, value: Value): string {
  return property === "connection" ? property : `${property} is ${shown(value)}`;
}
