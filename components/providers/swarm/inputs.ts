import type { Limits } from "../../../runtime/contract/index.ts";

/** A file of a secret or config in a task: root:GID 0440. */
export interface SwarmFile {
  /** Id in the swarm. */
  id: string;
  /** Its name there. */
  name: string;
  /** Absolute path in the container; of a secret the name under /run/secrets. */
  file: string;
}

/** One service of a swarm with everything that makes it safe; no field is optional on purpose (R-LIM-01). */
export interface SwarmServiceSpec {
  /** Name in the swarm; another name is another service. */
  name: string;
  /** Component that it belongs to, for messages. */
  component: string;
  /** Content-addressed id, which nodes never look for in a registry. */
  image: string;
  /** Tasks; `every-node`: one on each node that takes tasks. */
  replicas: number | "every-node";
  hostname: string;
  user: number;
  /** gid that may read secrets and configs. */
  group: number;
  limits: Limits;
  /** Processors that a node must have free for each task. */
  cpuReservation: number;
  networks: readonly SwarmAttachment[];
  /** Published on the node of each task. */
  ports: readonly { containerPort: number; hostPort: number }[];
  mounts: readonly { volume: string; path: string }[];
  /** Writable memory file systems: path → MiB. */
  scratchMiB: Readonly<Record<string, number>>;
  probe: SwarmProbe;
  labels: Readonly<Record<string, string>>;
  secrets: readonly SwarmFile[];
  configs: readonly SwarmFile[];
  /** Learns no name of the outside. */
  closed: boolean;
  /** Is told its node's name in NODE_VARIABLE. */
  knowsNode: boolean;
  /** Seconds that a task gets to end by itself. */
  stopSeconds: number;
  update: SwarmUpdate;
}

export interface SwarmAttachment {
  /** Id of the network. */
  network: string;
  aliases: readonly string[];
}

/** How a task is found to be well; seconds. */
export interface SwarmProbe {
  command: readonly string[];
  intervalSeconds: number;
  timeoutSeconds: number;
  failures: number;
  startSeconds: number;
}

/** Docker's placement expressions, for example `node.labels.type==gpu`. */
export interface SwarmPlacement {
  /** Each must hold. */
  constraints: readonly string[];
  /** Each holds as long as a node that takes tasks satisfies it; else tasks run anywhere (R-TGT-03). */
  preferences: readonly string[];
  /** Node → the labels that the stack gives it: they count before they are set. None where no expression asks for labels. */
  labels: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** R-TGT-05. */
export interface SwarmUpdate {
  /** start-first: the new task is well before the old one goes. */
  order: "start-first" | "stop-first";
  /** How long a new task is watched before the next one is replaced, in seconds. */
  monitorSeconds: number;
}

/** Property, in words → what was found in place of what is declared. */
export type SwarmFacts = Record<string, string | string[]>;
