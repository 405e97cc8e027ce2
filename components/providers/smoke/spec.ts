import type { GatewayAccess } from "./gatewayClient.ts";
import type { Limits, ProofCall } from "../../../runtime/contract/index.ts";

/** One MCP server as the suite asks it. */
export interface SmokeServer {
  name: string;
  /** Only a running one is asked; the others must refuse by name. */
  state: "running" | "stopped" | "quarantined";
  /** Absent of one that calls nothing without an account. */
  proof?: ProofCall | undefined;
}

/** One container of the estate, or a service of a swarm, whose running tasks are asked. */
export interface SmokeWorkload {
  /** Its name: the component's, that of one of a server's instances, or of a task with its node. */
  component: string;
  /** The component: the same for all instances of a server. */
  server: string;
  /** Of a service: "" until its tasks are looked up. */
  containerId: string;
  /** How its node's Docker is reached, where that is another than the connected one. */
  dockerHost?: string;
  /**
   * Of a service: its id, and how each node's Docker is reached ("": the connected one). Docker keeps less of a task than of
   * a container: it is asked from inside.
   */
  service?: { id: string; nodes: Readonly<Record<string, string>> };
  limits: Limits;
  supervised: boolean;
  /** Command that exits with 0 in it once its program answers. Absent of servers, which are called, and of others' images. */
  probe?: readonly string[];
  /** Names of the files that it must have under /run/secrets. */
  secretNames: readonly string[];
  /** What of the host it must see: paths in the container. @default nothing */
  mounts?: ReadonlyArray<{ path: string; readOnly: boolean }>;
  /** Reaches nothing but what calls it (R-NET-04). */
  closed: boolean;
}

export interface SmokeSpec extends GatewayAccess {
  servers: readonly SmokeServer[];
  workloads: readonly SmokeWorkload[];
  /** How long a server that has just started may take to answer, in seconds. */
  timeoutSeconds: number;
}

export const SMOKE_CHECKS = ["answers", "probe", "limits", "secrets", "mounts", "closed"] as const;

/** One thing that was tried. */
export interface SmokeCheck {
  check: (typeof SMOKE_CHECKS)[number];
  /** Server or container. */
  subject: string;
  passed: boolean;
  /** What was found. */
  detail: string;
}

export interface SmokeReport {
  checks: readonly SmokeCheck[];
  /** Server → names of its tools, sorted: what a rollback compares with. */
  tools: Readonly<Record<string, readonly string[]>>;
}
