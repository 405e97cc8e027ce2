import type { Owner } from "../naming.ts";
import { DockerTarget } from "./docker.ts";
import type { Target } from "./target.ts";

export type * from "./target.ts";

/** The target that the stack names. */
export function targetFor(kind: "docker", owner: Owner): Target {
  const targets = { docker: () => new DockerTarget(owner) };
  return targets[kind]();
}
