import { readFileSync } from "node:fs";
import type { ControlGroup } from "./controlGroup.ts";
import { groupMembers } from "./kernelLimits.ts";
import { allProcesses, readStat, type ProcessStat } from "./processGroup.ts";
import type { Candidate } from "./victims.ts";

/** Everything that descends from `root`, itself left out. */
export function descendants(root: number, processes: readonly ProcessStat[]): ProcessStat[] {
  const children = new Map<number, ProcessStat[]>();
  for (const process of processes) children.set(process.parent, [...(children.get(process.parent) ?? []), process]);
  const found: ProcessStat[] = [];
  const queue = [root];
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    for (const child of children.get(pid) ?? []) {
      found.push(child);
      queue.push(child.pid);
    }
  }
  return found;
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "";
  }
}

/**
 * The processes that the supervisor is answerable for. In a container of its own that is what descends from the init,
 * those that left their process group included, but not what an operator or a health check runs by `docker exec`, which
 * has its parent outside; anywhere else (tests, a shared group) only its own descendants.
 */
export class Container {
  readonly #group: ControlGroup;
  /** Is nobody here but the init, us and what we start? Decided before the first child. */
  readonly own: boolean;

  constructor(group: ControlGroup) {
    this.#group = group;
    const members = groupMembers(group);
    const initIsParent = process.pid === 1 || process.ppid === 1;
    this.own = initIsParent && members !== undefined && members.every((pid) => pid === 1 || pid === process.pid);
  }

  /** What we are answerable for, without init and ourselves. */
  processes(): Candidate[] {
    const stats = this.own
      ? (groupMembers(this.#group) ?? []).flatMap((pid) => readStat(pid) ?? [])
      : descendants(process.pid, allProcesses());
    const root = this.own ? 1 : process.pid;
    return descendants(root, stats)
      .filter(({ pid }) => pid !== process.pid)
      .map((stat) => ({ ...stat, command: commandOf(stat.pid) }));
  }
}
