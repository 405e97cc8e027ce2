/** How loud an alert is. */
export type Severity = "warning" | "critical" | "emergency";

/** Who is told (R-LVL-01 to 04): 1 nobody, it is logged; 2 operations; 3 engineering; 4 everybody at once. */
export type Level = 1 | 2 | 3 | 4;

/** A rule of Prometheus as typed data. */
export interface Alert {
  /** As Prometheus and the runbook (docs/runbooks/NAME.md) call it. */
  name: string;
  /** Id of the requirement that asks for it. */
  requirement: string;
  /** PromQL: it fires while this gives something. */
  expr: string;
  /** How long it must hold. */
  forSeconds: number;
  severity: Severity;
  level: Level;
  /** One line, with Prometheus' own templates. */
  summary: string;
  /** What to do next. */
  action: string;
  /** The label that names one container, where the alert is about one: its message says more then. */
  subject?: "instance" | "container" | "server" | "instance_name";
}

/** What the rules of one estate are made from. */
export interface AlertContext {
  /** Servers that are declared to run. */
  servers: number;
  /** It has a collector of logs. */
  collects: boolean;
  /** Seconds between two scrapes. */
  scrapeSeconds: number;
  /** All waiting times and windows are multiplied with it: 1 in earnest, less to try an alert out. */
  timeScale: number;
}

/** A window of a range query: never so short that it holds too few scrapes to tell a trend. */
export function windowSeconds(seconds: number, { scrapeSeconds, timeScale }: AlertContext): number {
  return Math.ceil(Math.max(seconds * timeScale, 4 * scrapeSeconds));
}
