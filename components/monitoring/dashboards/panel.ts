/** One question of a panel. */
export interface Query {
  /** PromQL, or LogQL of a panel of kind "logs". `$server` is the one that is looked at. */
  expr: string;
  /** Grafana's own template: `{{server}} p95`. */
  legend: string;
}

/** A panel as typed data, so that a test can ask its questions. */
export interface Panel {
  title: string;
  /** What it says, for who hovers over it. */
  description: string;
  /** Id of the requirement that asks for it. */
  requirement: string;
  /** lines: over time; figure: the newest value; table: the newest values, a row each; states: 0 and 1 over time. */
  kind: "lines" | "figure" | "table" | "states" | "logs";
  /** Grafana's word: short, percentunit, bytes, s, reqps. */
  unit: string;
  queries: readonly Query[];
  /** Why there may be nothing to show on an estate that is well. @default there always is something */
  empty?: string;
}

export interface Board {
  uid: string;
  title: string;
  panels: readonly Panel[];
  /** One server is chosen from those that there are. */
  perServer: boolean;
}
