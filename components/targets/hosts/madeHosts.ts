import type * as pulumi from "@pulumi/pulumi";

/** How a node's Docker is reached, and its labels: what `mcp-estate:swarm.nodes` wants. */
export interface NodeFacts {
  host: string;
  labels: Record<string, string>;
}

/** A machine, for people; US dollars. */
export interface MachineFacts {
  ip: string;
  type: string;
  region: string;
  pricePerHour: number;
}

/** Machines that are a swarm, wherever they come from. */
export interface MadeHosts {
  /** `ssh://USER@ADDRESS` of the manager's Docker. */
  readonly managerHost: pulumi.Output<string>;
  /** By host name. */
  readonly nodes: pulumi.Output<Record<string, NodeFacts>>;
  readonly machines: pulumi.Output<Record<string, MachineFacts>>;
  /** US dollars, of all machines. */
  readonly hourlyPrice: pulumi.Output<number>;
  /** OpenSSH's form; secret. */
  readonly privateKey: pulumi.Output<string>;
  /** Lines for a known_hosts file. */
  readonly knownHosts: pulumi.Output<string>;
}

const SSH_PORT = 22;

export function dockerHostOf(user: string, address: string, port: number): string {
  return `ssh://${user}@${address}${port === SSH_PORT ? "" : `:${port}`}`;
}

/** A line of a known_hosts file. @param hostKey with or without its comment */
export function knownHostOf(address: string, port: number, hostKey: string): string {
  const [type = "", key = ""] = hostKey.trim().split(" ");
  return `${port === SSH_PORT ? address : `[${address}]:${port}`} ${type} ${key}\n`;
}

export function labelsOf(gpus: number, labels: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { type: gpus > 0 ? "gpu" : "cpu", ...labels };
}
