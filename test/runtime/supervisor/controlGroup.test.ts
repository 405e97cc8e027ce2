import { deepEqual, equal } from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { locateControlGroup, type ControlGroup } from "../../../runtime/supervisor/controlGroup.ts";
import { groupMembers, readKernelLimits, readKernelUsage } from "../../../runtime/supervisor/kernelLimits.ts";

interface Recorded {
  readonly cgroup: string;
  readonly mountinfo: string;
  readonly files: Readonly<Record<string, string>>;
}

describe("R-LIM-06 the supervisor reads its own control group", () => {
  const roots: string[] = [];

  function load(name: string): { group: ControlGroup; root: string } {
    const path = join(import.meta.dirname, "../../fixtures/cgroup", `${name}.json`);
    const tree = JSON.parse(readFileSync(path, "utf8")) as Recorded;
    const root = mkdtempSync(join(tmpdir(), "cgroup-"));
    roots.push(root);
    for (const [file, content] of Object.entries(tree.files)) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), content);
    }
    return { group: locateControlGroup(tree.cgroup, tree.mountinfo), root };
  }

  after(() => roots.forEach((root) => rmSync(root, { recursive: true })));

  it("version 1 in Docker, without a cgroup namespace", () => {
    const { group, root } = load("v1Docker");
    equal(group.pids?.folder, "/sys/fs/cgroup/pids");
    deepEqual(readKernelLimits(group, root), {
      cgroupVersion: 1,
      memoryBytes: 268435456,
      swapBytes: 0,
      cpus: 0.5,
      pids: 32,
    });
    deepEqual(readKernelUsage(group, root), { memoryBytes: 80000000, tasks: 14, oomKills: 3 });
    deepEqual(groupMembers(group, root), [1, 7, 20]);
  });

  it("version 1 with a cgroup namespace and joint controllers, nothing limited", () => {
    const { group, root } = load("v1NamespaceUnlimited");
    equal(group.cpu?.folder, "/sys/fs/cgroup/cpu,cpuacct");
    deepEqual(readKernelLimits(group, root), {
      cgroupVersion: 1,
      memoryBytes: null,
      swapBytes: null,
      cpus: null,
      pids: null,
    });
  });

  it("version 2 with a cgroup namespace", () => {
    const { group, root } = load("v2Namespace");
    deepEqual(readKernelLimits(group, root), {
      cgroupVersion: 2,
      memoryBytes: 4294967296,
      swapBytes: 0,
      cpus: 2,
      pids: 25,
    });
    deepEqual(readKernelUsage(group, root), { memoryBytes: 50000000, tasks: 9, oomKills: 1 });
  });

  it("version 2 without one: the tighter limit of a parent counts", () => {
    const { group, root } = load("v2Nested");
    equal(group.memory?.folder, "/sys/fs/cgroup/system.slice/docker-0a1b.scope");
    deepEqual(readKernelLimits(group, root), {
      cgroupVersion: 2,
      memoryBytes: 536870912,
      swapBytes: null,
      cpus: null,
      pids: 4000,
    });
  });

  it("hybrid: the controllers are version 1, and what has no file is unknown", () => {
    const { group, root } = load("hybrid");
    equal(group.pids?.version, 1);
    deepEqual(readKernelLimits(group, root), {
      cgroupVersion: 1,
      memoryBytes: 1073741824,
      swapBytes: undefined,
      cpus: undefined,
      pids: undefined,
    });
  });

  it("no control groups at all", () => {
    const group = locateControlGroup("", "");
    deepEqual(group, { memory: undefined, cpu: undefined, pids: undefined });
    equal(readKernelLimits(group).pids, undefined);
    equal(groupMembers(group), undefined);
  });
});
