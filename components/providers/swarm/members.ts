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

/** What one declared node is not. @param host how it is reached; "": the connected Docker. */
export async function hostFault(member: Member, host: string): Promise<string | undefined> {
  if (host === "") return undefined;
  const setting = `mcp-estate:swarm.nodes.${member.name}.host`;
  try {
    const info = (await connectTo(host).info()) as { Name: string; Swarm: { NodeID: string } };
    if (info.Swarm.NodeID === member.id) return undefined;
    return `${setting} is ${host}, and that is ${info.Name}, another one; give the address of ${member.name}`;
  } catch (error) {
    return `${setting} is ${host}, and no Docker answers there: ${(error as Error).message}`;
  }
}
