import assert from "node:assert/strict";
import { join } from "node:path";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { catalogue, type CatalogueEntry } from "../../../../components/catalogue/index.ts";
import { judge } from "../../../../scripts/lib/catalogue/audit.ts";
import { limitFaults, type Row } from "../../../../scripts/lib/catalogue/row.ts";
import { billOfMaterials, lockedPackages } from "../../../../scripts/lib/catalogue/sbom.ts";

const project = join(import.meta.dirname, "../../../..");
const entryOf = (name: string): CatalogueEntry => catalogue.get(name) ?? assert.fail(`no ${name}`);

describe("bills of materials of the catalogue", () => {
  for (const name of ["memory", "fetch", "claude-flow"]) {
    it(`that of ${name} is CycloneDX 1.6, and the same each time`, async () => {
      const text = billOfMaterials(entryOf(name), project);
      assert.equal(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text), null);
      assert.equal(billOfMaterials(entryOf(name), project), text);
    });
  }

  it("names every package with its hash", () => {
    for (const name of ["memory", "fetch"]) {
      const packages = lockedPackages(entryOf(name), project);
      assert.ok(packages.length > 20);
      for (const { name: own, hashes } of packages) assert.ok(hashes.length > 0, own);
    }
    const text = billOfMaterials(entryOf("fetch"), project);
    assert.match(text, /"purl": "pkg:pypi\/mcp-server-fetch@2026\.10\.24"/);
  });

  it("leaves out what the image leaves out", () => {
    const names = (entry: CatalogueEntry): string[] => lockedPackages(entry, project).map(({ name }) => name);
    const entry = entryOf("claude-flow");
    const { withoutOptional: _, ...source } = entry.package;
    assert.ok(names({ ...entry, package: source }).length > names(entry).length);
  });
});

describe("known vulnerabilities of the catalogue", () => {
  const entry = entryOf("memory");
  const found = [
    { package: "lodash", range: "<4", severity: "high" },
    { package: "ms", range: "<2", severity: "low" },
  ];
  const audit = { answered: true as const, found };
  const accepted = [{ package: "lodash", until: "2026-12-31", why: "only reached by an operator" }];

  it("count from a severity on", () => {
    assert.deepEqual(judge(entry, audit, "high", "2026-11-28"), {
      ...{ name: "memory", result: "vulnerable", lines: ["lodash <4 (high)"] },
    });
    assert.equal(judge(entry, audit, "critical", "2026-11-28").result, "clean");
    assert.equal(judge(entry, audit, "low", "2026-11-28").lines.length, 2);
  });

  it("can be accepted until a day, and no longer", () => {
    const accepting = { ...entry, accepted };
    assert.deepEqual(judge(accepting, audit, "high", "2026-12-31"), {
      ...{ name: "memory", result: "accepted" },
      lines: ["lodash <4 (high), accepted until 2026-12-31: only reached by an operator"],
    });
    const over = judge(accepting, audit, "high", "2027-01-01");
    assert.equal(over.result, "vulnerable");
    assert.match(over.lines[0] ?? "", /accepted until 2026-12-31, which is over$/);
  });

  it("are not known where nobody answers, which is no acquittal", () => {
    const verdict = judge(entry, { answered: false, why: "405 Method Not Allowed" }, "high", "2026-11-28");
    assert.deepEqual([verdict.result, verdict.lines], ["not checked", ["405 Method Not Allowed"]]);
  });
});

describe("limits of the catalogue against what was measured", () => {
  const row: Row = {
    ...{ name: "memory", package: "p 1", result: "proved", detail: "", tools: 9, buildMs: 0, startMs: 600 },
    ...{ idleMiB: 50, peakMiB: 60, memoryLimitMiB: 256, peakTasks: 16, pidsLimit: 32 },
  };

  it("are wide enough up to 80 % of the tasks and 75 % of the memory", () => {
    assert.deepEqual(limitFaults({ ...row, peakTasks: 25, peakMiB: 192 }), []);
    assert.deepEqual(limitFaults({ ...row, peakTasks: 26, peakMiB: 193 }), [
      "memory: 26 tasks are 81 % of 32, at most 80 % are allowed",
      "memory: 193 MiB are 75 % of 256, at most 75 % are allowed",
    ]);
  });
});
