import { limitClasses } from "../limitClasses.ts";
import { dashboards } from "./dashboards/index.ts";
import { DATASOURCES, type DatasourceName } from "./dashboards/datasources.ts";
import type { StoreProgram } from "./store.ts";
import type { StoresConfig } from "./storesConfig.ts";

const GRAFANA_PORT = 3000;
const PROVISIONING = "/etc/grafana/provisioning";
const DASHBOARDS = "/etc/mcp-estate/dashboards";
const DATA = "/var/lib/grafana";

/** What Grafana asks: data source → base URL. */
export type DatasourceUrls = Partial<Record<DatasourceName, string>>;

/** Grafana with data sources and dashboards as files (https://grafana.com/docs/grafana/latest/administration/provisioning/). */
export function grafanaProgram(
  { image, port }: NonNullable<StoresConfig["grafana"]>,
  urls: DatasourceUrls,
): StoreProgram {
  const datasources = Object.entries(urls).map(([name, url]) => {
    const { uid, type } = DATASOURCES[name as DatasourceName];
    return { name, uid, type, url, access: "proxy", isDefault: name === "prometheus", editable: false };
  });
  const provider = {
    name: "mcp-estate",
    folder: "MCP estate",
    type: "file",
    allowUiUpdates: false,
    options: { path: DASHBOARDS },
  };
  const boards: Array<[string, string]> = dashboards({ logs: urls.loki !== undefined }).map(({ uid, json }) => [
    `${DASHBOARDS}/${uid}.json`,
    json,
  ]);
  return {
    image,
    files: {
      [`${PROVISIONING}/datasources/mcp-estate.yaml`]: `${JSON.stringify({ apiVersion: 1, datasources }, null, 2)}\n`,
      [`${PROVISIONING}/dashboards/mcp-estate.yaml`]: `${JSON.stringify({ apiVersion: 1, providers: [provider] }, null, 2)}\n`,
      ...Object.fromEntries(boards),
    },
    entrypoint: ["/run.sh"],
    user: "472:0",
    env: { GF_ANALYTICS_REPORTING_ENABLED: "false", GF_ANALYTICS_CHECK_FOR_UPDATES: "false", GF_PATHS_DATA: DATA },
    dataPath: DATA,
    limits: limitClasses.standard,
    port: { containerPort: GRAFANA_PORT, hostPort: port },
  };
}
