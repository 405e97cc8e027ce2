import assert from "node:assert/strict";
import type { Version } from "../../../../scripts/lib/history/index.ts";
import { chooseVersion } from "../../../../scripts/lib/rollback/choose.ts";

interface Fields {
  result?: string;
  kind?: string;
  hash?: string;
  gate?: boolean;
  config?: Record<string, unknown>;
  fault?: string;
}

function version(number: number, fields: Fields = {}): Version {
  const { result = "succeeded", kind = "update", hash = "same", gate = true, config = {}, fault } = fields;
  const version: Version = { number, time: new Date(0), kind, result, message: "", config };
  if (fault !== undefined) return { ...version, fault };
  if (result !== "succeeded" || kind !== "update") return version;
  const program = { hash, commit: "", dirty: true };
  return { ...version, release: { program, images: {}, smoke: { checks: [{ passed: gate }], tools: {} } } };
}

const chosen = (versions: Version[], wanted?: string): number => chooseVersion(versions, "dev", wanted).number;

describe("the version of a rollback", () => {
  it("is the last good one after a failed update", () => {
    assert.equal(chosen([version(1), version(2, { hash: "b" }), version(3, { result: "failed" })]), 2);
  });

  it("is the good one before what runs, however often that was deployed", () => {
    const now = { config: { "e:pids": 64 } };
    assert.equal(chosen([version(1), version(2, now), version(3, now)]), 1);
    assert.equal(chosen([version(1, { hash: "a" }), version(2, { hash: "b" }), version(3, { kind: "refresh" })]), 1);
  });

  it("may be any good one by number", () => {
    assert.equal(chosen([version(1), version(2), version(3)], "1"), 1);
  });

  const refusals: Array<[what: string, versions: Version[], wanted: string | undefined, message: string]> = [
    [
      "nothing good",
      [version(1, { result: "failed" })],
      undefined,
      'there is no earlier version of stack "dev" to go back to: no version of stack "dev" has passed its gate',
    ],
    [
      "nothing else",
      [version(1), version(2)],
      undefined,
      'there is no earlier version of stack "dev" to go back to: those that passed their gate are 1, 2',
    ],
    [
      "an unknown one",
      [version(1)],
      "7",
      'there is no version "7" of stack "dev": those that passed their gate are 1; npm run history shows all',
    ],
    [
      "no number",
      [version(1)],
      "1e0",
      'there is no version "1e0" of stack "dev": those that passed their gate are 1; npm run history shows all',
    ],
    [
      "a failed one",
      [version(1), version(2, { result: "failed" })],
      "2",
      "version 2 is a failed update and nothing to go back to; those that passed their gate are 1",
    ],
    [
      "a removal",
      [version(1), version(2, { kind: "destroy" })],
      "2",
      "version 2 is a destroy and nothing to go back to; those that passed their gate are 1",
    ],
    [
      "a hole",
      [version(1), version(2, { fault: "its checkpoint is missing" })],
      "2",
      "version 2 cannot be deployed again: its checkpoint is missing; those that passed their gate are 1",
    ],
  ];
  for (const [what, versions, wanted, message] of refusals) {
    it(`is refused: ${what}`, () => {
      assert.throws(() => chosen(versions, wanted), { name: "UserError", message });
    });
  }
});
