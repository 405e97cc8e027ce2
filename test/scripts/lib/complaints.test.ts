import assert from "node:assert/strict";
import { readComplaints } from "../../../scripts/lib/complaints.ts";

const log = (...events: object[]) => events.map((event) => `${JSON.stringify(event)}\n`).join("");
const policy = (enforcementLevel: string) => ({
  policyEvent: {
    message: "a container needs limits\n",
    policyName: "limits",
    policyPackName: "estate",
    enforcementLevel,
    resourceUrn: "urn:pulumi:dev::p::docker:index/container:Container::c",
  },
});

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
    assert.deepEqual(readComplaints(events), [
      { kind: "refusal", text: "fetch: too many" },
      { kind: "refusal", text: "the settings cannot be deployed:\nkey: reason" },
    ]);
  });

  it("is a policy's refusal when mandatory, else its advice, with its name and the resource", () => {
    const text = "policy estate/limits (c): a container needs limits";
    assert.deepEqual(readComplaints(log(policy("mandatory"))), [{ kind: "refusal", text }]);
    assert.deepEqual(readComplaints(log(policy("advisory"))), [{ kind: "advice", text }]);
  });

  it("leaves out a last line that was cut off", () => {
    assert.deepEqual(readComplaints(`${log(policy("advisory"))}{"diagnosticEv`).length, 1);
  });
});
