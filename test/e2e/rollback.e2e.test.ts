import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { TestEstate } from "./testEstate.ts";

const run = promisify(execFile);

interface HistoryRow {
  number: number;
  kind: string;
  result: string;
  message: string;
  gate: string;
  release?: { images: Record<string, { tag: string; id: string }>; smoke: { tools: Record<string, string[]> } };
}

describe("Smoke gate, history and rollback, end to end", function () {
  this.timeout(600_000);
  const estate = new TestEstate("roll", {
    port: 12300,
    range: "10.216.0.0/16",
    config: { "mcp-estate:servers": { memory: {}, everything: {} }, "mcp-estate:gate": { timeoutSeconds: 20 } },
  });
  const servers = (change: (servers: Record<string, unknown>) => void): void =>
    estate.configure((config) => change(config["mcp-estate:servers"] as Record<string, unknown>));

  async function git(...args: string[]): Promise<string> {
    const own = ["-c", "user.name=test", "-c", "user.email=test@example.invalid", "-c", "commit.gpgsign=false"];
    return (await run("git", [...own, ...args], { cwd: estate.folder })).stdout;
  }

  async function history(): Promise<HistoryRow[]> {
    return JSON.parse((await estate.succeed("history", ["--json"])).stdout) as HistoryRow[];
  }

  const lastVersion = async (): Promise<HistoryRow | undefined> => (await history()).at(-1);

  async function memoryLimit(component: string): Promise<number | undefined> {
    return (await (await estate.container(component)).inspect()).HostConfig.Memory;
  }

  before(async () => {
    await estate.create();
    await git("init", "--quiet");
    await git("add", "--all");
    await git("commit", "--quiet", "--message", "first");
    await estate.succeed("up", ["--yes"]);
  });
  after(() => estate.dispose());

  it("R-DEP-04: the gate has asked every server, and npm run smoke asks again", async () => {
    const version = await lastVersion();
    assert.match(version?.gate ?? "", /^(\d+) of \1$/);
    assert.deepEqual(Object.keys(version?.release?.smoke.tools ?? {}).sort(), ["everything", "memory"]);
    const { stdout } = await estate.succeed("smoke");
    console.log(stdout);
    for (const check of ["answers", "limits", "secrets", "closed"])
      assert.match(stdout, new RegExp(`passed +${check} +memory`));
    assert.match(stdout, /100 %/);
  });

  it("R-TST-05: npm run smoke exits 2 and names the server that does not answer", async () => {
    await (await estate.container("everything")).pause();
    const { code, stdout } = await estate.command("smoke");
    await (await estate.container("everything")).unpause();
    assert.equal(code, 2, stdout);
    assert.match(stdout, /FAILED +answers +everything/);
    assert.match(stdout, /passed +answers +memory/);
  });
});
