import { CONTAINER, UNKNOWN } from "../resource.ts";
import type { Finding, ResourceRule } from "../rule.ts";

/** R-LIM-01. Swap equal to memory means none on top: otherwise Docker grants as much again. */
export const limits: ResourceRule = {
  name: "limits",
  description: "Every container has limits of memory, swap and processors.",
  severity: "mandatory",
  types: [CONTAINER],
  check({ inputs: { memory, memorySwap, cpus } }) {
    const findings: Finding[] = [];
    if (!isPositive(memory)) {
      findings.push({
        why: `memory ${shown(memory)}, which is no limit`,
        todo: "set limits.memoryMiB, or a limitClass",
      });
    }
    if (memorySwap !== UNKNOWN && memory !== UNKNOWN && memorySwap !== memory) {
      findings.push({
        why: `memorySwap ${shown(memorySwap)} is not memory ${shown(memory)}`,
        todo: "set memorySwap to the same figure, so that nothing is swapped",
      });
    }
    if (!isPositive(cpus))
      findings.push({ why: `cpus ${shown(cpus)}, which is no limit`, todo: "set limits.cpus, or a limitClass" });
    return findings;
  },
};

/** The provider takes processors as text. */
function isPositive(value: unknown): boolean {
  return value === UNKNOWN || (value !== "" && Number(value ?? 0) > 0);
}

function shown(value: unknown): string {
  if (value === UNKNOWN) return "unknown until the update";
  return value === undefined || value === null ? "is not set" : JSON.stringify(value);
}
