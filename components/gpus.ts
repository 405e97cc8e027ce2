import { z } from "zod";
import { instanceNames } from "./instances.ts";

/** required: it does not run without; preferred: on a processor where there is none (R-TGT-03). */
export const gpuNeedSchema = z.enum(["none", "preferred", "required"]);
export type GpuNeed = z.infer<typeof gpuNeedSchema>;

/** A container that is to have a GPU of its own. */
export interface GpuClaim {
  need: "preferred" | "required";
  /** Placement constraints of each container that gets one first: all find the same ones taken (docs/adr/0030-gpus.md). */
  before: ReadonlyArray<readonly string[]>;
}

interface GpuServer {
  name: string;
  instances: number;
  gpu: GpuNeed;
  state: string;
  /** Docker's expressions. */
  constraints: readonly string[];
}

/**
 * Who gets a GPU first, where there are fewer than are asked for: those that need one, in the order of the settings; then
 * those that prefer one.
 * @returns instance → claim, of those that ask for one.
 */
export function gpuClaims(servers: readonly GpuServer[]): ReadonlyMap<string, GpuClaim> {
  // One that is stopped drives none.
  const running = servers.filter(({ state }) => state === "running");
  const asking = (["required", "preferred"] as const).flatMap((need) =>
    running
      .filter(({ gpu }) => gpu === need)
      .flatMap((server) => instanceNames(server).map((name) => ({ name, need, constraints: server.constraints }))),
  );
  return new Map(
    asking.map(({ name, need }, index) => [
      name,
      { need, before: asking.slice(0, index).map(({ constraints }) => constraints) },
    ]),
  );
}
