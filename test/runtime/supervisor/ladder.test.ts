import { stop as stopEsbuild } from "esbuild";
import { deepEqual, equal, ok } from "node:assert/strict";
import { descendants } from "../../../runtime/supervisor/container.ts";
import { judge, type LadderReading } from "../../../runtime/supervisor/ladder.ts";
import { parseStat } from "../../../runtime/supervisor/processGroup.ts";
import { orderVictims, type Candidate } from "../../../runtime/supervisor/victims.ts";
import {
  contractOf,
  FAST,
  fixture,
  LIMITS,
  startSupervisor,
  stateIs,
  until,
  type RunningSupervisor,
} from "../support.ts";

const HUB = { processes: 15, pids: 25, memoryMiB: 4096 };
const CALM: LadderReading = { processes: 1, tasks: 8, memoryBytes: 100 << 20, newOomKills: 0 };
const level = (reading: Partial<LadderReading>, limits = HUB) => judge({ ...CALM, ...reading }, limits).level;

describe("R-PRC-20 to 26 the ladder", () => {
  it("A-24 over 15, 30, 50, 100 processes are the four levels, the line itself is not", () => {
    const raised = { ...HUB, pids: 1000 };
    const levels = [15, 16, 30, 31, 50, 51, 100, 101].map((processes) => level({ processes }, raised));
    deepEqual(levels, ["normal", "warning", "warning", "critical", "critical", "emergency", "emergency", "nuclear"]);
  });

  it("75, 90, 95 % of memory, beyond 100 % the limit is bypassed", () => {
    const share = (percent: number) => level({ memoryBytes: 4096 * 1024 * 1024 * (percent / 100) });
    deepEqual([75, 76, 91, 96, 101].map(share), ["normal", "warning", "critical", "emergency", "bypass"]);
  });

  it("80 % of the pids limit is the ceiling, beyond it the limit is bypassed", () => {
    deepEqual(
      [19, 20, 25, 26].map((tasks) => level({ tasks })),
      ["normal", "ceiling", "ceiling", "bypass"],
    );
  });

  it("a kill by the kernel at the memory limit is nuclear", () => {
    deepEqual(judge({ ...CALM, newOomKills: 2 }, HUB), {
      level: "nuclear",
      reasons: ["the kernel ended 2 processes at the memory limit"],
    });
  });

  it("what is unknown says nothing", () => equal(level({ tasks: undefined, memoryBytes: undefined }), "normal"));
});

describe("R-PRC-09 the order of victims", () => {
  const candidate = (
    pid: number,
    command: string,
    residentPages: number,
    startTicks: number,
    state = "S",
  ): Candidate => ({
    pid,
    command,
    residentPages,
    startTicks,
    state,
    name: command,
    parent: 1,
    group: 1,
    threads: 1,
  });

  it("duplicates, then highest memory, then oldest; essentials and zombies never", () => {
    const all = [
      candidate(10, "server", 900, 1),
      candidate(11, "a", 10, 2),
      candidate(12, "a", 10, 3),
      candidate(13, "b", 50, 4),
      candidate(14, "c", 10, 1),
      candidate(15, "z", 99, 1, "Z"),
    ];
    deepEqual(
      orderVictims(all, new Set([10])).map(({ pid }) => pid),
      [12, 13, 14, 11],
    );
  });

  it("descendants are found however deep, others are not", () => {
    const parents: Record<number, number> = { 2: 1, 3: 2, 4: 3, 9: 8 };
    const all = Object.entries(parents).map(([pid, parent]) => ({ ...candidate(Number(pid), "x", 1, 1), parent }));
    deepEqual(
      descendants(1, all)
        .map(({ pid }) => pid)
        .sort(),
      [2, 3, 4],
    );
  });

  it("reads /proc/PID/stat, also with a strange name", () => {
    const stat = parseStat(
      "42 (a) b) S 7 42 42 0 -1 4194304 1 0 0 0 1 1 0 0 20 0 11 0 5000 1000 300 18446744073709551615 1",
    );
    deepEqual(stat, {
      pid: 42,
      name: "a) b",
      state: "S",
      parent: 7,
      group: 42,
      threads: 11,
      startTicks: 5000,
      residentPages: 300,
    });
  });
});

describe("A-24 the ladder at work", () => {
  const limits = { ...LIMITS, processes: 3 };
  // The first look comes when all sleepers are there, also on a busy machine: half of them is another level.
  const tuning = { ...FAST, ladderSeconds: [2.5, 0.1] as [number, number] };
  const started: RunningSupervisor[] = [];
  // Other tests of this process may have left esbuild's service, a child that the ladder would count.
  before(() => stopEsbuild());
  afterEach(() => Promise.all(started.splice(0).map((running) => running.stop())));

  // the test runner's own other children are descendants too, and must not be there
  async function run(sleepers: number) {
    const restarts: string[] = [];
    const contract = contractOf(fixture("sleepers"), { env: { SLEEPERS: String(sleepers) }, limits, tuning });
    const running = await startSupervisor(contract, { restartContainer: (reason) => restarts.push(reason) });
    started.push(running);
    await stateIs(running, "healthy");
    const count = (): number => running.supervisor.ladder.processes.filter(({ state }) => state !== "Z").length;
    return { running, restarts, count };
  }
  const actions = (lines: readonly Record<string, unknown>[]) =>
    lines.filter((line) => line["event"] === "ladder-action");

  it("warning only logs", async () => {
    const { running, count } = await run(3);
    await until(() => running.supervisor.ladder.verdict.level === "warning");
    equal(count(), 4);
    deepEqual(actions(running.lines), []);
  });

  it("critical cleans up down to the ceiling, with evidence first, and the server goes on", async () => {
    const { running, count } = await run(6);
    await until(() => actions(running.lines).length > 0 && count() <= 3);
    const [evidence, action] = running.lines.filter((line) =>
      ["ladder-evidence", "ladder-action"].includes(String(line["event"])),
    );
    deepEqual(
      [evidence?.["event"], evidence?.["processes"], action?.["action"], action?.["processes"]],
      ["ladder-evidence", 7, "clean-up", 4],
    );
    equal(running.supervisor.readiness().restarts, 0);
    equal(running.supervisor.readiness().state, "healthy");
    ok(
      (await running.supervisor.metrics.registry.metrics()).includes(
        'mcp_ladder_actions_total{level="critical",action="clean-up",server="fixture"} 1',
      ),
    );
  });

  it("emergency ends all but the server", async () => {
    const { running, count } = await run(11);
    await until(() => count() === 1);
    equal(actions(running.lines)[0]?.["action"], "terminate");
    equal(running.supervisor.readiness().state, "healthy");
  });

  it("nuclear keeps evidence and restarts the container", async () => {
    const { running, restarts } = await run(22);
    await until(() => restarts.length > 0);
    deepEqual(restarts, ["23 processes, ceiling 3"]);
    ok(running.lines.some((line) => line["event"] === "ladder-evidence" && line["ladderLevel"] === "nuclear"));
  });
});
