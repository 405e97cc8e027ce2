import type { Limits, ProofCall } from "../../../runtime/contract/index.ts";
import { answers, toolsOf } from "./answers.ts";
import { closed } from "./closed.ts";
import { enforced, delivered } from "./containers.ts";

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
  containerId: string;
  limits: Limits;
  supervised: boolean;
  /** Names of the files that it must have under /run/secrets. */
  secretNames: readonly string[];
  /** Reaches nothing but what calls it (R-NET-04). */
  closed: boolean;
}

export interface SmokeSpec {
  gatewayUrl: string;
  token: string;
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

/**
 * The functional suite of an estate (R-DEP-04, R-TST-02): each server's proof call through the gateway, declared against
 * effective limits, secrets in place, closed edges closed. Nothing of it changes a server's data.
 */
export async function runSmoke(spec: SmokeSpec): Promise<SmokeReport> {
  const deadline = Date.now() + spec.timeoutSeconds * 1000;
  const containers = spec.workloads.flatMap((workload) => [
    settle("limits", workload.component, () => enforced(workload)),
    ...(workload.secretNames.length > 0 ? [settle("secrets", workload.component, () => delivered(workload))] : []),
    ...(workload.closed ? [settle("closed", workload.component, () => closed(workload, spec.workloads))] : []),
  ]);
  const servers = spec.servers.map((server) => settle("answers", server.name, () => answers(spec, server, deadline)));
  const checks = await Promise.all([...servers, ...containers]);
  return { checks: inOrder(checks), tools: await toolsOf(spec) };
}

/** A check says what it found, or throws what is wrong. */
async function settle(check: SmokeCheck["check"], subject: string, work: () => Promise<string>): Promise<SmokeCheck> {
  try {
    return { check, subject, passed: true, detail: await work() };
  } catch (error) {
    return { check, subject, passed: false, detail: (error as Error).message };
  }
}

function inOrder(checks: readonly SmokeCheck[]): SmokeCheck[] {
  const rank = ({ check, subject }: SmokeCheck): string => `${SMOKE_CHECKS.indexOf(check)} ${subject}`;
  return checks.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
}
