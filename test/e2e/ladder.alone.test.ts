import assert from "node:assert/strict";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type Docker from "dockerode";
import { limitClasses } from "../../components/limitClasses.ts";
import type { ServerContract } from "../../runtime/contract/index.ts";
import { docker, eventually, TestEstate } from "./testEstate.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures/servers");
/** Shortened from 30 and 10 s. */
const INTERVAL_SECONDS = 3;
const INTERVAL_MS = INTERVAL_SECONDS * 1000;
/** Between a look's begin and its line in the log, on a busy machine. */
const SLACK_MS = 1000;
/** A ceiling that a hundred processes do not reach, so that the ladder has them to itself. */
const LIMITS = { ...limitClasses.hub, memoryMiB: 1024, memoryReservationMiB: 64, cpus: 1, pids: 300, nproc: 600 };

interface Line {
  readonly time: string;
  readonly event: string;
  readonly ladderLevel?: string;
  readonly to?: string;
  readonly action?: string;
  readonly processes?: number;
}

describe("A-24 the ladder in a container with a raised pids ceiling, end to end (R-PRC-20 to 24)", function () {
  this.timeout(600_000);
  const estate = new TestEstate("e2eladder", {
    config: { "mcp-estate:servers": { everything: {} } },
  });
  const made: Docker.Container[] = [];
  let image = "";
  let user = "";

  before(async () => {
    await estate.create();
    await estate.succeed("up", ["--yes"]);
    const info = await (await estate.container("everything")).inspect();
    image = info.Image;
    user = info.Config.User;
  });
  afterEach(async () => {
    for (const container of made.splice(0)) await container.remove({ force: true });
  });
  after(() => estate.dispose());

  /** A server with this many processes, its own included, in a container as the program makes them. */
  async function start(processes: number): Promise<Docker.Container> {
    const folder = mkdtempSync(join(tmpdir(), "ladder-"));
    const contract: ServerContract = {
      version: 1,
      estate: "mcp-estate",
      stack: "e2eladder",
      name: "sleepers",
      serverVersion: "1",
      transport: "stdio",
      command: ["/usr/local/bin/node", "/fixtures/sleepers.ts"],
      cwd: "/tmp",
      env: { SLEEPERS: String(processes - 1) },
      secretEnv: {},
      sharing: "shared",
      maxChildren: 1,
      limits: LIMITS,
      health: { intervalSeconds: 1, timeoutSeconds: 5, failures: 3 },
      callTimeoutSeconds: 5,
      tuning: { ladderSeconds: [INTERVAL_SECONDS, 1], graceSeconds: 1 },
    };
    writeFileSync(join(folder, "contract.json"), JSON.stringify(contract), { mode: 0o444 });
    const container = await docker.createContainer({
      Image: image,
      User: user,
      Labels: { "mcp-estate.estate": "mcp-estate", "mcp-estate.stack": "e2eladder" },
      HostConfig: {
        Memory: LIMITS.memoryMiB << 20,
        MemorySwap: LIMITS.memoryMiB << 20,
        NanoCpus: 1e9,
        PidsLimit: LIMITS.pids,
        ReadonlyRootfs: true,
        Tmpfs: { "/tmp": "rw,size=16m,mode=1777" },
        RestartPolicy: { Name: "unless-stopped" },
        NetworkMode: "none",
        Binds: [`${join(folder, "contract.json")}:/run/secrets/contract.json:ro`, `${FIXTURES}:/fixtures:ro`],
      },
    });
    made.push(container);
    await container.start();
    return container;
  }

  async function linesOf(container: Docker.Container): Promise<Line[]> {
    const raw = await container.logs({ stdout: true, stderr: true, follow: false });
    return raw
      .toString("utf8")
      .split("\n")
      .map((line) => line.slice(line.indexOf("{")))
      .filter((line) => line.startsWith("{") && line.endsWith("}"))
      .map((line) => JSON.parse(line) as Line);
  }
  /** The first line with this event and level of the ladder, and how long after the processes were there. */
  async function first(container: Docker.Container, event: string, level: string): Promise<{ line: Line; ms: number }> {
    return eventually(async () => {
      const lines = await linesOf(container);
      const line = lines.find((one) => one.event === event && (one.ladderLevel ?? one.to) === level);
      const there = lines.find(({ event: name }) => name === "child-started");
      assert.ok(line && there, lines.map(({ event: name, to }) => `${name} ${to ?? ""}`).join(", "));
      return { line, ms: Date.parse(line.time) - Date.parse(there.time) };
    }, 30_000);
  }
  const processesOf = async (container: Docker.Container): Promise<number> =>
    ((await container.top()) as { Processes: string[][] }).Processes.filter((cells) =>
      /sleepers\.ts|\/bin\/sleep/.test(cells.at(-1) ?? ""),
    ).length;

  for (const [processes, level, action, left] of [
    [16, "warning", undefined, 16],
    [31, "critical", "clean-up", 15],
    [51, "emergency", "terminate", 1],
  ] as const) {
    it(`${processes} processes: ${level}, ${action ?? "logged alone"}, within one interval`, async () => {
      const container = await start(processes);
      const { ms } = await first(container, "ladder-level", level);
      assert.ok(ms <= INTERVAL_MS + SLACK_MS, `${ms} ms`);
      if (action !== undefined) {
        const { line } = await first(container, "ladder-action", level);
        assert.deepEqual([line.action, line.processes], [action, processes - left]);
        const evidence = await first(container, "ladder-evidence", level);
        assert.equal(evidence.line.processes, processes);
        assert.ok(evidence.line.time <= line.time);
      }
      await eventually(async () => assert.equal(await processesOf(container), left), 10_000);
      const { RestartCount, State } = await container.inspect();
      assert.deepEqual([RestartCount, State.Running], [0, true]);
    });
  }

  it("101 processes: nuclear, evidence is kept and the container started afresh, within one interval", async () => {
    const container = await start(101);
    const { ms } = await first(container, "ladder-level", "nuclear");
    assert.ok(ms <= INTERVAL_MS + SLACK_MS, `${ms} ms`);
    assert.equal((await first(container, "ladder-evidence", "nuclear")).line.processes, 101);
    await eventually(async () => assert.ok((await container.inspect()).RestartCount >= 1), 20_000);
  });

  it("A-21 the supervisor killed hard: no child and no zombie of it after 10 s, and the container starts afresh", async () => {
    const container = await start(5);
    await eventually(async () => assert.equal(await processesOf(container), 5), 10_000);
    const { Titles, Processes } = (await container.top()) as { Titles: string[]; Processes: string[][] };
    const pids = Processes.map((cells) => Number(cells[Titles.indexOf("PID")]));
    const supervisor = pids[Processes.findIndex((cells) => /^\S*node .*supervisor\.mjs/.test(cells.at(-1) ?? ""))];
    assert.ok(supervisor, Processes.join("\n"));
    process.kill(supervisor, "SIGKILL");
    await eventually(async () => {
      assert.deepEqual(
        pids.filter((pid) => existsSync(`/proc/${pid}`)),
        [],
      );
      assert.ok((await container.inspect()).RestartCount >= 1);
    }, 10_000);
    await eventually(async () => assert.equal(await processesOf(container), 5), 10_000);
  });

  it("15 processes: nothing", async () => {
    const container = await start(15);
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS + 2 * SLACK_MS));
    const events = (await linesOf(container)).map(({ event }) => event);
    assert.ok(events.includes("child-started"));
    assert.ok(!events.some((event) => event.startsWith("ladder")), events.join(", "));
    assert.equal(await processesOf(container), 15);
  });
});
