/** Data sources as Grafana knows them: name → its id in dashboards, and its kind. */
export const DATASOURCES = {
  prometheus: { uid: "mcp-estate-prometheus", type: "prometheus" },
  loki: { uid: "mcp-estate-loki", type: "loki" },
  jaeger: { uid: "mcp-estate-jaeger", type: "jaeger" },
} as const;

export type DatasourceName = keyof typeof DATASOURCES;
