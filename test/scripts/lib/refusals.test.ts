import assert from "node:assert/strict";
import { readRefusals } from "../../../scripts/lib/refusals.ts";

const log = (...events: object[]) => events.map((event) => `${JSON.stringify(event)}\n`).join("");
describe("what the engine's events say against an update", () => {
  it("is every error once, without the address that repeats it; no warning, no progress", () => {
    const error = (message: string) => ({ diagnosticEvent: { severity: "error", message } });
    const refused =
      "pulumi-nodejs:dynamic/index:HostCapacity resource 'host': property mostCpus value {4096} has a problem: fetch: too many\n";
    const events = log(
      error(refused),
      error(refused),
      error("the settings cannot be deployed:\nkey: reason\n"),
      { diagnosticEvent: { severity: "warning", message: "w" } },
      { diagnosticEvent: { severity: "info#err", message: "i" } },
    );
    assert.deepEqual(readRefusals(events), ["fetch: too many", "the settings cannot be deployed:\nkey: reason"]);
  });

  it("is not the engine's last word, which says no reason", () => {
    assert.deepEqual(readRefusals(log({ diagnosticEvent: { severity: "error", message: "preview failed\n" } })), []);
  });

  it("leaves out a last line that was cut off", () => {
    const whole = log({ diagnosticEvent: { severity: "error", message: "no" } });
    assert.deepEqual(readRefusals(`${whole}{"diagnosticEv`), ["no"]);
  });
});
