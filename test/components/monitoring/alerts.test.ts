import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { windowSeconds } from "../../../components/monitoring/alert.ts";
import { alertsOf, ruleFile } from "../../../components/monitoring/alerts.ts";
import { alertCases } from "../../e2e/alertCases.ts";

const context = { servers: 21, scrapeSeconds: 15, timeScale: 1, collects: true };
const project = join(import.meta.dirname, "../../..");

describe("alerts as typed data", () => {
  const alerts = alertsOf(context);

  it("R-OPS-01: each has a runbook of its name, and there is no other", () => {
    const books = readdirSync(join(project, "docs/runbooks")).map((file) => file.replace(/\.md$/, ""));
    assert.deepEqual(books.sort(), alerts.map(({ name }) => name).sort());
  });

  it("each has a case in promtool's own clock", () => {
    const { tests } = alertCases(context, "alerts.json") as { tests: { name: string }[] };
    assert.equal(tests.length, alerts.length, "all but the sign of life, and one that climbs");
  });

  for (const id of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14].map(
    (number) => `R-ALR-${String(number).padStart(2, "0")}`,
  )) {
    it(`${id} has one`, () => assert.ok(alerts.some(({ requirement }) => requirement === id)));
  }

  it("R-LVL-05: each carries severity and level, estate and stack", () => {
    const { groups } = JSON.parse(ruleFile(context, { estate: "e", stack: "s" })) as {
      groups: { rules: { labels: Record<string, string> }[] }[];
    };
    for (const { labels } of groups[0]?.rules ?? []) {
      const { climbed_from: _, ...common } = labels;
      assert.deepEqual(Object.keys(common).sort(), ["estate", "level", "severity", "stack"]);
    }
  });

  it("R-LVL-05: what is of level 2 or 3 climbs by one after half an hour, under the same name", () => {
    const { groups } = JSON.parse(ruleFile(context, {})) as {
      groups: { rules: { alert: string; for: string; labels: Record<string, string> }[] }[];
    };
    const loop = (groups[0]?.rules ?? []).filter(
      ({ alert }) => alert === "GatewayUnreachable" || alert === "RestartLoop",
    );
    assert.deepEqual(
      loop.map(({ alert, for: wait, labels }) => [alert, wait, labels["level"], labels["climbed_from"]]),
      [
        ["RestartLoop", "0ms", "3", undefined],
        ["RestartLoop", "1800000ms", "4", "3"],
        ["GatewayUnreachable", "60000ms", "4", undefined],
      ],
    );
  });

  it("R-ALR-09: the number of declared servers is in the rule", () => {
    assert.match(alerts.find(({ name }) => name === "ServersMissing")?.expr ?? "", /< 21$/);
  });

  it("a window never holds fewer than four scrapes", () => {
    assert.equal(windowSeconds(30, context), 60);
    assert.equal(windowSeconds(300, context), 300);
    assert.equal(windowSeconds(300, { ...context, scrapeSeconds: 1, timeScale: 0.02 }), 6);
  });
});
