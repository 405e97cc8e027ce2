import assert from "node:assert/strict";
import { readEvents } from "../../../scripts/lib/engineEvents.ts";
import { refusalsIn } from "../../../scripts/lib/refusals.ts";

const logged = (...events: object[]) => readEvents(events.map((event) => `${JSON.stringify(event)}\n`).join(""));

describe("what the engine's events say against an update", () => {
  it("is every error once, without the address that repeats it; no warning, no progress", () => {
    const error = (message: string) => ({ diagnosticEvent: { severity: "error", message } });
    const refused =
      "pulumi-nodejs:dynamic/index:HostCapacity resource 'host': property mostCpus value {4096} has a problem: fetch: too many\n";
    const events = logged(
      error(refused),
      error(refused),
      error("the settings cannot be deployed:\nkey: reason\n"),
      { diagnosticEvent: { severity: "warning", message: "w" } },
      { diagnosticEvent: { severity: "info#err", message: "i" } },
    );
    assert.deepEqual(refusalsIn(events), ["fetch: too many", "the settings cannot be deployed:\nkey: reason"]);
  });

  it("is not the engine's last word, which says no reason", () => {
    assert.deepEqual(refusalsIn(logged({ diagnosticEvent: { severity: "error", message: "preview failed\n" } })), []);
  });
});
