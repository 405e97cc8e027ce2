import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseDocument } from "yaml";
import { capture } from "../../scripts/lib/exec.ts";
import { table } from "../../scripts/lib/log.ts";
import { containerOf, processes } from "./canary/processes.ts";
import { setSecret } from "./secretSetting.ts";
import { eventually, TestEstate } from "./testEstate.ts";

/** Calls a second, of all servers together. */
const RATE = 10;
/** By then nothing knows or takes an old value any more. */
const GONE_MS = 5_000;
/** What the kernel and Docker show in a container beside its files. */
const NO_FILES = new Set(["proc", "sys", "dev"]);
const CALLER = "load";

/** A call that each server answers by itself. */
const CALLS: Readonly<Record<string, { tool: string; arguments: object }>> = {
  everything: { tool: "echo", arguments: { message: "hello" } },
  fetch: { tool: "fetch", arguments: { url: "http://127.0.0.1:8000/health" } },
  filesystem: { tool: "list_allowed_directories", arguments: {} },
  memory: { tool: "search_nodes", arguments: { query: "nothing" } },
  "sequential-thinking": {
    tool: "sequentialthinking",
    arguments: { thought: "load", nextThoughtNeeded: false, thoughtNumber: 1, totalThoughts: 1 },
  },
};
const NAMES = Object.keys(CALLS);

interface Outcome {
  server: string;
  milliseconds: number;
  /** "" where all was well. */
  fault: string;
}

/** What a rotation of a secret may change of a container: the number of starts of its server, and that by one. */
interface Running {
  container: string;
  startedAt: string;
  restarts: number;
}

describe("R-SEC-09: each secret of five servers is exchanged under load", function () {
  this.timeout(600_000);
  const estate = new TestEstate("rotate", {
    config: { "mcp-estate:servers": Object.fromEntries(NAMES.map((name) => [name, {}])) },
  });
  const stackFile = join(estate.folder, "Pulumi.rotate.yaml");
  const values = new Map<string, string>();
  const rows: string[][] = [];
  let token = "";

  before(async () => {
    await estate.create();
    estate.configure((config) => (config["mcp-estate:gateway"] = { port: estate.port, principals: [CALLER] }));
    await estate.pulumi("stack", "init");
    for (const server of NAMES) await give(server);
    await estate.succeed("up", ["--yes"]);
    token = await tokenOf(CALLER);
  });
  after(async () => {
    const headers = [
      "SECRET OF",
      "UP",
      "OLD ONE GONE AFTER",
      "RESTARTS",
      "CALLS",
      "LOST",
      "ITS SLOWEST",
      "OTHERS' SLOWEST",
    ];
    console.log(table(headers, rows).replace(/^/gm, "      "));
    await estate.dispose();
  });

  async function give(server: string): Promise<void> {
    const value = `canary-${randomBytes(12).toString("hex")}`;
    await setSecret(estate, `mcp-estate:servers.${server}.secretEnv.API_TOKEN`, value);
    values.set(server, value);
  }

  async function tokenOf(caller: string): Promise<string> {
    return (await estate.output<Record<string, string>>("gatewayTokens"))[caller] ?? "";
  }

  const ask = (path: string, shown: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${estate.port}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${shown}`, "content-type": "application/json" },
    });

  async function call(server: string): Promise<Outcome> {
    const began = performance.now();
    let fault = "";
    try {
      const body = JSON.stringify({ server, ...CALLS[server] });
      const response = await ask("/execute", token, { method: "POST", body });
      const text = await response.text();
      if (response.status !== 200) fault = `${response.status} ${text}`;
    } catch (error) {
      fault = (error as Error).message;
    }
    return { server, milliseconds: performance.now() - began, fault };
  }

  /** Calls all servers in turn at a constant rate, whatever becomes of the answers, while `work` goes on and a second longer. */
  async function underLoad<T>(work: () => Promise<T>): Promise<{ result: T; outcomes: Outcome[] }> {
    const pending: Promise<Outcome>[] = [];
    const timer = setInterval(() => pending.push(call(NAMES[pending.length % NAMES.length] ?? "")), 1000 / RATE);
    try {
      const result = await work();
      await sleep(1_000);
      return { result, outcomes: await Promise.all(pending) };
    } finally {
      clearInterval(timer);
    }
  }

  async function update(): Promise<{ seconds: number; output: string }> {
    const began = performance.now();
    const { output } = await estate.succeed("up", ["--yes"]);
    return { seconds: (performance.now() - began) / 1000, output };
  }

  /** Milliseconds until it holds, from now on. */
  async function timeUntil(check: () => Promise<void>): Promise<number> {
    const began = performance.now();
    await eventually(check, GONE_MS);
    return performance.now() - began;
  }

  /** Where in a server's container a value stands: paths of files, and processes that have it in their environment. */
  async function traces(server: string, value: string): Promise<{ files: string[]; environments: number[] }> {
    const { Id, State } = await (await estate.container(server)).inspect();
    const root = `/proc/${State.Pid}/root`;
    const folders = readdirSync(root, { withFileTypes: true })
      .filter((entry) => !NO_FILES.has(entry.name) && !entry.isSymbolicLink())
      .map(({ name }) => name);
    const options = ["--recursive", "--files-with-matches", "--no-messages", "--fixed-strings", "--devices=skip"];
    const { stdout } = await capture("grep", [...options, "--file=-", ...folders], { cwd: root, input: value });
    const inside = processes().filter(({ pid, environment }) => environment.includes(value) && containerOf(pid) === Id);
    return { files: stdout.split("\n").filter((line) => line !== ""), environments: inside.map(({ pid }) => pid) };
  }

  async function running(component: string): Promise<Running> {
    const { Id, State } = await (await estate.container(component)).inspect();
    const { output } = await estate.exec(component, ["curl", "-s", "http://127.0.0.1:8000/ready"]);
    const { restarts = 0 } = JSON.parse(output) as { restarts?: number };
    return { container: Id, startedAt: State.StartedAt, restarts };
  }

  async function allRunning(): Promise<Record<string, Running>> {
    const all = [...NAMES, "gateway"].map(async (name) => [name, await running(name)] as const);
    return Object.fromEntries(await Promise.all(all));
  }

  const imageIds = async (): Promise<string[]> => (await estate.images()).map(({ Id }) => Id).sort();

  /** A row of the table at the end; fails where a call was lost. */
  function requireNoneLost(
    of: string,
    figures: [up: number, gone: string, restarts: string],
    outcomes: Outcome[],
  ): void {
    const slowest = (some: readonly Outcome[]): string =>
      some.length === 0 ? "–" : `${Math.round(Math.max(...some.map(({ milliseconds }) => milliseconds)))} ms`;
    const lost = outcomes.filter(({ fault }) => fault !== "");
    const own = outcomes.filter(({ server }) => server === of);
    const [up, gone, restarts] = figures;
    const others = outcomes.filter(({ server }) => server !== of);
    rows.push([
      ...[of, `${up.toFixed(1)} s`, gone, restarts],
      ...[String(outcomes.length), String(lost.length), slowest(own), slowest(others)],
    ]);
    assert.ok(outcomes.length > RATE, `${outcomes.length} calls`);
    assert.deepEqual(
      lost.map(({ server, fault }) => `${server}: ${fault}`),
      [],
    );
  }

  for (const server of NAMES) {
    it(`${server}: one restart of its process, no image, no lost call, and the old value is gone`, async () => {
      const old = values.get(server) ?? "";
      const before = { running: await allRunning(), images: await imageIds(), traces: await traces(server, old) };
      assert.deepEqual(before.traces.files, ["run/secrets/API_TOKEN"]);
      assert.ok(before.traces.environments.length > 0, "the server has its secret");
      await give(server);

      const { result, outcomes } = await underLoad(async () => {
        const { seconds, output } = await update();
        const goneMs = await timeUntil(async () =>
          assert.deepEqual(await traces(server, old), { files: [], environments: [] }),
        );
        return { seconds, output, goneMs };
      });
      const now = await allRunning();
      const restarts = (now[server]?.restarts ?? 0) - (before.running[server]?.restarts ?? 0);
      requireNoneLost(server, [result.seconds, `${Math.round(result.goneMs)} ms`, String(restarts)], outcomes);
      assert.equal(restarts, 1);
      const expected = { ...before.running[server], restarts: now[server]?.restarts };
      assert.deepEqual(now, { ...before.running, [server]: expected });
      assert.deepEqual(await imageIds(), before.images);
      assert.doesNotMatch(result.output, /BuiltImage.*(created|replaced)/);
      const current = await traces(server, values.get(server) ?? "");
      assert.deepEqual(current.files, ["run/secrets/API_TOKEN"]);
      assert.ok(current.environments.length > 0, "the server has the new one");
    });
  }

  it("a caller's token: the new one beside the old, then the old one is refused, and no call is lost", async () => {
    const before = await allRunning();
    const old = token;
    await estate.succeed("rotate-token", [CALLER]);
    const added = await underLoad(update);
    requireNoneLost("a new token", [added.result.seconds, "–", "0"], added.outcomes);
    token = await tokenOf(CALLER);
    assert.notEqual(token, old);
    for (const each of [old, token]) assert.equal((await ask("/servers", each)).status, 200);

    const document = parseDocument(readFileSync(stackFile, "utf8"));
    const path = ["config", "mcp-estate:gateway", "principals", CALLER, "tokens"];
    document.deleteIn([...path, 0]);
    writeFileSync(stackFile, document.toString());
    const removed = await underLoad(async () => {
      const { seconds } = await update();
      return { seconds, goneMs: await timeUntil(async () => assert.equal((await ask("/servers", old)).status, 401)) };
    });
    const { seconds, goneMs } = removed.result;
    requireNoneLost("its old token", [seconds, `${Math.round(goneMs)} ms`, "0"], removed.outcomes);
    assert.deepEqual(await allRunning(), before);
  });
});
