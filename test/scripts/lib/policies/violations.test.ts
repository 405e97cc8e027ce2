import assert from "node:assert/strict";
import { readEvents } from "../../../../scripts/lib/engineEvents.ts";
import { violationsIn, violationsTable, type Violation } from "../../../../scripts/lib/policies/violations.ts";

const logged = (...events: object[]) => readEvents(events.map((event) => `${JSON.stringify(event)}\n`).join(""));
const event = (message: string, enforcementLevel: string, resourceUrn?: string) => ({
  policyEvent: { message, policyName: "limits", policyPackName: "mcp-estate", enforcementLevel, resourceUrn },
});
const CONTAINER = "urn:pulumi:dev::p::mcp:index:Gateway$docker:index/container:Container::p-dev-gateway";

describe("what policies say in the engine's events (R-SEC-10)", () => {
  it("is read with the reason and what to do, each once, the resource as exemptions name it", () => {
    const message = "<{%reset%}>Every container has limits.\nmemory is not set\nset limits.memoryMiB\n<{%reset%}>";
    const events = logged(event(message, "mandatory", CONTAINER), event(message, "mandatory", CONTAINER));
    assert.deepEqual(violationsIn(events, "p-dev-"), [
      {
        policy: "limits",
        severity: "mandatory",
        resource: "gateway",
        why: "memory is not set",
        todo: "set limits.memoryMiB",
      },
    ]);
  });

  it("takes whatever level is not advisory as a refusal, and a pack that says one line only", () => {
    assert.deepEqual(violationsIn(logged(event("bad\n", "remediate")), "p-dev-"), [
      { policy: "limits", severity: "mandatory", resource: "stack", why: "bad", todo: "" },
    ]);
    const stack = "urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev";
    assert.equal(violationsIn(logged(event("bad", "advisory", stack)), "p-dev-")[0]?.resource, "stack");
  });

  it("is a table with refusals first, or one line", () => {
    const violation = (severity: Violation["severity"], policy: string): Violation => {
      return { severity, policy, resource: "gateway", why: "port 80", todo: "close it" };
    };
    assert.equal(violationsTable([]), "No policy is violated.");
    assert.equal(
      violationsTable([violation("advisory", "soft"), violation("mandatory", "hard")]),
      [
        "Refused by policy (1):",
        "",
        "POLICY  RESOURCE  WHY, AND WHAT TO DO",
        "──────  ────────  ───────────────────",
        "hard    gateway   port 80",
        "                  → close it",
        "",
        "Policy advises (1):",
        "",
        "POLICY  RESOURCE  WHY, AND WHAT TO DO",
        "──────  ────────  ───────────────────",
        "soft    gateway   port 80",
        "                  → close it",
      ].join("\n"),
    );
  });
});
