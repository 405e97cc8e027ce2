import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerContract } from "../../../runtime/contract/index.ts";
import { ownControlGroup } from "../../../runtime/supervisor/controlGroup.ts";
import { readKernelLimits } from "../../../runtime/supervisor/kernelLimits.ts";
import { refusalReason } from "../../../runtime/supervisor/limitsReport.ts";
import { allProcesses } from "../../../runtime/supervisor/processGroup.ts";
import { contractOf, FAST, fixture, isAlive, RawClient, ROOT, until } from "../support.ts";

type Program = ChildProcessByStdio<null, Readable, null>;

describe("supervisor program", () => {
  const folder = mkdtempSync(join(tmpdir(), "supervisor-"));
  const path = join(folder, "contract.json");
  let program: Program;
  let output = "";

  function run(contract: object, ...args: string[]): void {
    writeFileSync(path, JSON.stringify(contract));
    output = "";
    program = spawn(
      process.execPath,
      [join(ROOT, "runtime/supervisor/main.ts"), path, "--port", "0", "--host", "127.0.0.1", ...args],
      {
        stdio: ["ignore", "pipe", "ignore"],
        env: { PATH: process.env["PATH"] },
      },
    );
    program.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  }

  const events = (): Record<string, unknown>[] =>
    output
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const event = (name: string, test: (line: Record<string, unknown>) => boolean = () => true) =>
    until(
      () => events().find((line) => line["event"] === name && test(line)),
      5000,
      () => output,
    );
  const healthy = () => event("state", (line) => line["to"] === "healthy");
  const childPid = async (): Promise<number> => Number((await event("child-started"))["pid"]);

  afterEach(() => {
    if (program.exitCode === null && program.signalCode === null) program.kill("SIGKILL");
  });

  it("refuses a wrong contract with one line that names every key", async () => {
    run({ ...contractOf(fixture("good")), name: "Bad Name", transport: "smoke" });
    const [code] = (await once(program, "exit")) as [number];
    equal(code, 78);
    const [line] = events();
    equal(line?.["event"], "contract-refused");
    match(String(line?.["reason"]), /name: .*transport: /);
  });

  it("has no environment variable that allows an unlimited child", async () => {
    run(contractOf(fixture("good")));
    const { event: name } = await until(() =>
      events().find((line) => line["event"] === "child-refused" || line["event"] === "child-started"),
    );
    const refused = refusalReason(readKernelLimits(ownControlGroup())) !== undefined;
    equal(name, refused ? "child-refused" : "child-started");
  });

  it("SIGTERM ends the child's whole group and itself with 0", async () => {
    run(contractOf(fixture("forks")), "--allow-unlimited");
    await healthy();
    const pid = await childPid();
    program.kill("SIGTERM");
    const [code] = (await once(program, "exit")) as [number];
    equal(code, 0);
    deepEqual(
      allProcesses().filter(({ group, state }) => group === pid && state !== "Z"),
      [],
    );
  });

  it("SIGTERM: running calls are ended, new ones refused as not taken, then it goes", async () => {
    run(contractOf(fixture("good"), { tuning: { ...FAST, drainSeconds: 5 } }), "--allow-unlimited");
    await healthy();
    const { address } = (await event("listening")) as { address: { port: number } };
    const client = new RawClient(`http://127.0.0.1:${address.port}/mcp`);
    await client.open();
    const running = client.call("record", { ms: 600 });
    await sleep(100);
    program.kill("SIGTERM");
    await event("stopping");
    const refused = await client.call("echo", { message: "x" });
    deepEqual([refused.status, refused.headers.get("mcp-estate-fault")], [503, "unavailable"]);
    equal((await fetch(`http://127.0.0.1:${address.port}/ready`)).status, 503);
    equal((await running).status, 200);
    const [code] = (await once(program, "exit")) as [number];
    equal(code, 0);
  });

  it("SIGTERM: a call that does not end in its time is lost, and says so", async () => {
    run(contractOf(fixture("good"), { tuning: { ...FAST, drainSeconds: 0.2 } }), "--allow-unlimited");
    await healthy();
    const { address } = (await event("listening")) as { address: { port: number } };
    const client = new RawClient(`http://127.0.0.1:${address.port}/mcp`);
    await client.open();
    const running = client.call("hang");
    await sleep(100);
    program.kill("SIGTERM");
    const answer = await running;
    deepEqual([answer.status, answer.headers.get("mcp-estate-fault")], [502, "lost"]);
    await once(program, "exit");
  });

  it("A-21 killed hard, it leaves no child after 10 s", async () => {
    run(contractOf(fixture("good")), "--allow-unlimited");
    await healthy();
    const pid = await childPid();
    program.kill("SIGKILL");
    await until(() => !isAlive(pid) || allProcesses().find((stat) => stat.pid === pid)?.state === "Z", 10_000);
  });

  it("SIGHUP takes a new contract, and a bad one changes nothing", async () => {
    const contract: ServerContract = contractOf(fixture("good"));
    run(contract, "--allow-unlimited");
    await healthy();
    writeFileSync(path, "{");
    program.kill("SIGHUP");
    await event("contract-refused");
    writeFileSync(path, JSON.stringify({ ...contract, callTimeoutSeconds: 1 }));
    program.kill("SIGHUP");
    await event("contract-reloaded");
    ok(program.exitCode === null);
    equal(events().filter((line) => line["event"] === "child-started").length, 1);
  });
});
