import { randomBytes } from "node:crypto";
import type { ResourceType } from "../resourceType.ts";
import type { ValueMap } from "../values.ts";
import { UNKNOWN } from "../values.ts";
import { checkKinds, diffReplacing, frameworkDelta, withoutNull } from "./inputs.ts";

const KINDS = { byteLength: "count", keepers: "map", prefix: "string" } as const;
const COMPUTED = ["b64Std", "b64Url", "dec", "hex"];

/** random:index/randomId:RandomId. Its id is the bytes in URL-safe base64, after the prefix. */
export const randomId: ResourceType = {
  check(given) {
    const inputs = withoutNull(given);
    const failures = checkKinds(inputs, KINDS, "byteLength");
    if (inputs["byteLength"] === 0)
      failures.push({ property: "byteLength", reason: "byteLength is 0: give 1 or more" });
    return { inputs, failures };
  },
  diff: ({ oldOutputs, inputs }) => diffReplacing(oldOutputs, inputs, Object.keys(KINDS)),
  preview: (inputs) => ({ ...inputs, ...Object.fromEntries(COMPUTED.map((name) => [name, UNKNOWN])) }),
  create(inputs) {
    return Promise.resolve(stateOf(randomBytes(Number(inputs["byteLength"])), inputs));
  },
  read(id, oldInputs, oldOutputs) {
    if (oldInputs !== undefined) return Promise.resolve({ id, inputs: oldInputs, outputs: oldOutputs });
    return Promise.resolve(imported(id));
  },
  async delete() {},
};

/** `pulumi import` takes `[prefix,]ID`, the id in URL-safe base64. */
function imported(id: string) {
  const comma = id.lastIndexOf(",");
  const prefix = comma < 0 ? undefined : id.slice(0, comma);
  const text = id.slice(comma + 1);
  if (!/^[\w-]+$/.test(text))
    throw new Error(
      `"${id}" is no RandomId: give [PREFIX,]ID with the ID in URL-safe base64 (its b64Url without the prefix)`,
    );
  const bytes = Buffer.from(text, "base64url");
  const inputs: ValueMap = { byteLength: bytes.length, ...(prefix === undefined ? {} : { prefix }) };
  return { ...stateOf(bytes, inputs), inputs };
}

function stateOf(bytes: Buffer, inputs: ValueMap): { id: string; outputs: ValueMap } {
  const prefix = typeof inputs["prefix"] === "string" ? inputs["prefix"] : "";
  const id = bytes.toString("base64url");
  const outputs: ValueMap = {
    ...inputs,
    id,
    b64Std: prefix + bytes.toString("base64"),
    b64Url: prefix + id,
    dec: prefix + BigInt(`0x${bytes.toString("hex")}`).toString(10),
    hex: prefix + bytes.toString("hex"),
  };
  return { id, outputs: { ...outputs, __pulumi_raw_state_delta: frameworkDelta(outputs, ["keepers", "prefix"]) } };
}
