/** One server as the gateway's last functional proof found it. */
export interface ServerFacts {
  name: string;
  state: string;
  /** Seconds since the last proof; null before the first. */
  ageSeconds: number | null;
  tools: number;
  reason: string | null;
  /** No call proves it: it lists its tools, and nobody knows more. */
  listsOnly: boolean;
}

/** One container as Docker and the kernel have it. */
export interface ContainerFacts {
  /** Component, or instance where there are several. */
  name: string;
  /** Docker's words: running, paused, exited… */
  state: string;
  /** What its probe says; none where it has none. */
  health: string;
  tasks: number;
  /** In force; 0 is none. */
  pidsLimit: number;
  processes: number;
  memoryMiB: number;
  /** In force; 0 is none. */
  memoryLimitMiB: number;
  /** By Docker itself, since it was made. */
  restarts: number;
  upSeconds: number;
  /** What the stack declares of a server; absent of other components. */
  declared?: { pids: number; memoryMiB: number };
}

export interface AlertFacts {
  name: string;
  severity: string;
  level: string;
  summary: string;
  sinceSeconds: number;
}

/** What the monitoring says; absent where the stack has none. */
export interface MonitoringFacts {
  /** Scrapes that fail. */
  down: string[];
  alerts: AlertFacts[];
  /** Containers that have more processes than ten minutes ago; undefined where history is shorter. */
  growing: string[] | undefined;
}

/** Everything that one screen shows. What could not be asked is a fault in words. */
export interface Facts {
  stack: string;
  /** Servers that are declared. */
  declared: string[];
  gatewayUrl: string;
  servers: ServerFacts[];
  containers: ContainerFacts[];
  monitoring?: MonitoringFacts;
  faults: string[];
}
