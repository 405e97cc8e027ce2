import { readdirSync, readFileSync } from "node:fs";

/** One process of the host, those in containers included, as the kernel shows it to root. */
export interface ProcessSight {
  pid: number;
  /** Words with a NUL after each. */
  commandLine: Buffer;
  /** `NAME=value` with a NUL after each, as the process was started with. */
  environment: Buffer;
}

/** All that there are at this moment, kernel threads left out. */
export function processes(): ProcessSight[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((name) => {
    try {
      const commandLine = readFileSync(`/proc/${name}/cmdline`);
      if (commandLine.length === 0) return [];
      return [{ pid: Number(name), commandLine, environment: readFileSync(`/proc/${name}/environ`) }];
    } catch {
      return []; // it has ended
    }
  });
}

/** Id of the container that a process is in; undefined when in none, or ended. */
export function containerOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, "utf8")
      .match(/[0-9a-f]{64}/g)
      ?.at(-1);
  } catch {
    return undefined;
  }
}

/** In messages. */
export function commandInWords(commandLine: Buffer): string {
  return commandLine.toString("utf8").replaceAll("\0", " ").trim().slice(0, 100);
}

/**
 * An environment without what Pulumi puts into that of the program and of the policies while they run: the stack's settings
 * with the secrets among them. The kernel shows it to their own account and to root alone; docs/security.md tells of it.
 */
export function withoutEngineSettings(environment: Buffer): Buffer {
  const variables = environment.toString("latin1").split("\0");
  return Buffer.from(variables.filter((variable) => !variable.startsWith("PULUMI_CONFIG=")).join("\0"), "latin1");
}
