/** What the page shows, as its server gives it. Both sides import this and nothing else of each other. */

export interface ServerView {
  name: string;
  state: string;
  /** Seconds since the last functional proof; null before the first. */
  ageSeconds: number | null;
  tools: number;
  reason: string | null;
  /** No call proves it: it lists its tools, and nobody knows more. */
  listsOnly: boolean;
}

export interface ContainerView {
  name: string;
  processes: number;
  tasks: number;
  pidsLimit: number;
  memoryBytes: number;
  memoryLimitBytes: number;
}

export interface AlertView {
  name: string;
  level: string;
  severity: string;
  summary: string;
  action: string;
  runbook: string;
  /** ISO time. */
  startsAt: string;
}

export interface ActionView {
  container: string;
  /** What did it: the guard with its cause, or the ladder with its level and action. */
  what: string;
  /** ISO time; null where only the count of the last hour is known. */
  at: string | null;
  count: number;
}

export interface Overview {
  estate: string;
  stack: string;
  /** ISO time. */
  at: string;
  servers: ServerView[];
  containers: ContainerView[];
  alerts: AlertView[];
  actions: ActionView[];
  /** Somebody can be asked what a container has written. */
  logs: boolean;
  /** What could not be asked, in words. */
  faults: string[];
}

/** One line over time: a share of its limit at each of the history's times, null where nobody looked. */
export interface Line {
  name: string;
  shares: Array<number | null>;
}

export interface History {
  /** Unix times in seconds. */
  times: number[];
  tasks: Line[];
  memory: Line[];
}

/** What a component's containers have written last, oldest first. */
export interface LogView {
  container: string;
  /** `at` is an ISO time. */
  lines: Array<{ at: string; stream: "stdout" | "stderr"; text: string }>;
}
