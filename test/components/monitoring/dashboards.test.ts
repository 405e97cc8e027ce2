import assert from "node:assert/strict";
import { parser } from "@grafana/lezer-logql";
import { boards, dashboards } from "../../../components/monitoring/dashboards/index.ts";

describe("dashboards as typed data", () => {
  const all = boards({ logs: true });

  it("R-DSH-01: the five panels of the plan are there", () => {
    const titles = all.flatMap(({ panels }) => panels.filter(({ requirement }) => requirement === "R-DSH-01"));
    assert.deepEqual(
      titles.map(({ title }) => title),
      ["Server health", "Request latency", "Error rate", "GPU use", "Container resource use"],
    );
  });

  it("R-DSH-04: declared against effective, drift, orphans, and what guard and ladders did", () => {
    const titles = all.flatMap(({ panels }) => panels.filter(({ requirement }) => requirement === "R-DSH-04"));
    assert.deepEqual(
      titles.map(({ title }) => title),
      ["Declared against effective limits", "Drift", "Orphans", "Guard actions", "Ladder actions"],
    );
  });

  it("R-MON-07: what is asked of Loki is LogQL, by Grafana's own grammar", () => {
    const queries = all
      .flatMap(({ panels }) => panels)
      .filter(({ kind }) => kind === "logs")
      .flatMap(({ queries: asked }) => asked.map(({ expr }) => expr));
    // The collector asks for its canary in the same language.
    const asked = [...queries, '{estate="e", stack="s", container="collector"} |= "log-canary"'];
    assert.ok(queries.length > 0);
    for (const query of asked) assert.deepEqual(errorsIn(query), [], query);
    assert.notDeepEqual(errorsIn('{container="a"'), [], "the grammar finds errors");
  });

  it("have an id each, panels that lie in the grid, and a data source in each question", () => {
    const built = dashboards({ logs: true }).map(({ json }) => JSON.parse(json) as Built);
    assert.equal(new Set(built.map(({ uid }) => uid)).size, built.length);
    for (const { title, panels } of built) {
      const places = panels.map(({ gridPos: { x, y } }) => `${x} ${y}`);
      assert.equal(new Set(places).size, panels.length, title);
      for (const panel of panels) {
        assert.ok(panel.gridPos.x + panel.gridPos.w <= 24, panel.title);
        assert.match(panel.datasource.uid, /^mcp-estate-(prometheus|loki)$/, panel.title);
        assert.ok(panel.targets.length > 0 && panel.targets.every(({ expr }) => expr !== ""), panel.title);
        assert.match(panel.description, /\(R-[A-Z]+-\d+\)$/, panel.title);
      }
    }
    assert.doesNotMatch(JSON.stringify(dashboards({ logs: false })), /mcp-estate-loki/, "no store, no question to it");
  });
});

interface Built {
  uid: string;
  title: string;
  panels: Array<{
    title: string;
    description: string;
    datasource: { uid: string };
    gridPos: { x: number; y: number; w: number };
    targets: Array<{ expr: string }>;
  }>;
}

/** Where the grammar finds no sense, as Lezer marks it. */
function errorsIn(query: string): number[] {
  const places: number[] = [];
  parser.parse(query).iterate({
    enter: ({ type, from }) => {
      if (type.isError) places.push(from);
    },
  });
  return places;
}
