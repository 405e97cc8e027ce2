import { deepEqual, equal, match, ok } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { allProcesses } from "../../../runtime/supervisor/processGroup.ts";
import { httpCaller } from "../../../scripts/bench/callers.ts";
import { startPrograms, type Declaration, type Programs } from "../../../scripts/bench/programs.ts";
import { contractOf, FAST, fixture, RawClient, startSupervisor, stateIs, textOf, until } from "../support.ts";

/** What a neighbour's calls may take while a server explodes (R-SLO-02). */
const NEIGHBOUR_P95_MS = 200;

type Line = Record<string, unknown>;

/** One exploding server and a sound one behind the same gateway, each with its supervisor as in the images. */
class Explosion {
  readonly programs: Programs;
  readonly #times: number[] = [];
  #done = false;
  #calling: Promise<void> | undefined;

  constructor(programs: Programs) {
    this.programs = programs;
  }

  static async start(mode: string, bomb: Partial<Declaration> = {}): Promise<Explosion> {
    const tuning = { ...FAST, ladderSeconds: [0.3, 0.1], restartFailures: 3, ...bomb.tuning };
    const programs = await startPrograms([
      { name: "neighbour", command: fixture("good") },
      {
        name: "bomb",
        command: fixture("bomb"),
        env: { MODE: mode },
        sound: false,
        ...bomb,
        limits: { memoryMiB: 2048, processes: 3, ...bomb.limits },
        health: { intervalSeconds: 0.2, timeoutSeconds: 0.5, failures: 2, ...bomb.health },
        tuning,
      },
    ]);
    const explosion = new Explosion(programs);
    if (bomb.command === undefined && mode !== "otherIds") await explosion.light();
    explosion.#calling = explosion.#callNeighbour();
    return explosion;
  }

  /** The server was healthy and answers; from its answer on it explodes. */
  async light(): Promise<void> {
    await this.untilState("healthy");
    const client = new RawClient(`${this.programs.supervisor("bomb")}/mcp`);
    await client.open();
    equal(textOf(await client.call("explode")), "as you wish");
  }

  /** Ends everything; throws when the neighbour has suffered. */
  async end(): Promise<void> {
    this.#done = true;
    try {
      await this.#calling;
    } finally {
      await this.programs.stop();
    }
    this.#times.sort((a, b) => a - b);
    const p95 = this.#times[Math.floor(this.#times.length * 0.95)] ?? NaN;
    ok(p95 < NEIGHBOUR_P95_MS, `the neighbour's p95 was ${p95} ms of ${this.#times.length} calls`);
  }

  lines(event: string): Line[] {
    const all = this.programs.log("bomb").split("\n");
    return all
      .filter((line) => line.startsWith("{") && line.endsWith("}"))
      .map((line) => JSON.parse(line) as Line)
      .filter((line) => line["event"] === event);
  }

  async metric(pattern: RegExp): Promise<number> {
    const text = await (await fetch(`${this.programs.supervisor("bomb")}/metrics`)).text();
    return Number(pattern.exec(text)?.[1] ?? NaN);
  }

  async state(): Promise<string> {
    const ready = (await (await fetch(`${this.programs.supervisor("bomb")}/ready`)).json()) as { state: string };
    return ready.state;
  }

  async untilState(state: string, timeoutMs = 9000): Promise<void> {
    await until(
      async () => (await this.state()) === state,
      timeoutMs,
      () => this.programs.log("bomb").slice(-2000),
    );
  }

  async #callNeighbour(): Promise<void> {
    const { gateway, token } = this.programs;
    const caller = await httpCaller(`${gateway}/servers/neighbour/mcp`, "echo", token);
    while (!this.#done) {
      const began = performance.now();
      await caller.call();
      this.#times.push(performance.now() - began);
      await sleep(10);
    }
    caller.close();
  }
}

const actions = (level: string, what: string): RegExp =>
  new RegExp(`mcp_ladder_actions_total\\{level="${level}",action="${what}",server="bomb"\\} (\\d+)`);

describe("a server that explodes, and its neighbour", function () {
  this.timeout(40_000);
  let explosion: Explosion;
  const explode = async (mode: string, bomb?: Partial<Declaration>): Promise<Explosion> =>
    (explosion = await Explosion.start(mode, bomb));
  afterEach(() => explosion.end());

  it("forks without end: nuclear, the container starts afresh, with the process table", async () => {
    const bomb = await explode("forks", { tuning: { ladderSeconds: [0.8, 0.8] } });
    const { programs } = bomb;
    const supervisor = programs.supervisorProcess("bomb");
    await until(
      () => supervisor.exitCode === 75,
      10_000,
      () => programs.log("bomb").slice(-2000),
    );
    ok(bomb.lines("ladder-evidence").some((line) => (line["table"] as unknown[]).length > 20));
    const restart = bomb.lines("ladder-action").find((line) => line["action"] === "restart");
    equal(restart?.["ladderLevel"], "nuclear");
  });

  it("forks slowly: cleaned up to the ceiling again and again, and the server goes on", async () => {
    const bomb = await explode("forksSlowly", { limits: { processes: 2 } });
    await until(() => bomb.lines("ladder-action").length >= 2, 9000);
    deepEqual(new Set(bomb.lines("ladder-action").map((line) => line["action"])), new Set(["clean-up"]));
    ok(bomb.lines("ladder-evidence").length >= 2);
    equal(await bomb.state(), "healthy");
    ok((await bomb.metric(actions("critical", "clean-up"))) >= 2);
  });

  it("eats memory: up the ladder, with metric and evidence", async () => {
    const bomb = await explode("memory", { limits: { memoryMiB: 400 }, tuning: { ladderSeconds: [0.02, 0.02] } });
    const levels = () => bomb.lines("ladder-level").map((line) => line["to"]);
    await until(() => levels().includes("bypass") || levels().includes("emergency"), 9000, levels);
    ok(levels().includes("warning"), JSON.stringify(levels()));
    ok(bomb.lines("ladder-level").some((line) => /memory at \d+ % of 400 MiB/.test(JSON.stringify(line["reasons"]))));
    ok((await bomb.metric(actions("warning", "alert"))) >= 1);
  });

  it("prints 100 MB to stdout: counted, not kept, not logged, and it goes on", async () => {
    const bomb = await explode("flood", { health: { timeoutSeconds: 5, failures: 3 } });
    await until(async () => (await bomb.metric(/mcp_stray_lines_total\{.*\} (\d+)/)) > 50_000, 15_000);
    ok(bomb.programs.log("bomb").length < 200_000);
    ok(bomb.lines("child-output").some((line) => /a line of \d{8} bytes was dropped/.test(String(line["line"]))));
    await bomb.untilState("healthy");
    equal(await bomb.metric(/mcp_server_restarts_total\{.*\} (\d+)/), 0);
  });

  for (const [what, mode, command, evidence] of [
    ["never answers", "", fixture("mute"), /did not start: initialize was not answered/],
    ["answers with other ids", "otherIds", fixture("bomb"), /did not start: initialize was not answered/],
    ["exits with 0", "", fixture("exitsZero"), /the server ended: exit 0/],
  ] as const) {
    it(`${what}: three failures, then a crash loop, each with evidence`, async () => {
      const bomb = await explode(mode, { command });
      await bomb.untilState("crash-loop", 15_000);
      const reasons = bomb.lines("child-evidence").map((line) => String(line["reason"]));
      equal(reasons.length, 3);
      for (const reason of reasons) match(reason, evidence);
      equal(await bomb.metric(/mcp_server_restarts_total\{.*\} (\d+)/), 2);
      if (mode === "otherIds") ok((await bomb.metric(/mcp_stray_lines_total\{.*\} (\d+)/)) >= 3);
    });
  }

  it("does not read its stdin: calls fail in time, memory stays bounded, and it is started anew", async () => {
    const bomb = await explode("deaf", {
      callTimeoutSeconds: 0.5,
      health: { intervalSeconds: 1, failures: 3 },
    });
    const caller = new RawClient(`${bomb.programs.supervisor("bomb")}/mcp`);
    await caller.open();
    await sleep(100);
    const message = "x".repeat(2 << 20);
    const answers = await Promise.all(Array.from({ length: 12 }, () => caller.call("echo", { message })));
    const statuses = answers.map(({ status }) => status);
    ok(
      statuses.every((status) => [502, 503, 504].includes(status)),
      JSON.stringify(statuses),
    );
    ok(
      answers.some(({ text }) => text.includes("does not read its input")),
      JSON.stringify(statuses),
    );
    await until(async () => (await bomb.metric(/mcp_server_restarts_total\{.*\} (\d+)/)) > 0, 9000);
    ok(bomb.lines("child-evidence").some((line) => /unhealthy/.test(String(line["reason"]))));
  });
});

describe("A-20 A-26 one server is one process", () => {
  it("A-20 ten starts at once and ten calls of start leave one", async () => {
    const running = await startSupervisor(contractOf(fixture("good")));
    for (let index = 0; index < 10; index += 1) running.supervisor.keeper.start();
    await stateIs(running, "healthy");
    const { pid } = running.supervisor.keeper.child ?? {};
    const same = allProcesses().filter(({ parent, group }) => parent === process.pid && group === pid);
    deepEqual([same.length, running.supervisor.keeper.spawns], [1, 1]);
    await running.stop();
  });

  it("A-26 ten restarts in a row stay at the configured children", async () => {
    const running = await startSupervisor(contractOf(fixture("forks"), { env: { FORKS: "2" } }));
    const groups = new Set<number>();
    const alive = (): number => allProcesses().filter(({ group, state }) => groups.has(group) && state !== "Z").length;
    for (let index = 0; index <= 10; index += 1) {
      await stateIs(running, "healthy");
      groups.add(running.supervisor.keeper.child?.pid ?? 0);
      // the server, two shells, two grandchildren
      await until(() => alive() === 5, 5000, alive);
      if (index < 10) {
        running.supervisor.keeper.restart("the test says so", true);
        await until(() => !groups.has(running.supervisor.keeper.child?.pid ?? [...groups][0] ?? 0), 5000);
      }
    }
    deepEqual([groups.size, running.supervisor.readiness().restarts], [11, 10]);
    await running.stop();
    equal(alive(), 0);
  }).timeout(60_000);
});
