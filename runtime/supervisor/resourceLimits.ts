/** A soft and a hard limit of setrlimit(2); null means unlimited. */
export interface SoftHard {
  readonly soft: number | null;
  readonly hard: number | null;
}

export interface ResourceLimits {
  /** Open files per process. */
  readonly nofile: SoftHard | undefined;
  /** Tasks of our uid on the whole host. */
  readonly nproc: SoftHard | undefined;
}

function line(text: string, label: string): SoftHard | undefined {
  const match = text.match(new RegExp(`^${label}\\s+(\\S+)\\s+(\\S+)`, "m"));
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  const value = (word: string): number | null => (word === "unlimited" ? null : Number(word));
  return { soft: value(match[1]), hard: value(match[2]) };
}

/** Reads the text of /proc/self/limits. */
export function parseResourceLimits(text: string): ResourceLimits {
  return { nofile: line(text, "Max open files"), nproc: line(text, "Max processes") };
}
