import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { LABEL_COMPONENT, LABEL_ESTATE, LABEL_STACK, uidOf } from "../../components/naming.ts";
import { holdProcesses, MonitoredEstate } from "./monitoredEstate.ts";
import { docker, eventually } from "./testEstate.ts";

const run = promisify(execFile);
const PATIENCE_SECONDS = 6;
/** From the cause to another start: patience, two looks, Docker's own grace, and a busy machine. */
const ACTS_WITHIN_MS = 60_000;
const OWNER = { estate: "mcp-estate", stack: "guard" };

describe("The guard counts and acts from outside, end to end", function () {
  this.timeout(300_000);
  const settings = { guard: { intervalSeconds: 1, patienceSeconds: PATIENCE_SECONDS, maxRestarts: 20 } };
  const monitored = new MonitoredEstate("guard", settings);
  const { estate } = monitored;
  const made: string[] = [];

  before(() => monitored.create());
  after(async () => {
    for (const id of made) await docker.getContainer(id).remove({ force: true, v: true }).catch(goneIsFine);
    await run("docker", ["image", "rm", "--force", "mcp-estate-test-no-shell"]);
    await monitored.dispose();
  });

  const startedAt = async (id: string): Promise<string> => (await docker.getContainer(id).inspect()).State.StartedAt;
  const labels = (component: string) =>
    [`${LABEL_ESTATE}=${OWNER.estate}`, `${LABEL_STACK}=${OWNER.stack}`, `${LABEL_COMPONENT}=${component}`].flatMap(
      (label) => ["--label", label],
    );

  /** A container beside the estate's, of an image that holds one program and what it is linked with: no shell, no ps. */
  async function sleeper(...options: string[]): Promise<string> {
    const { stdout } = await run("docker", [
      ...["run", "--detach", "--network=none", "--restart=unless-stopped", "--pids-limit=8", ...options],
      ...["mcp-estate-test-no-shell", "/bin/sleep", "600"],
    ]);
    made.push(stdout.trim());
    return stdout.trim();
  }

  /** The one process below a container's init. */
  async function programOf(id: string): Promise<number> {
    const { Pid } = (await docker.getContainer(id).inspect()).State;
    const [child] = readFileSync(`/proc/${Pid}/task/${Pid}/children`, "utf8").trim().split(" ");
    return Number(child);
  }

  /** Waits until a container has been started anew. */
  const restarted = (id: string, before: string): Promise<void> =>
    eventually(async () => assert.notEqual(await startedAt(id), before), ACTS_WITHIN_MS);

  const answers = (): Promise<void> =>
    eventually(
      async () => assert.equal((await estate.execute("everything", "echo", { message: "x" })).status, 200),
      60_000,
    );

  it("R-MON-03: its figures are the kernel's, of every container of the stack", async () => {
    const names = [
      "alertmanager",
      "edge",
      "everything",
      "gateway",
      "guard",
      "guard-control",
      "memory",
      "monitor",
      "prometheus",
    ];
    await eventually(async () => {
      const running = (await monitored.query("mcp_guard_running == 1")).map(({ metric }) => metric["container"]);
      assert.deepEqual(running.sort(), names);
    }, 30_000);
    for (const name of names) {
      const { State, HostConfig } = await (await estate.container(name)).inspect();
      const value = async (query: string) => Number((await monitored.query(query))[0]?.value[1]);
      const limit = (which: string) => value(`mcp_guard_limit{container="${name}", limit="${which}", source="kernel"}`);
      assert.equal(await limit("pids"), HostConfig.PidsLimit, name);
      assert.equal(await limit("memory_bytes"), HostConfig.Memory, name);
      const tasks = Number(readFileSync(`/proc/${State.Pid}/status`, "utf8").match(/^Threads:\s+(\d+)$/m)?.[1]);
      assert.ok((await value(`mcp_guard_tasks{container="${name}"}`)) >= tasks, name);
    }
  });

  it("A-27: a container that has used up its tasks is counted all the same, and restarted", async () => {
    const { id } = await estate.container("everything");
    const before = await startedAt(id);
    await holdProcesses(id, { count: 60, apart: 0, seconds: 120 });
    await monitored.told("TasksNearLimit", { container: "everything" });
    const fork = ["/usr/bin/perl", "-e", "exit(defined(fork) ? 0 : 3)"];
    await eventually(() => assert.rejects(run("docker", ["exec", id, ...fork]), { code: 3 }), 10_000);
    await restarted(id, before);
    const { annotations } = await monitored.told("GuardActed", { container: "everything", cause: "pids-full" });
    assert.equal(annotations["summary"], "the guard has restarted everything: pids-full");
    await answers();
    await monitored.told("GuardActed", { container: "everything", cause: "pids-full" }, "resolved");
    await monitored.told("TasksNearLimit", { container: "everything" }, "resolved");
  });

  it("a supervisor that was stopped (SIGSTOP) is seen, and its container restarted", async () => {
    const { id } = await estate.container("everything");
    const before = await startedAt(id);
    process.kill(await programOf(id), "SIGSTOP");
    await monitored.told("ProgramStopped", { container: "everything" });
    await restarted(id, before);
    await monitored.told("GuardActed", { container: "everything", cause: "stopped" });
    await answers();
    await monitored.told("ProgramStopped", { container: "everything" }, "resolved");
  });

  it("A-25: acts on an image without a shell, and tells that it is one too many", async () => {
    await noShellImage();
    const id = await sleeper(`--user=${uidOf(OWNER, "everything")}`, ...labels("everything"));
    await monitored.told("MCPProcessOverload", { container: "everything" });
    const before = await startedAt(id);
    process.kill((await docker.getContainer(id).inspect()).State.Pid, "SIGSTOP");
    await restarted(id, before);
    await docker.getContainer(id).remove({ force: true });
    made.splice(made.indexOf(id), 1);
    await monitored.told("MCPProcessOverload", { container: "everything" }, "resolved");
  });

  it("R-ALR-13: a container with the stack's labels that nobody declared", async () => {
    let id = "";
    await monitored.provoke(
      "OrphanContainer",
      { container: "gone" },
      async () => (id = await sleeper("--user=4242", ...labels("gone"))),
      () => estate.succeed("up", ["--yes"]),
    );
    await assert.rejects(docker.getContainer(id).inspect(), /no such container/i);
    made.splice(made.indexOf(id), 1);
  });

  it("R-ALR-13: an MCP server on the host, outside of every container", async () => {
    const folder = mkdtempSync(join(tmpdir(), "mcp-estate-host-"));
    const file = join(folder, "node_modules/@modelcontextprotocol/server-sequential-thinking/dist/index.js");
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, "setInterval(() => {}, 1000);");
    const child = spawn(process.execPath, [file], { stdio: "ignore" });
    await monitored.provoke(
      "HostProcess",
      { package: "@modelcontextprotocol/server-sequential-thinking" },
      () => sleep(0),
      () => Promise.resolve(child.kill()),
    );
    rmSync(folder, { recursive: true });
  });

  it("R-SEC-07: it cannot touch a container outside of the estate, nor a limit", async () => {
    const foreign = await sleeper();
    const before = await startedAt(foreign);
    const { id } = await estate.container("guard");
    const ask = async (path: string): Promise<string> => {
      const curl = ["/usr/bin/curl", "-s", "-X", "POST", "--unix-socket", "/run/control/control.sock"];
      return (await run("docker", ["exec", id, ...curl, `http://control${path}`])).stdout;
    };
    assert.match(await ask(`/containers/${foreign}/restart`), /is none of this stack/);
    assert.match(await ask(`/containers/${foreign}/kill`), /only GET \/containers and POST/);
    assert.match(await ask("/containers/create"), /only GET \/containers and POST/);
    assert.equal(await startedAt(foreign), before);
    const { HostConfig, Config } = await (await estate.container("guard")).inspect();
    assert.deepEqual(HostConfig.CapDrop, ["ALL"]);
    assert.ok(!JSON.stringify(HostConfig).includes("docker.sock"));
    assert.equal(Config.User, `${uidOf(OWNER, "guard")}:${uidOf(OWNER, "guard")}`);
    // The mounts themselves refuse, whoever asks.
    const mounts = readFileSync(`/proc/${await programOf(id)}/mountinfo`, "utf8").split("\n");
    const ofHost = mounts.map((line) => line.split(" ")).filter(([, , , , path = ""]) => path.startsWith("/host/"));
    assert.ok(ofHost.length >= 2, "the process table and the control groups");
    for (const [, , , , path, options = ""] of ofHost) assert.match(options, /^ro\b/, path);
  });

  it("R-MON-08: a guard that does not look, and one that Docker does not answer", async () => {
    const guard = await estate.container("guard");
    await monitored.provoke(
      "GuardSilent",
      {},
      () => guard.pause(),
      () => guard.unpause(),
    );
    const control = await estate.container("guard-control");
    await monitored.provoke(
      "GuardBlind",
      {},
      () => control.stop(),
      () => control.start(),
    );
  });

  it("R-LVL-03: where restarting does not help it says that it may not any more", async () => {
    estate.configure((config) => {
      (config["mcp-estate:monitoring"] as { guard: { maxRestarts: number } }).guard.maxRestarts = 1;
    });
    await estate.succeed("up", ["--yes"]);
    const { id } = await estate.container("everything");
    const before = await startedAt(id);
    process.kill(await programOf(id), "SIGSTOP");
    await restarted(id, before);
    await eventually(async () => assert.ok((await programOf(id)) > 0), 10_000);
    const again = await programOf(id);
    process.kill(again, "SIGSTOP");
    const { annotations } = await monitored.told("GuardPowerless", { container: "everything", cause: "stopped" });
    assert.match(annotations["summary"] ?? "", /may not or cannot restart everything/);
    process.kill(again, "SIGCONT");
    await answers();
    await monitored.told("GuardPowerless", { container: "everything", cause: "stopped" }, "resolved");
  });

  it("all of them end after the repair", () => monitored.allEnded());

  it("a second update has nothing to change", async () => {
    await eventually(() => estate.succeed("up", ["--yes", "--expect-no-changes"]), 60_000);
  });
});

function goneIsFine(error: { statusCode?: number }): void {
  if (error.statusCode !== 404) throw error as unknown as Error;
}

/** Of this machine's own `sleep`, with the libraries that it is linked with. */
async function noShellImage(): Promise<void> {
  const { stdout } = await run("ldd", ["/bin/sleep"]);
  const libraries = [...stdout.matchAll(/(\/\S+) \(/g)].map(([, path]) => path ?? "");
  await run("/bin/sh", [
    "-c",
    `tar --create --dereference --absolute-names ${["/bin/sleep", ...libraries].join(" ")} | docker import - mcp-estate-test-no-shell`,
  ]);
}
