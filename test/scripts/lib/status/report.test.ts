import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { listsOnly, notToBeHad } from "../../../../scripts/lib/catalogue/remarks.ts";
import type { Facts } from "../../../../scripts/lib/status/facts.ts";
import { readSaved, statusReport, type SavedStatus } from "../../../../scripts/lib/status/report.ts";

const project = join(import.meta.dirname, "../../../..");
const server = (name: string, state: string, more: object = {}) => ({
  ...{ name, state, ageSeconds: 3, tools: 4, reason: null, listsOnly: false },
  ...more,
});

function saved(facts: Partial<Facts>): SavedStatus {
  return {
    at: "2026-11-28T10:11:12.000Z",
    processors: 2,
    memoryGiB: 24,
    facts: { stack: "s", declared: [], gatewayUrl: "", servers: [], containers: [], faults: [], ...facts },
  };
}

describe("docs/status.md", () => {
  it("A-02: says how many of how many work, and why each other one does not", async () => {
    const servers = [
      server("one", "healthy"),
      server("two", "healthy", { listsOnly: true }),
      server("three", "stopped", { reason: "stopped as declared" }),
      server("four", "unhealthy", { reason: "mute", ageSeconds: null }),
    ];
    const text = await statusReport(
      saved({ servers, declared: servers.map(({ name }) => name) }),
      new Map([["two", "wants an account"]]),
      new Map([["five", "no package"]]),
    );
    assert.match(
      text,
      /\*\*1 of 4 servers work\*\*.* 1 list their tools only, 1 are stopped as declared, 1 do not work\./,
    );
    assert.match(text, /two +\| lists only +\| 3\.0 s before +\| 4 +\| wants an account/);
    assert.match(text, /three +\| stopped .*stopped as declared/);
    assert.match(text, /four +\| unhealthy +\| never .*mute/);
    assert.match(text, /^- four is unhealthy: mute$/m);
    assert.match(text, /five +\| no package/);
    assert.match(text, /2026-11-28 10:11 UTC/);
  });

  it("A-02: is what the last probe run has found, and nothing else", async () => {
    const last = readSaved(project);
    assert.ok(last, "nothing was saved");
    assert.equal(
      readFileSync(join(project, "docs/status.md"), "utf8"),
      await statusReport(last, listsOnly, notToBeHad),
    );
    assert.ok(existsSync(join(project, "docs/results/status.json")));
  });
});
