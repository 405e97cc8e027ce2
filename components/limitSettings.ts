import { z } from "zod";
import { limitsSchema, type Limits } from "../runtime/contract/index.ts";

/** Overrides of single limits; what is absent is given by a class. Same fields and bounds as the contract. */
export const limitsOverrideSchema = z.strictObject(limitsSchema.unwrap().partial().shape);

/** Limits that are each in bounds but deny one another. */
export function contradictions(limits: Limits, key: string): string[] {
  const faults: string[] = [];
  if (limits.memoryReservationMiB > limits.memoryMiB) {
    faults.push(
      `${key}.memoryReservationMiB: ${limits.memoryReservationMiB} is more than memoryMiB ${limits.memoryMiB}; reserve at most the limit`,
    );
  }
  if (limits.nofile.soft > limits.nofile.hard) {
    faults.push(`${key}.nofile.soft: ${limits.nofile.soft} is more than nofile.hard ${limits.nofile.hard}`);
  }
  if (limits.nproc < 2 * limits.pids) {
    faults.push(
      `${key}.nproc: ${limits.nproc} is less than twice pids ${limits.pids}; it counts per uid on the whole host and must not bite before pids does`,
    );
  }
  return faults;
}

export function definedOnly<T extends object>(
  overrides: T | undefined,
): Partial<{ [K in keyof T]: NonNullable<T[K]> }> {
  const entries = Object.entries(overrides ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<{ [K in keyof T]: NonNullable<T[K]> }>;
}
