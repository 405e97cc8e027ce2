import {
  DashboardBuilder,
  QueryVariableBuilder,
  type Panel as GrafanaPanel,
} from "@grafana/grafana-foundation-sdk/dashboard";
import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import { PanelBuilder as LogsPanel } from "@grafana/grafana-foundation-sdk/logs";
import { DataqueryBuilder as LokiQuery } from "@grafana/grafana-foundation-sdk/loki";
import { DataqueryBuilder as PrometheusQuery, PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatPanel } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as StatesPanel } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as TablePanel } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as LinesPanel } from "@grafana/grafana-foundation-sdk/timeseries";
import { control } from "./control.ts";
import { DATASOURCES } from "./datasources.ts";
import { overview } from "./overview.ts";
import type { Board, Panel } from "./panel.ts";
import { serverBoard } from "./server.ts";

export type { Board, Panel } from "./panel.ts";

const COLUMNS = 24;
const WIDTH = COLUMNS / 2;
const HEIGHT = 8;
/** What `$server` may be. */
export const SERVERS_QUERY = "label_values(mcp_server_up, server)";

/** @param options.logs a store keeps what the containers write. */
export function boards({ logs }: { logs: boolean }): Board[] {
  return [overview, control, serverBoard(logs)];
}

/** All dashboards, in Grafana's form (R-DSH-01, R-DSH-03, R-DSH-04). */
export function dashboards(options: { logs: boolean }): Array<{ uid: string; json: string }> {
  return boards(options).map((board) => ({ uid: board.uid, json: `${JSON.stringify(dashboardOf(board), null, 2)}\n` }));
}

function dashboardOf({ uid, title, panels, perServer }: Board) {
  const builder = new DashboardBuilder(title).uid(uid).tags(["mcp-estate"]).readonly().refresh("10s");
  builder.time({ from: "now-1h", to: "now" }).timezone("browser");
  if (perServer)
    builder.withVariable(
      new QueryVariableBuilder("server").label("Server").datasource(DATASOURCES.prometheus).query(SERVERS_QUERY),
    );
  for (const panel of panels) builder.withPanel(panelOf(panel));
  return builder.build();
}

function panelOf(panel: Panel): Builder<GrafanaPanel> {
  const { title, description, requirement, kind, unit, empty, queries } = panel;
  const text = `${description} (${requirement})`;
  const targets = queries.map((query, index) => targetOf(kind, query, String.fromCharCode("A".charCodeAt(0) + index)));
  if (kind === "logs") {
    return new LogsPanel()
      .title(title)
      .description(text)
      .datasource(DATASOURCES.loki)
      .targets(targets)
      .showTime(true)
      .span(COLUMNS)
      .height(HEIGHT);
  }
  const PanelOfKind = { lines: LinesPanel, figure: StatPanel, table: TablePanel, states: StatesPanel }[kind];
  const builder = new PanelOfKind();
  builder.title(title).description(text).datasource(DATASOURCES.prometheus).targets(targets);
  builder.unit(unit).span(WIDTH).height(HEIGHT);
  if (empty !== undefined) builder.noValue(empty);
  return builder;
}

function targetOf(kind: Panel["kind"], { expr, legend }: Panel["queries"][number], refId: string): Builder<Dataquery> {
  if (kind === "logs") return new LokiQuery().expr(expr).refId(refId);
  const query = new PrometheusQuery().expr(expr).legendFormat(legend).refId(refId);
  if (kind === "table") return query.instant().format(PromQueryFormat.Table);
  return kind === "figure" ? query.instant() : query.range();
}
