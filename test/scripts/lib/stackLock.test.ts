import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Prepared } from "../../../scripts/lib/prepare.ts";
import { mendStackLock } from "../../../scripts/lib/stackLock.ts";
import { cleanUp, fakeProgram, listener, temporaryFolder, write } from "../support.ts";

describe("mendStackLock", () => {
  let project: string;
  let prepared: Prepared;
  beforeEach(() => {
    project = temporaryFolder();
    const file = fakeProgram(project, "pulumi", `echo "$*" >> ${project}/calls`);
    prepared = {
      engine: { file, version: "3.255.0", origin: "PATH", official: false },
      env: { PATH: process.env["PATH"], PULUMI_BACKEND_URL: `file://${project}` },
    };
  });
  afterEach(cleanUp);

  const lock = (pid: number, stack = "dev", host = hostname()): string =>
    write(
      project,
      `.pulumi/locks/organization/mcp-estate/${stack}/0a1b.json`,
      JSON.stringify({ pid, username: "ann", hostname: host, timestamp: "2026-01-02T03:04:05Z" }),
    );
  const calls = (): string => (existsSync(join(project, "calls")) ? readFileSync(join(project, "calls"), "utf8") : "");

  it("takes the lock of a dead process away and says so in one line", async () => {
    const dead = spawnSync("true").pid;
    const { said, say } = listener();
    lock(dead);
    await mendStackLock(prepared, project, "dev", say);
    assert.equal(calls(), "cancel --yes --stack dev\n");
    assert.deepEqual(said, [
      `stack "dev" was locked by process ${dead}, which is dead (since 2026-01-02T03:04:05Z): lock taken away`,
    ]);
  });

  it("takes away attributes that were cut off, of that stack's state alone, and leaves whole ones", async () => {
    lock(spawnSync("true").pid);
    const file = (name: string, text: string) => write(project, `.pulumi/stacks/mcp-estate/${name}`, text);
    const state = file("dev.json", "{}");
    const cut = [file("dev.json.attrs", ""), file("dev.json.bak.attrs", '{"md5":')];
    const whole = file("dev.json.bak.bak.attrs", "{}");
    const others = file("other.json.attrs", "");
    await mendStackLock(prepared, project, "dev", () => undefined);
    assert.deepEqual([...cut, state, whole, others].map(existsSync), [false, false, true, true, true]);
    assert.equal(calls(), "cancel --yes --stack dev\n");
  });

  it("touches nothing where no lock is left behind", async () => {
    const cut = write(project, ".pulumi/stacks/mcp-estate/dev.json.attrs", "");
    await mendStackLock(prepared, project, "dev", () => undefined);
    assert.ok(existsSync(cut));
  });

  it("respects the lock of a live engine, naming it and since when", async () => {
    const engine = spawn("sleep", ["30"], { argv0: "pulumi" });
    try {
      lock(engine.pid ?? 0);
      await assert.rejects(
        mendStackLock(prepared, project, "dev", () => undefined),
        {
          name: "UserError",
          message: `stack "dev" is being changed by process ${engine.pid ?? 0} (user ann, since 2026-01-02T03:04:05Z); wait for it, or, when you know that it is gone: npm run pulumi -- cancel --yes --stack dev`,
        },
      );
    } finally {
      engine.kill();
    }
    assert.equal(calls(), "");
  });

  it("does not take another program with that process id for the engine", async () => {
    lock(process.pid);
    const { said, say } = listener();
    await mendStackLock(prepared, project, "dev", say);
    assert.equal(said.length, 1);
  });

  it("respects a lock from another host", async () => {
    lock(1, "dev", "elsewhere");
    await assert.rejects(
      mendStackLock(prepared, project, "dev", () => undefined),
      /process 1 on host elsewhere \(user ann/,
    );
  });

  it("leaves other stacks and other backends alone", async () => {
    lock(spawnSync("true").pid, "prod");
    await mendStackLock(prepared, project, "dev", () => undefined);
    await mendStackLock({ ...prepared, env: { PULUMI_BACKEND_URL: "s3://x" } }, project, "prod", () => undefined);
    assert.equal(calls(), "");
  });
});
