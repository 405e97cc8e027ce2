const NANO = 1_000_000_000;

/**
 * "0.5" as billionths of a CPU.
 *
 * @throws Error when it is not a decimal number of CPUs.
 */
export function nanoCpus(cpus: string): number {
  if (!/^\d+(?:\.\d{1,9})?$|^\.\d{1,9}$/.test(cpus))
    throw new Error(`cpus is "${cpus}": give a decimal number of CPUs such as "0.5"`);
  return Math.round(Number(cpus) * NANO);
}

/** A Go duration ("1m30s", "500ms") in nanoseconds; `undefined` when it is none. */
export function nanoseconds(duration: string): number | undefined {
  if (duration === "0") return 0;
  if (!/^(?:\d+(?:\.\d+)?(?:h|ms|m|us|µs|ns|s))+$/.test(duration)) return undefined;
  const units: Record<string, number> = { h: 3600 * NANO, m: 60 * NANO, s: NANO, ms: 1e6, us: 1e3, µs: 1e3, ns: 1 };
  const parts = duration.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|us|µs|ns|s)/g);
  return [...parts].reduce((total, [, amount, unit]) => total + Number(amount) * units[unit], 0);
}

/** The object without the keys that have no value: Docker takes a null for a wish. */
export function withoutUndefined(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

/** Nanoseconds as Go prints a duration: 90e9 is "1m30s", 500e6 is "500ms". */
export function goDuration(nano: number): string {
  if (nano === 0) return "0s";
  if (nano < 1e9) return nano < 1e6 ? `${nano / 1e3}µs` : `${nano / 1e6}ms`;
  const hours = Math.floor(nano / 3600e9);
  const minutes = Math.floor((nano % 3600e9) / 60e9);
  const seconds = (nano % 60e9) / 1e9;
  return `${hours > 0 ? `${hours}h` : ""}${hours > 0 || minutes > 0 ? `${minutes}m` : ""}${seconds}s`;
}
