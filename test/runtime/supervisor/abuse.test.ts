import { deepEqual, equal, ok } from "node:assert/strict";
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { once } from "node:events";
import fc from "fast-check";
import { allProcesses } from "../../../runtime/supervisor/processGroup.ts";
import {
  contractOf,
  FAST,
  fixture,
  RawClient,
  startSupervisor,
  stateIs,
  textOf,
  until,
  type RunningSupervisor,
} from "../support.ts";

const openFiles = (): number => readdirSync("/proc/self/fd").length;
const ownChildren = (): number => allProcesses().filter(({ parent }) => parent === process.pid).length;

describe("abuse", () => {
  let running: RunningSupervisor;

  before(async () => {
    running = await startSupervisor(
      contractOf(fixture("good"), {
        callTimeoutSeconds: 1,
        tuning: { ...FAST, maxSessions: 50, restartFailures: 1000 },
      }),
    );
    await stateIs(running, "healthy");
  });
  after(() => running.stop());

  async function stillWorks(): Promise<void> {
    await stateIs(running, "healthy");
    const client = new RawClient(`${running.url}/mcp`);
    await client.open();
    equal(textOf(await client.call("echo", { message: "x" })), "Echo: x");
  }

  it("hostile bodies and headers never get a 200, and break nothing (fuzz)", async () => {
    const client = new RawClient(`${running.url}/mcp`);
    await client.open();
    const message = fc.record(
      {
        jsonrpc: fc.constantFrom("2.0", "1.0", 2),
        id: fc.jsonValue(),
        method: fc.oneof(fc.jsonValue(), fc.constant("tools/call")),
        params: fc.jsonValue(),
        result: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    const body = fc.oneof(
      fc.string(),
      fc.json(),
      message.map((value) => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(body, async (text) => {
        const answer = await client.post(text);
        // a well-formed call is the child's to answer, and its answers are protocol errors
        if (answer.status === 200) ok(answer.json["error"] !== undefined || answer.json["result"] !== undefined, text);
        else ok([202, 400, 502, 504].includes(answer.status), `${answer.status} ${text}`);
      }),
      { numRuns: 600 },
    );
    await stillWorks();
  }).timeout(60_000);

  it("raw nonsense on the socket breaks nothing", async () => {
    const { port } = new URL(running.url);
    for (const text of [
      "\0\0\0",
      "GET / HTTP/9\r\n\r\n",
      "POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n{",
      `GET /${"x".repeat(70_000)} HTTP/1.1\r\n\r\n`,
    ]) {
      const socket = connect(Number(port), "127.0.0.1");
      socket.on("error", () => undefined);
      await once(socket, "connect");
      socket.write(text);
      setTimeout(() => socket.destroy(), 20);
      await new Promise((resolve) => socket.once("close", resolve));
    }
    await stillWorks();
  });

  it("1,000 connect, call, drop cycles, 100 of them cut in mid-call, and 20 dead children leave nothing behind", async () => {
    const cycle = async (cut: boolean): Promise<void> => {
      const client = new RawClient(`${running.url}/mcp`);
      await client.open();
      if (!cut) {
        await client.call("echo", { message: "x" });
        return;
      }
      const abort = new AbortController();
      const headers = {
        "content-type": "application/json",
        accept: "application/json",
        "mcp-session-id": client.session ?? "",
      };
      const body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hang"}}';
      const call = fetch(`${running.url}/mcp`, { method: "POST", headers, body, signal: abort.signal }).catch(
        () => undefined,
      );
      setTimeout(() => abort.abort(), 2);
      await call;
    };
    const rounds = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index += 1)
        await Promise.all(Array.from({ length: 10 }, (_, one) => cycle(one === 0)));
    };
    // the test's own client keeps connections too: as many as it ever had at once
    await rounds(20);
    const [files, children] = [openFiles(), ownChildren()];
    await rounds(100);
    for (let index = 0; index < 20; index += 1) {
      const child = await until(() => running.supervisor.keeper.child);
      ok(child.pid !== undefined);
      process.kill(child.pid, "SIGKILL");
      await until(
        () => running.supervisor.keeper.child !== undefined && running.supervisor.keeper.child !== child,
        40_000,
      );
      running.supervisor.keeper.restart("forget the failures", true);
      await until(() => running.supervisor.keeper.child !== undefined);
    }
    await stillWorks();
    await until(() => running.supervisor.keeper.child?.channel.inFlight === 0);
    equal(ownChildren(), children);
    ok(openFiles() <= files * 1.1 + 2, `${files} → ${openFiles()}`);
    ok(running.supervisor.readiness().sessions <= 50);
    deepEqual(
      allProcesses().filter(({ parent, state }) => parent === process.pid && state === "Z"),
      [],
    );
  }).timeout(90_000);
});
