import { readdirSync, readFileSync } from "node:fs";

/** A process with all its descendants. */
export interface TreeFigures {
  readonly processes: number;
  readonly zombies: number;
  readonly threads: number;
  readonly pssMiB: number;
  readonly rssMiB: number;
}

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function stats(): Stat[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const text = read(`/proc/${name}/stat`);
      const [state = "", parent = ""] = text.slice(text.lastIndexOf(")") + 2).split(" ");
      return text === "" ? [] : [{ pid: Number(name), parent: Number(parent), state }];
    });
}

/** `root` and everything that descends from it, zombies included. */
export function treeOf(root: number): Stat[] {
  const all = stats();
  const found = all.filter(({ pid }) => pid === root);
  for (let index = 0; index < found.length; index += 1)
    found.push(...all.filter(({ parent }) => parent === found[index]?.pid));
  return found;
}

const kib = (text: string, field: string): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);

/** What the tree of `root` takes; memory that processes share is shared out in PSS. */
export function figuresOf(root: number): TreeFigures {
  const tree = treeOf(root);
  const alive = tree.filter(({ state }) => state !== "Z");
  const maps = alive.map(({ pid }) => read(`/proc/${pid}/smaps_rollup`));
  const status = alive.map(({ pid }) => read(`/proc/${pid}/status`));
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return {
    processes: alive.length,
    zombies: tree.length - alive.length,
    threads: sum(status.map((text) => Number(/^Threads:\s+(\d+)/m.exec(text)?.[1] ?? 0))),
    pssMiB: sum(maps.map((text) => kib(text, "Pss"))) / 1024,
    rssMiB: sum(status.map((text) => kib(text, "VmRSS"))) / 1024,
  };
}

/** Resident memory of one process alone. */
export function rssMiBOf(pid: number): number {
  return kib(read(`/proc/${pid}/status`), "VmRSS") / 1024;
}

/** Open descriptors of one process. */
export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
