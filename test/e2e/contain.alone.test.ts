import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { buffer } from "node:stream/consumers";
import type Docker from "dockerode";
import { eventually, TestEstate } from "./testEstate.ts";

interface Listed {
  name: string;
  state: string;
  reason: string | null;
}

/** R-PRC-19 allows 4 minutes. */
const ALLOWED_MS = 60_000;

describe("npm run contain, end to end (R-PRC-19)", function () {
  this.timeout(600_000);
  const estate = new TestEstate("e2econt", {
    config: {
      "mcp-estate:servers": { everything: {}, memory: {}, "sequential-thinking": {} },
      "mcp-estate:health": { intervalSeconds: 2, timeoutSeconds: 2, failures: 2 },
    },
  });

  before(async () => {
    await estate.create();
    await estate.succeed("up", ["--yes"]);
  });
  after(() => estate.dispose());

  const listed = async (name: string): Promise<Listed | undefined> =>
    ((await estate.servers()) as unknown as Listed[]).find((server) => server.name === name);
  const stateIs = (name: string, state: string, timeoutMs = 30_000): Promise<void> =>
    eventually(async () => assert.equal((await listed(name))?.state, state, name), timeoutMs);
  /** Rows of the table: server → state, done. */
  const rows = (stdout: string): Record<string, string> =>
    Object.fromEntries(
      stdout
        .split("\n")
        .map((line) => line.split(/ {2,}/))
        .filter((cells) => cells.length >= 3)
        .map(([server = "", state, done]) => [server, `${state}, ${done}`]),
    );
  const programs = async (container: Docker.Container): Promise<string[]> => {
    const { Processes } = (await container.top()) as { Processes: string[][] };
    return Processes.map((cells) => cells.at(-1) ?? "");
  };

  /** What a bad update of a server would do: from now on its process ends as soon as it is started. */
  async function breakServer(component: string): Promise<void> {
    const container = await estate.container(component);
    const copy = spawn("docker", ["cp", `${container.id}:/run/secrets/contract.json`, "-"]);
    const archive = await buffer(copy.stdout);
    const broken = archive.toString("latin1").replace(/"\/usr\/local\/bin\/node"/, '"/usr/local/bin/n0de"');
    assert.notEqual(broken, archive.toString("latin1"));
    await container.putArchive(Buffer.from(broken, "latin1"), { path: "/run/secrets" });
    await container.kill({ signal: "SIGHUP" });
  }

  /** From now on its supervisor answers nobody. */
  async function freezeSupervisor(component: string): Promise<void> {
    const { code, output } = await estate.exec(component, ["/usr/local/bin/node", "-e", FREEZE]);
    assert.equal(code, 0, output);
  }

  it("says so when nothing fails, and touches nothing", async () => {
    const { stdout } = await estate.succeed("contain");
    assert.match(stdout, /^No server is failing: nothing was contained\.$/m);
    await estate.pulumi("preview", "--expect-no-changes");
  });

  it("a name that is none is one clear error", async () => {
    const { code, output } = await estate.command("contain", ["memroy"]);
    assert.equal(code, 1);
    assert.match(
      output,
      /there is no server "memroy" in stack "e2econt"; there are everything, memory, sequential-thinking/,
    );
  });

  it("stops all failing servers at once, one that does not obey with its container, and says why in one table", async () => {
    await breakServer("memory");
    await stateIs("memory", "unhealthy");
    await freezeSupervisor("sequential-thinking");
    const began = Date.now();
    const { stdout } = await estate.succeed("contain");
    assert.ok(Date.now() - began < ALLOWED_MS, `${Date.now() - began} ms`);
    assert.deepEqual(
      Object.keys(rows(stdout)).filter((name) => !["SERVER", ""].includes(name) && !name.startsWith("─")),
      ["memory", "sequential-thinking"],
    );
    assert.match(rows(stdout)["memory"] ?? "", /^(unhealthy|crash-loop), its process is ended$/);
    assert.equal(rows(stdout)["sequential-thinking"], "silent, its container is stopped");
    assert.match(stdout, /n0de ENOENT/);
    await stateIs("memory", "quarantined");
    assert.match((await listed("memory"))?.reason ?? "", /^contained: (unhealthy|crash-loop): .*ENOENT/);
    assert.equal((await listed("everything"))?.state, "healthy");
    assert.equal((await (await estate.container("sequential-thinking")).inspect()).State.Running, false);
  });

  it("a second time there is nothing more to do", async () => {
    const { stdout } = await estate.succeed("contain");
    assert.match(stdout, /nothing was contained/);
  });

  it("lasts over a restart of the container: no process of the server", async () => {
    const container = await estate.container("memory");
    await container.restart();
    await stateIs("memory", "quarantined");
    assert.deepEqual(
      (await programs(container)).filter((program) => program.includes("server-memory")),
      [],
    );
  });

  it("contains by name what is healthy, and releases it again", async () => {
    const contained = await estate.succeed("contain", ["everything"]);
    assert.equal(rows(contained.stdout)["everything"], "healthy, its process is ended");
    await stateIs("everything", "quarantined");
    assert.match((await listed("everything"))?.reason ?? "", /^contained: it was healthy$/);
    const released = await estate.succeed("contain", ["--release", "everything"]);
    assert.equal(rows(released.stdout)["everything"], "contained, released");
    await stateIs("everything", "healthy");
  });

  it("releases what was stopped with its container", async () => {
    const { stdout } = await estate.succeed("contain", ["--release", "sequential-thinking"]);
    assert.equal(rows(stdout)["sequential-thinking"], "contained, released, its container started");
    await stateIs("sequential-thinking", "healthy");
  });

  it("a preview names it, and the next update decides by the settings", async () => {
    const { output } = await estate.command("drift");
    assert.match(output, /container memory +secret files +delivered +contract\.json differs/);
    assert.doesNotMatch(output, /container (everything|sequential-thinking)/);
    await estate.succeed("up", ["--yes"]);
    assert.equal((await listed("memory"))?.state, "healthy");
    await estate.pulumi("preview", "--expect-no-changes");
  });
});

const FREEZE = `
const { readdirSync, readFileSync } = require("node:fs");
for (const pid of readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name))) {
  let line = "";
  try { line = readFileSync("/proc/" + pid + "/cmdline", "utf8"); } catch {}
  if (line.includes("supervisor.mjs") && !line.includes("tini")) process.kill(Number(pid), "SIGSTOP");
}`;
