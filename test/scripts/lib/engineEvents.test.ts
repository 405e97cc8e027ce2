import assert from "node:assert/strict";
import { readUpdateFindings } from "../../../scripts/lib/engineEvents.ts";

const step = (op: string, type = "docker:index/container:Container", planning = false) => ({
  resourcePreEvent: { planning, metadata: { op, type, urn: `urn:pulumi:dev::estate::${type}::memory` } },
});
const error = (message: string, urn?: string) => ({
  diagnosticEvent: { severity: "error", message, ...(urn ? { urn } : {}) },
});
const log = (...events: object[]): string => events.map((event) => `${JSON.stringify(event)}\n`).join("");

describe("what an update did", () => {
  it("has touched nothing where all stayed the same, was read, or only planned", () => {
    const text = log(
      step("same"),
      step("refresh"),
      step("create", undefined, true),
      step("create", "pulumi:pulumi:Stack"),
    );
    assert.equal(readUpdateFindings(text).touched, false);
    assert.equal(readUpdateFindings("").touched, false);
  });

  it("has touched something with its first real step, even if the log is cut off", () => {
    assert.equal(readUpdateFindings(`${log(step("same"), step("update"))}{"cut`).touched, true);
  });

  it("failed for reasons, by resource, without colours", () => {
    const urn = "urn:pulumi:dev::estate::pulumi-nodejs:dynamic/index:SmokeGate::smoke";
    const stack = "urn:pulumi:dev::estate::pulumi:pulumi:Stack::estate-dev";
    const text = log(
      error("<{%fg 1%}>2 checks failed\n\n  answers  memory<{%reset%}>", urn),
      error("update failed", stack),
    );
    assert.deepEqual(readUpdateFindings(text).failures, [
      { resource: "smoke", lines: ["2 checks failed", "answers  memory"] },
      { resource: "", lines: ["update failed"] },
    ]);
  });
});
