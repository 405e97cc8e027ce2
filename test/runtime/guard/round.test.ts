import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { limitClasses } from "../../../components/limitClasses.ts";
import { GuardMetrics } from "../../../runtime/guard/metrics.ts";
import { look } from "../../../runtime/guard/round.ts";

const MIB = 1024 * 1024;
const MEMORY = "a".repeat(64);
const ORPHAN = "b".repeat(64);
const FOREIGN = "c".repeat(64);
const UID = 100_001;
const declared = { name: "memory", uid: UID, limits: limitClasses.light };
const contract = {
  containers: [declared],
  servers: [{ package: "server-memory", ecosystem: "npm" as const }],
  hostAllowed: ["/allowed/"],
};

interface Process {
  state?: string;
  parent?: number;
  threads?: number;
  uid?: number;
  inner?: number;
  container?: string;
  command?: string[];
}

describe("what the guard sees of its host (R-MON-03, R-MON-05)", () => {
  let root = "";
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const process = (
    pid: number,
    { state = "S", parent = 1, threads = 1, uid = 0, inner, container, command = [] }: Process,
  ) => {
    const path = container ? `/docker/${container}` : "/system.slice";
    const lines = [
      `State:\t${state} (x)`,
      `PPid:\t${parent}`,
      `Uid:\t${uid}\t${uid}\t${uid}\t${uid}`,
      `NSpid:\t${pid}${inner ? `\t${inner}` : ""}`,
      `Threads:\t${threads}`,
    ];
    write(`proc/${pid}/status`, `${lines.join("\n")}\n`);
    write(`proc/${pid}/cgroup`, `4:pids:${path}\n3:memory:${path}\n2:cpu,cpuacct:${path}\n0::${path}\n`);
    write(`proc/${pid}/cmdline`, command.map((word) => `${word}\0`).join(""));
  };
  const supervisor = ["/usr/local/bin/node", "/opt/mcp-estate/supervisor.mjs"];
  const seen = () => look(contract, listed, { proc: join(root, "proc"), groups: join(root, "groups"), volume: root });
  const listed = [
    { id: MEMORY, component: "memory", state: "running", health: "healthy" as const },
    { id: ORPHAN, component: "gone", state: "running", health: "none" as const },
  ];

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "mcp-estate-guard-"));
    process(10, { uid: UID, inner: 1, container: MEMORY });
    process(11, { uid: UID, inner: 7, parent: 10, threads: 7, container: MEMORY, command: supervisor });
    process(12, { uid: UID, inner: 8, parent: 11, state: "Z", container: MEMORY });
    // Somebody's docker exec.
    process(13, { uid: 0, inner: 9, parent: 0, container: MEMORY });
    process(20, { uid: 77, inner: 1, container: ORPHAN });
    process(30, { uid: 78, inner: 1, container: FOREIGN });
    process(40, { command: ["node", "/x/node_modules/server-memory/index.js"] });
    process(41, { command: ["node", "/allowed/node_modules/server-memory/index.js"] });
    process(42, { command: ["vim", "server-memory"] });
  });
  afterEach(() => rmSync(root, { recursive: true }));

  function version1(): void {
    write(`groups/pids/docker/${MEMORY}/pids.current`, "9\n");
    write(`groups/pids/docker/${MEMORY}/pids.max`, "32\n");
    write(`groups/memory/docker/${MEMORY}/memory.usage_in_bytes`, `${80 * MIB}\n`);
    write(`groups/memory/docker/${MEMORY}/memory.stat`, `total_inactive_file ${20 * MIB}\n`);
    write(`groups/memory/docker/${MEMORY}/memory.limit_in_bytes`, "9223372036854771712\n");
    write(`groups/cpu/docker/${MEMORY}/cpu.cfs_quota_us`, "100000\n");
    write(`groups/cpu/docker/${MEMORY}/cpu.cfs_period_us`, "100000\n");
    write(`groups/cpuacct/docker/${MEMORY}/cpuacct.usage`, "2500000000\n");
  }

  function version2(): void {
    write("groups/cgroup.controllers", "cpu memory pids\n");
    const group = `groups/docker/${MEMORY}`;
    write(`${group}/pids.current`, "9\n");
    write(`${group}/pids.max`, "32\n");
    write(`${group}/memory.current`, `${80 * MIB}\n`);
    write(`${group}/memory.stat`, `inactive_file ${20 * MIB}\n`);
    write(`${group}/memory.max`, "max\n");
    write(`${group}/cpu.max`, "100000 100000\n");
    write(`${group}/cpu.stat`, "usage_usec 2500000\n");
  }

  for (const [version, make] of [
    ["1", version1],
    ["2", version2],
  ] as const) {
    it(`counts a container's tasks, processes, zombies and memory, control groups of version ${version}`, () => {
      make();
      const { containers } = seen();
      const {
        declared: found,
        processes,
        zombies,
        tasks,
        memoryBytes,
        cpuSeconds,
        limits,
      } = containers.find(({ id }) => id === MEMORY) ?? assert.fail("not seen");
      assert.deepEqual(
        { name: found?.name, processes, zombies, tasks, memoryBytes, cpuSeconds, limits },
        {
          ...{ name: "memory", processes: 3, zombies: 1, tasks: 9, memoryBytes: 60 * MIB, cpuSeconds: 2.5 },
          limits: { pids: 32, memory_bytes: Infinity, cpus: 1 },
        },
      );
    });
  }

  it("R-ALR-13: tells this stack's undeclared containers from those of others, and MCP servers of the host", () => {
    const { containers, foreign, hostProcesses } = seen();
    const undeclared = containers.filter((each) => each.declared === undefined);
    assert.deepEqual(
      undeclared.map(({ id, component }) => [id, component]),
      [[ORPHAN, "gone"]],
    );
    assert.equal(foreign, 1);
    assert.deepEqual([...hostProcesses], [["server-memory", 1]]);
  });

  it("knows its own by their uids while Docker says nothing", () => {
    const { containers, foreign } = look(contract, undefined, {
      proc: join(root, "proc"),
      groups: join(root, "groups"),
      volume: root,
    });
    assert.deepEqual(
      containers.map((each) => each.declared?.name),
      ["memory"],
    );
    assert.equal(foreign, 2);
  });

  it("sees that the supervisor has been stopped, and not an operator's shell", () => {
    const stopped = () => seen().containers.find(({ id }) => id === MEMORY)?.stopped;
    assert.equal(stopped(), false);
    process(13, { uid: 0, inner: 9, parent: 0, state: "T", container: MEMORY, command: ["sh"] });
    assert.equal(stopped(), false);
    process(11, { uid: UID, inner: 7, parent: 10, state: "T", container: MEMORY, command: supervisor });
    assert.equal(stopped(), true);
  });

  it("R-MON-05: tells of the host's memory, load, and the disk of Docker's volumes", () => {
    write("proc/meminfo", "MemTotal:       2048 kB\nMemFree:         1 kB\nMemAvailable:   1024 kB\n");
    write("proc/loadavg", "1.25 1.00 0.50 2/300 12345\n");
    const { memoryBytes, memoryAvailableBytes, load, diskBytes = 0, diskFreeBytes = 0 } = seen().facts;
    assert.deepEqual(
      { memoryBytes, memoryAvailableBytes, load },
      { memoryBytes: 2 * MIB, memoryAvailableBytes: MIB, load: 1.25 },
    );
    assert.ok(diskFreeBytes > 0 && diskFreeBytes < diskBytes);
  });

  it("tells of a container as long as it is there: its figures are bounded", async () => {
    const metrics = new GuardMetrics();
    const extra = { seconds: 0.01, controlUp: true };
    metrics.tell(seen(), ["memory", "time"], extra);
    const text = await metrics.registry.metrics();
    assert.match(text, /^mcp_guard_undeclared\{container="gone",id="bbbbbbbbbbbb"\} 1$/m);
    assert.match(text, /^mcp_guard_running\{container="time"\} 0$/m);
    assert.match(text, /^mcp_guard_missing 1$/m);
    rmSync(join(root, "proc/20"), { recursive: true });
    metrics.tell(seen(), ["memory", "time"], extra);
    assert.doesNotMatch(await metrics.registry.metrics(), /bbbbbbbbbbbb/);
  });
});
