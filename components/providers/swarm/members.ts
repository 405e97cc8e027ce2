import { connectTo } from "../docker.ts";
import type Docker from "dockerode";

const MIB = 1024 * 1024;

/** A node of the swarm as the manager tells of it. */
export interface Member {
  id: string;
  version: number;
  name: string;
  role: string;
  availability: string;
  state: string;
  labels: Record<string, string>;
  memoryMiB: number;
  cpus: number;
}

interface RawNode {
  ID: string;
  Version: { Index: number };
  Spec: { Role: string; Availability: string; Labels?: Record<string, string> };
  Description: { Hostname: string; Resources: { NanoCPUs: number; MemoryBytes: number } };
  Status: { State: string };
}

/**
 * All nodes of the connected Docker's swarm.
 * @throws Error when it is no manager of one.
 */
export async function listMembers(docker: Docker): Promise<Member[]> {
  const info = (await docker.info()) as { Name: string; Swarm: { LocalNodeState: string; ControlAvailable: boolean } };
  if (!info.Swarm.ControlAvailable) {
    const what = info.Swarm.LocalNodeState === "active" ? "a worker of a swarm" : "in no swarm";
    throw new Error(
      `mcp-estate:target is swarm, and Docker host ${info.Name} is ${what}; run docker swarm init there, or let DOCKER_HOST name a manager`,
    );
  }
  return ((await docker.listNodes()) as unknown as RawNode[]).map((node) => ({
    id: node.ID,
    version: node.Version.Index,
    name: node.Description.Hostname,
    role: node.Spec.Role,
    availability: node.Spec.Availability,
    state: node.Status.State,
    labels: node.Spec.Labels ?? {},
    memoryMiB: Math.floor(node.Description.Resources.MemoryBytes / MIB),
    cpus: node.Description.Resources.NanoCPUs / 1e9,
  }));
}

/** Why a node does not take tasks; undefined when it does. */
export function outOfService({ state, availability }: Member): string | undefined {
  if (state !== "ready") return `is ${state}`;
  return availability === "active" ? undefined : `is ${availability === "drain" ? "drained" : availability}`;
}

/** Seconds that a node's clock may be off the manager's: certificates and the order of log lines go by them. */
const MAX_SKEW_SECONDS = 5;

/** What one declared node is not. @param host how it is reached; "": the connected Docker. */
export async function hostFault(member: Member, host: string, manager: Docker): Promise<string | undefined> {
  if (host === "") return undefined;
  const setting = `mcp-estate:swarm.nodes.${member.name}.host`;
  try {
    const [info, reference] = await Promise.all([nodeInfo(connectTo(host)), nodeInfo(manager)]);
    if (info.nodeId !== member.id) {
      return `${setting} is ${host}, and that is ${info.name}, another one; give the address of ${member.name}`;
    }
    return clockFault(member.name, info.aheadSeconds - reference.aheadSeconds);
  } catch (error) {
    return `${setting} is ${host}, and no Docker answers there: ${(error as Error).message}`;
  }
}

/** @param aheadSeconds of the manager. */
export function clockFault(name: string, aheadSeconds: number): string | undefined {
  if (Math.abs(aheadSeconds) <= MAX_SKEW_SECONDS) return undefined;
  const off = `${Math.abs(aheadSeconds).toFixed(0)} s ${aheadSeconds > 0 ? "ahead of" : "behind"}`;
  return `the clock of node ${name} is ${off} the manager's; allowed are ${MAX_SKEW_SECONDS} s: set it, and keep it by NTP`;
}

/** Who a Docker is, and how far its clock is ahead of ours: asked at once, it is as if both were asked by one. */
async function nodeInfo(docker: Docker): Promise<{ name: string; nodeId: string; aheadSeconds: number }> {
  const asked = Date.now();
  const info = (await docker.info()) as { Name: string; SystemTime: string; Swarm: { NodeID: string } };
  const ours = (asked + Date.now()) / 2;
  return { name: info.Name, nodeId: info.Swarm.NodeID, aheadSeconds: (Date.parse(info.SystemTime) - ours) / 1000 };
}
