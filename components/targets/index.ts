import type { Owner } from "../naming.ts";
import type { SwarmConfig } from "../swarmConfig.ts";
import { DockerTarget } from "./docker.ts";
import { SwarmTarget } from "./swarm.ts";
import type { Target } from "./target.ts";

export type * from "./target.ts";

/** The target that the stack names. */
export function targetFor(kind: "docker" | "swarm", owner: Owner, swarm: SwarmConfig): Target {
  const targets = { docker: () => new DockerTarget(owner), swarm: () => new SwarmTarget(owner, swarm) };
  return targets[kind]();
}
