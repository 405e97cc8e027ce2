import { readFileSync, statfsSync } from "node:fs";
import { join } from "node:path";

/** The host as a whole; undefined what it does not say. */
export interface HostFacts {
  /** Of the disk that Docker's volumes lie on. */
  readonly diskBytes: number | undefined;
  readonly diskFreeBytes: number | undefined;
  readonly memoryBytes: number | undefined;
  /** What could be had without swapping. */
  readonly memoryAvailableBytes: number | undefined;
  /** Runnable and waiting tasks over a minute. */
  readonly load: number | undefined;
}

const KIB = 1024;

/** @param proc where the host's /proc is seen. @param volume a folder of a Docker volume. */
export function readHostFacts(proc: string, volume: string): HostFacts {
  const memory = readText(join(proc, "meminfo"));
  const kibibytes = (name: string): number | undefined => {
    const text = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(memory)?.[1];
    return text === undefined ? undefined : Number(text) * KIB;
  };
  const load = Number.parseFloat(readText(join(proc, "loadavg")));
  return {
    ...diskOf(volume),
    memoryBytes: kibibytes("MemTotal"),
    memoryAvailableBytes: kibibytes("MemAvailable"),
    load: Number.isNaN(load) ? undefined : load,
  };
}

/** What a program without root's reserve can still write. */
function diskOf(volume: string): Pick<HostFacts, "diskBytes" | "diskFreeBytes"> {
  try {
    const { bsize, blocks, bavail } = statfsSync(volume);
    return { diskBytes: bsize * blocks, diskFreeBytes: bsize * bavail };
  } catch {
    return { diskBytes: undefined, diskFreeBytes: undefined };
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
