import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Drift, FoundOrphan } from "../../../scripts/lib/drift.ts";
import { driftMetrics, writeTextfile } from "../../../scripts/lib/metrics.ts";
import { UserError } from "../../../scripts/lib/userError.ts";

const owner = { estate: "mcp-estate", stack: "dev" };
const drift: Drift[] = [
  { resource: "container memory", property: "pids", declared: "32", found: "99" },
  { resource: "container bold", property: "exists", declared: "no, is reported", found: "mcp/fetch" },
];
const orphans: FoundOrphan[] = [
  { kind: "container", name: 'bo"ld', reason: "matches", action: "report" },
  { kind: "script", name: "/opt/a.sh", reason: "starts", action: "remove" },
];

describe("drift as metrics (R-DRF-08)", () => {
  it("counts orphans by kind, zeros included, and drifted properties, and names both", async () => {
    const lines = (await driftMetrics(owner, { drift, orphans }, 1_500)).split("\n");
    const values = Object.fromEntries(
      lines.filter((line) => line !== "" && !line.startsWith("#")).map((line) => line.split(/ (?=\S+$)/)),
    ) as Record<string, string>;
    const whose = 'estate="mcp-estate",stack="dev"';
    assert.deepEqual(values, {
      [`mcp_estate_drift_look_success{${whose}}`]: "1",
      [`mcp_estate_drift_look_timestamp_seconds{${whose}}`]: "2",
      [`mcp_estate_drifted_properties{${whose}}`]: "1",
      [`mcp_estate_drifted_property{resource="container memory",property="pids",${whose}}`]: "1",
      [`mcp_estate_orphans{kind="container",${whose}}`]: "1",
      [`mcp_estate_orphans{kind="network",${whose}}`]: "0",
      [`mcp_estate_orphans{kind="volume",${whose}}`]: "0",
      [`mcp_estate_orphans{kind="image",${whose}}`]: "0",
      [`mcp_estate_orphans{kind="process",${whose}}`]: "0",
      [`mcp_estate_orphans{kind="script",${whose}}`]: "1",
      [`mcp_estate_orphan{kind="container",name="bo\\"ld",action="report",${whose}}`]: "1",
      [`mcp_estate_orphan{kind="script",name="/opt/a.sh",action="remove",${whose}}`]: "1",
    });
  });

  it("says that a look has failed, and no figure that nobody knows", async () => {
    const text = await driftMetrics(owner, undefined, 1_500);
    assert.match(text, /mcp_estate_drift_look_success\{[^}]*\} 0/);
    assert.doesNotMatch(text, /mcp_estate_orphans|drifted/);
  });

  it("replaces the file whole, readable by everybody, and leaves nothing beside it", () => {
    const folder = mkdtempSync(join(tmpdir(), "metrics-"));
    try {
      const file = join(folder, "drift.prom");
      writeFileSync(file, "old");
      const { ino } = statSync(file);
      writeTextfile(file, "new\n");
      assert.equal(readFileSync(file, "utf8"), "new\n");
      assert.notEqual(statSync(file).ino, ino, "a reader of the old file keeps the old text");
      assert.equal(statSync(file).mode & 0o444, 0o444);
      assert.throws(() => writeTextfile(join(folder, "gone/drift.prom"), "x"), UserError);
      assert.throws(
        () => writeTextfile(join(folder, "drift.txt"), "x"),
        /--metrics got ".*drift\.txt"; .* reads \*\.prom/,
      );
      assert.deepEqual(readdirSync(folder), ["drift.prom"]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
