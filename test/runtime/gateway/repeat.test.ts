import { deepEqual, equal, match } from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { authOf, serverOf, startGateway, type RunningGateway } from "../gatewaySupport.ts";
import {
  contractOf,
  FAST,
  fixture,
  startSupervisor,
  textOf,
  until,
  type RawAnswer,
  type RunningSupervisor,
} from "../support.ts";

/** "repeatable" and "once" are the same server, of which only the first may run a call twice. */
const SERVERS = ["repeatable", "once"] as const;
type Name = (typeof SERVERS)[number];

describe("R-GW-12 calls that were lost in mid-call", () => {
  const folder = mkdtempSync(join(tmpdir(), "repeat-"));
  const supervisors = new Map<Name, RunningSupervisor>();
  let running: RunningGateway;
  let files = 0;

  // these servers are killed often, and on purpose
  const tuning = { ...FAST, restartFailures: 100 };

  before(async () => {
    for (const name of SERVERS)
      supervisors.set(name, await startSupervisor(contractOf(fixture("good"), { name, tuning })));
    const url = (name: Name): string => supervisors.get(name)?.url ?? "";
    running = await startGateway([
      serverOf("repeatable", [url("repeatable")], { repeatableTools: ["record", "die"] }),
      serverOf("once", [url("once")], { repeatableTools: ["echo"] }),
    ]);
  });
  beforeEach(() => running.allHealthy());
  after(async () => {
    await running.stop();
    await Promise.all([...supervisors.values()].map((one) => one.stop()));
  });

  const runs = (file: string): string[] => (existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : []);

  /** Calls `record`, kills its server as soon as it has begun, and waits for the answer. */
  async function killedInMidCall(name: Name, call: (args: object) => Promise<RawAnswer>) {
    const file = join(folder, `runs-${(files += 1)}`);
    const answer = call({ file, ms: 400 });
    await until(() => runs(file).length === 1);
    const pid = supervisors.get(name)?.supervisor.keeper.child?.pid ?? 0;
    process.kill(pid, "SIGKILL");
    return { answer: await answer, runs: () => runs(file), pid: String(pid) };
  }

  const paths: Record<string, (name: Name) => Promise<(args: object) => Promise<RawAnswer>>> = {
    "/execute": (name) => Promise.resolve((args) => running.execute(name, "record", args)),
    "/mcp": async (name) => {
      const client = await running.connect("/mcp");
      return (args) => client.call(`${name}__record`, args);
    },
    "/servers/NAME/mcp": async (name) => {
      const client = await running.connect(`/servers/${name}/mcp`);
      return (args) => client.call("record", args);
    },
  };

  for (const [path, callOn] of Object.entries(paths)) {
    it(`on ${path} a repeatable one is answered from the new child`, async () => {
      const { answer, runs, pid } = await killedInMidCall("repeatable", await callOn("repeatable"));
      equal(answer.status, 200, answer.text);
      const [first, second, ...more] = runs();
      deepEqual([first, more], [pid, []]);
      equal(textOf(answer), second);
    });

    it(`on ${path} any other gets 502, and is never run twice`, async () => {
      const { answer, runs, pid } = await killedInMidCall("once", await callOn("once"));
      equal(answer.status, 502, answer.text);
      match(answer.text, /the server process ended: signal SIGKILL/);
      await running.allHealthy();
      await until(() => supervisors.get("once")?.supervisor.readiness().state === "healthy");
      deepEqual(runs(), [pid]);
    });
  }

  it("one that kills its server each time is repeated once, not for ever", async () => {
    const before = supervisors.get("repeatable")?.supervisor.keeper.restarts ?? 0;
    const { status } = await running.execute("repeatable", "die");
    equal(status, 502);
    await until(() => supervisors.get("repeatable")?.supervisor.readiness().state === "healthy");
    equal((supervisors.get("repeatable")?.supervisor.keeper.restarts ?? 0) - before, 2);
  });

  it("the metrics count them", async () => {
    const metrics = await (await fetch(`${running.url}/metrics`, { headers: authOf("owner") })).text();
    match(metrics, /mcp_gateway_repeated_calls_total\{server="repeatable"\} 4/);
    match(metrics, /mcp_gateway_repeated_calls_total\{server="once"\} 0/);
  });
});
