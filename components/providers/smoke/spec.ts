import type { GatewayAccess } from "./gatewayClient.ts";
import type { Limits, ProofCall } from "../../../runtime/contract/index.ts";

/** One MCP server as the suite asks it. */
export interface SmokeServer {
  name: string;
  /** Only a running one is asked; the others must refuse by name. */
  state: "running" | "stopped" | "quarantined";
  proof: ProofCall;
}

/** One container of the estate. */
export interface SmokeWorkload {
  /** Its name: the component's, or that of one of a server's instances. */
  component: string;
  /** The component: the same for all instances of a server. */
  server: string;
  containerId: string;
  /** How its node's Docker is reached, where that is another than the connected one. */
  dockerHost?: string;
  /** A task of a swarm, of which Docker keeps less than of a container: it is asked from inside. @default false */
  isTask?: boolean;
  limits: Limits;
  supervised: boolean;
  /** Names of the files that it must have under /run/secrets. */
  secretNames: readonly string[];
  /** Reaches nothing but what calls it (R-NET-04). */
  closed: boolean;
}

export interface SmokeSpec extends GatewayAccess {
  servers: readonly SmokeServer[];
  workloads: readonly SmokeWorkload[];
  /** How long a server that has just started may take to answer, in seconds. */
  timeoutSeconds: number;
}

export const SMOKE_CHECKS = ["answers", "limits", "secrets", "closed"] as const;

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
