/**
 * Runs the protocol's conformance suite for both revisions: the fixture directly, behind the stdio bridge, and behind
 * gateway and bridge. Writes docs/results/conformance.md; fails when the bridge fails where the fixture does not, at the
 * revision that it speaks.
 *
 * `npm run bench:conformance`
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectDir } from "../lib/paths.ts";
import { runConformance, type ConformanceResults, type ScenarioResult } from "./conformanceRun.ts";
import { Circumstances, markdownTable, writeResult } from "./results.ts";

const REVISIONS = ["2025-11-25", "2026-07-28"] as const;
/** The one that bridge and gateway must pass as the fixture does (docs/adr/0005-protocol-revisions.md). */
const SPOKEN = "2025-11-25";

const suite = JSON.parse(
  readFileSync(join(projectDir, "node_modules/@modelcontextprotocol/conformance/package.json"), "utf8"),
) as { version: string };

const passed = (results: readonly ScenarioResult[]): string => {
  const scored = results.filter((result) => result.scored);
  return `${scored.filter(({ failed }) => failed === 0).length} of ${scored.length}`;
};

function sectionOf(revision: string, results: ConformanceResults): string[] {
  const ways = ["direct", "supervisor", "gateway"] as const;
  const of = (way: (typeof ways)[number], name: string): string => {
    const found = results[way].find(({ scenario }) => scenario === name);
    return found === undefined
      ? "not run"
      : `${found.passed} passed${found.failed > 0 ? `, **${found.failed} failed**` : ""}`;
  };
  return [
    `## ${revision}`,
    markdownTable(
      ["", "the fixture itself", "through the bridge", "through the gateway"],
      [["required scenarios passed", ...ways.map((way) => passed(results[way]))]],
    ),
    markdownTable(
      ["scenario", "scored", "the fixture itself", "through the bridge", "through the gateway"],
      results.direct.map(({ scenario, scored }) => [
        scenario,
        scored ? "yes" : "no",
        ...ways.map((way) => of(way, scenario)),
      ]),
    ),
  ];
}

const circumstances = new Circumstances();
const sections: string[] = [];
let worse: string[] = [];
for (const revision of REVISIONS) {
  const results = await runConformance(revision);
  sections.push(...sectionOf(revision, results));
  console.log(revision, passed(results.direct), passed(results.supervisor), passed(results.gateway));
  if (revision !== SPOKEN) continue;
  const passes = new Set(results.direct.filter(({ failed }) => failed === 0).map(({ scenario }) => scenario));
  worse = [...results.supervisor, ...results.gateway]
    .filter(({ scenario, scored, failed }) => scored && failed > 0 && passes.has(scenario))
    .map(({ scenario }) => scenario);
}
await writeResult("conformance", "npm run bench:conformance", circumstances, [
  "# Conformance",
  `\`@modelcontextprotocol/conformance\` ${suite.version}, \`--requirements\` of each revision, against a fixture with the suite's tool ` +
    "names on the official SDK (test/fixtures/conformance): the fixture itself on the SDK's HTTP transport, as a stdio server behind the " +
    "supervisor with a child per session, and through the gateway under its own names.",
  ...sections,
]);
process.exit(worse.length === 0 ? 0 : 1);
