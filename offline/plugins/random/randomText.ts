import { randomInt } from "node:crypto";
import { hashSync } from "bcryptjs";
import type { CheckFailure, ResourceState, ResourceType } from "../resourceType.ts";
import type { Value, ValueMap } from "../values.ts";
import { UNKNOWN, asText, containsUnknown } from "../values.ts";
import { checkKinds, diffReplacing, frameworkDelta, withoutNull } from "./inputs.ts";

const KINDS = {
  keepers: "map",
  length: "count",
  lower: "bool",
  minLower: "count",
  minNumeric: "count",
  minSpecial: "count",
  minUpper: "count",
  number: "bool",
  numeric: "bool",
  overrideSpecial: "string",
  special: "bool",
  upper: "bool",
} as const;

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const NUMERIC = "0123456789";
/** The official plugin's own set, which its documentation prints. */
const SPECIAL = "!@#$%&*()-_=+[]{}<>:?";

/** bcrypt uses no more bytes than this of a password. */
const BCRYPT_MAX_BYTES = 72;
const BCRYPT_COST = 10;

/** random:index/randomPassword:RandomPassword: `result` and `bcryptHash` are secret, the id says nothing. */
export const randomPassword: ResourceType = {
  ...randomText("3", (result) => ({ id: "none", outputs: { bcryptHash: bcryptHash(result) } })),
  secretOutputs: ["bcryptHash", "result"],
};

/** random:index/randomString:RandomString: not secret, its id is its value. */
export const randomString: ResourceType = randomText("2", (result) => ({ id: result, outputs: {} }));

/** @param schemaVersion of the official plugin's type: "3" for passwords, "2" for strings. */
function randomText(schemaVersion: "2" | "3", identify: (result: string) => ResourceState): ResourceType {
  const stateOf = (result: string, inputs: ValueMap): ResourceState => {
    const { id, outputs: own } = identify(result);
    const outputs = { ...planned(inputs), ...own, id, result };
    const bookkeeping = {
      __meta: JSON.stringify({ schema_version: schemaVersion }),
      __pulumi_raw_state_delta: frameworkDelta(outputs, ["keepers", "overrideSpecial"]),
    };
    return { id, outputs: { ...outputs, ...bookkeeping } };
  };
  const computed = schemaVersion === "3" ? ["bcryptHash"] : [];
  return {
    check(given) {
      const inputs = withoutNull(given);
      const failures = checkKinds(inputs, KINDS, "length");
      return { inputs, failures: failures.length > 0 || containsUnknown(inputs) ? failures : contradictions(inputs) };
    },
    diff: ({ oldOutputs, inputs }) => diffReplacing(oldOutputs, planned(inputs), Object.keys(KINDS)),
    preview: (inputs) => ({
      ...planned(inputs),
      ...Object.fromEntries(["result", ...computed].map((name) => [name, UNKNOWN])),
    }),
    create: (inputs) => Promise.resolve(stateOf(generate(inputs), inputs)),
    read(id, oldInputs, oldOutputs) {
      if (oldInputs !== undefined) return Promise.resolve({ id, inputs: oldInputs, outputs: oldOutputs });
      // `pulumi import` takes the text itself as the id.
      const inputs: ValueMap = { length: Array.from(id).length };
      return Promise.resolve({ ...stateOf(id, inputs), inputs });
    },
    async delete() {},
  };
}

/** Inputs with the plugin's defaults; `number` is the old name of `numeric`, and either sets both. */
function planned(inputs: ValueMap): ValueMap {
  const numeric = inputs["numeric"] ?? inputs["number"] ?? true;
  const minimums = Object.fromEntries(
    ["minLower", "minNumeric", "minSpecial", "minUpper"].map((name) => [name, inputs[name] ?? 0]),
  );
  const switches = Object.fromEntries(["lower", "special", "upper"].map((name) => [name, inputs[name] ?? true]));
  return { ...inputs, ...minimums, ...switches, numeric, number: numeric };
}

interface CharacterClass {
  characters: string;
  minimum: number;
}

function classesOf(inputs: ValueMap): CharacterClass[] {
  const all = planned(inputs);
  const of = (name: string, minimum: string, characters: string) => ({
    characters: all[name] === true ? characters : "",
    minimum: Number(all[minimum]),
  });
  const special =
    typeof inputs["overrideSpecial"] === "string" && inputs["overrideSpecial"] !== ""
      ? inputs["overrideSpecial"]
      : SPECIAL;
  return [
    of("lower", "minLower", LOWER),
    of("upper", "minUpper", LOWER.toUpperCase()),
    of("numeric", "minNumeric", NUMERIC),
    of("special", "minSpecial", special),
  ];
}

function contradictions(inputs: ValueMap): CheckFailure[] {
  const length = Number(inputs["length"]);
  const classes = classesOf(inputs);
  const minimum = classes.reduce((sum, entry) => sum + entry.minimum, 0);
  if (length < 1) return [{ property: "length", reason: `length is ${length}: give 1 or more` }];
  if (length < minimum)
    return [
      { property: "length", reason: `length is ${length}: give at least the sum of the minimums, which is ${minimum}` },
    ];
  const { number, numeric } = inputs;
  if (number !== undefined && numeric !== undefined && number !== numeric) {
    return [
      {
        property: "number",
        reason: `number is ${asText(number)} and numeric is ${asText(numeric)}: give numeric alone`,
      },
    ];
  }
  if (classes.every(({ characters }) => characters === "")) {
    return [
      { property: "special", reason: "lower, upper, numeric and special are all false: set one of them to true" },
    ];
  }
  return [];
}

/** The minimums first, the rest from all classes, then shuffled; every choice from the system's secure source. */
function generate(inputs: ValueMap): string {
  const classes = classesOf(inputs);
  // A minimum counts even for a class that is switched off, as in the official plugin: it then draws nothing.
  const drawn = classes.flatMap(({ characters, minimum }) =>
    characters === "" ? [] : Array.from({ length: minimum }, () => pick(characters)),
  );
  const any = classes.map(({ characters }) => characters).join("");
  while (drawn.length < Number(inputs["length"])) drawn.push(pick(any));
  for (let last = drawn.length - 1; last > 0; last -= 1) {
    const other = randomInt(last + 1);
    [drawn[last], drawn[other]] = [drawn[other], drawn[last]];
  }
  return drawn.join("");
}

function pick(characters: string): string {
  const all = Array.from(characters);
  return all[randomInt(all.length)];
}

function bcryptHash(text: string): Value {
  return hashSync(Buffer.from(text, "utf8").subarray(0, BCRYPT_MAX_BYTES).toString("utf8"), BCRYPT_COST);
}
