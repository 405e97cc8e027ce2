import assert from "node:assert/strict";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setSecret } from "../e2e/secretSetting.ts";
import { eventually } from "../e2e/testEstate.ts";
import { exampleConfig, SwarmEstate } from "./swarmEstate.ts";

const MIB = 1024 * 1024;
const ECHO = { server: "everything", tool: "echo", arguments: { message: "hello" } };
const SEARCH = { server: "ai-memory", tool: "search_nodes", arguments: { query: "nothing" } };

function goneIsFine(error: { statusCode?: number }): void {
  if (error.statusCode !== 404) throw error as unknown as Error;
}

describe("R-TGT-01, R-TGT-02: the Sophia estate on a swarm of three nodes", function () {
  this.timeout(600_000);
  const swarm = new SwarmEstate("swarm", { hosts: 3, managers: 3, config: exampleConfig("sophia") });
  const { estate, lab } = swarm;

  before(() => swarm.create());
  after(() => swarm.dispose());

  async function specOf(component: string) {
    return (await swarm.manager.getService(swarm.serviceName(component)).inspect()) as {
      ID: string;
      Version: { Index: number };
      UpdateStatus: { State: string; StartedAt: string; CompletedAt: string };
      Spec: {
        TaskTemplate: { Resources: { Limits: { Pids: number } }; ContainerSpec: { Image: string; Env?: string[] } };
        Mode: { Replicated: { Replicas: number } };
      };
    };
  }

  /** What preview says of something that was done by hand, and that the next update mends it. */
  async function seenAndMended(words: RegExp): Promise<void> {
    const { stdout } = await estate.succeed("preview");
    assert.match(stdout, words);
    await estate.succeed("up", ["--yes"]);
    await estate.succeed("up", ["--yes", "--expect-no-changes"]);
  }

  it("R-SLO-04: goes from the stack file to an answering estate in under ten minutes", async () => {
    const started = Date.now();
    await estate.succeed("up", ["--yes"]);
    const seconds = (Date.now() - started) / 1000;
    console.log(`      ${seconds.toFixed(0)} s, images built`);
    assert.ok(seconds < 600, `${seconds} s`);
    for (const host of lab.hosts)
      assert.equal((await swarm.execute("everything", "echo", { message: "x" }, host)).status, 200);
  });

  it("R-DRF-09: a second update and a refresh change nothing, and the functional suite passes", async () => {
    await estate.succeed("up", ["--yes", "--expect-no-changes"]);
    await estate.succeed("refresh", ["--yes", "--expect-no-changes"]);
    const { stdout } = await estate.succeed("smoke");
    for (const check of ["answers", "limits", "secrets", "closed"])
      assert.match(stdout, new RegExp(`passed +${check} +ai-memory`));
    assert.match(stdout, /100 %/);
  });

  it("R-LIM-06, R-LIM-14: each node's kernel enforces what is declared, of every task", async () => {
    const declared = {
      "ai-memory": { tasks: 1, pids: 32, memoryMiB: 256, cpus: 1, nproc: 100 },
      everything: { tasks: 1, pids: 32, memoryMiB: 256, cpus: 1, nproc: 100 },
      gateway: { tasks: 3, pids: 64, memoryMiB: 4096, cpus: 2, nproc: 128 },
      edge: { tasks: 3, pids: 32, memoryMiB: 256, cpus: 1, nproc: 100 },
    };
    for (const [component, { tasks: count, pids, memoryMiB, cpus, nproc }] of Object.entries(declared)) {
      const tasks = await swarm.tasks(component);
      assert.equal(tasks.length, count, component);
      for (const { kernel } of tasks) {
        const { pids: actual, memoryBytes, cpus: cores, nproc: processes } = kernel;
        assert.deepEqual(
          { pids: actual, memoryBytes, cpus: cores, nproc: processes },
          { pids, memoryBytes: memoryMiB * MIB, cpus, nproc },
          component,
        );
      }
    }
    assert.deepEqual([...new Set((await swarm.tasks("gateway")).map(({ host }) => host.name))].length, 3);
    assert.deepEqual(
      (await swarm.tasks("ai-memory")).map(({ host }) => host.name),
      ["lab-2"],
    );
  });

  it("A-22: a fork loop in a task stops at its limit, and the others answer", async () => {
    for (const { host, containerId, kernel } of await swarm.tasks("everything")) {
      const script = "for i in $(seq 200); do sleep 20 & done 2>/dev/null; sleep 1";
      const exec = await host.docker.getContainer(containerId).exec({ Cmd: ["/bin/sh", "-c", script] });
      await exec.start({ Detach: true });
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const { pids_stats: stats } = await host.docker.getContainer(containerId).stats({ stream: false });
      assert.ok((stats?.current ?? Infinity) <= (kernel.pids ?? 0), `${String(stats?.current)} tasks`);
      assert.equal((await swarm.execute("ai-memory", "read_graph", {})).status, 200);
    }
    await new Promise((resolve) => setTimeout(resolve, 20_000));
  });

  it("R-DEP-02: another program, under 50 calls/s: one rolling update, and no call is lost", async () => {
    const before = await specOf("everything");
    appendFileSync(join(estate.folder, "runtime/supervisor/main.ts"), "// another\n");
    appendFileSync(join(estate.folder, "runtime/gateway/main.ts"), "// another\n");
    const { report } = await swarm.underLoad(() => estate.succeed("up", ["--yes"]), { calls: [ECHO, SEARCH] });
    assert.deepEqual(report.lost, []);
    assert.notEqual((await specOf("everything")).Version.Index, before.Version.Index);
  });

  it("R-SEC-09: another secret reaches the tasks without a lost call, and the old one is gone", async () => {
    const setting = "mcp-estate:servers.everything.secretEnv.TOKEN_OF_A_TEST";
    await setSecret(estate, setting, "first-value-of-a-test");
    await estate.succeed("up", ["--yes"]);
    const secretsBefore = (await swarm.manager.listSecrets()).map(({ ID }) => ID);
    await setSecret(estate, setting, "second-value-of-a-test");
    const { report } = await swarm.underLoad(() => estate.succeed("up", ["--yes"]), { calls: [ECHO, SEARCH] });
    assert.deepEqual(report.lost, []);
    const secretsAfter = (await swarm.manager.listSecrets()).map(({ ID }) => ID);
    assert.equal(secretsAfter.filter((id) => !secretsBefore.includes(id)).length, 1);
    assert.equal(secretsBefore.filter((id) => !secretsAfter.includes(id)).length, 1);
    const state = await estate.stateText();
    for (const value of ["first-value-of-a-test", "second-value-of-a-test"]) {
      assert.ok(!state.includes(value) && !state.includes(Buffer.from(value).toString("base64")), value);
    }
    await swarm.everything({});
    await estate.succeed("up", ["--yes"]);
  });

  it("A-33: a server that answers nothing goes back within two minutes, in the tasks' own words, and loses no call", async () => {
    await swarm.everything({ env: { NODE_OPTIONS: "--require /nowhere" } });
    try {
      const started = Date.now();
      const { result, report } = await swarm.underLoad(() => estate.command("up", ["--yes"]), {
        calls: [ECHO, SEARCH],
      });
      const seconds = (Date.now() - started) / 1000;
      console.log(
        result.output.slice(result.output.indexOf("Diagnostics:"), result.output.indexOf("Resources:")),
        seconds,
      );
      assert.notEqual(result.code, 0);
      assert.match(result.output, /everything: .*\n +task .* on lab-\d /);
      assert.match(result.output, /runs again/);
      assert.deepEqual(report.lost, []);
      assert.ok(seconds < 120, `${seconds} s`);
    } finally {
      await swarm.everything({});
    }
    await estate.succeed("up", ["--yes", "--expect-no-changes"]);
  });

  it("A-33: an image that does not start goes back within two minutes, in the tasks' own words, and loses no call", async () => {
    const file = join(estate.folder, "runtime/supervisor/main.ts");
    const program = readFileSync(file, "utf8");
    writeFileSync(file, `throw new Error("broken on purpose");\n${program}`);
    try {
      const { result, report } = await swarm.underLoad(() => estate.command("up", ["--yes"]), {
        calls: [ECHO, SEARCH],
      });
      assert.notEqual(result.code, 0);
      assert.match(result.output, /everything: Docker went back to the tasks before\n +task .* on lab-\d .*exit \(1\)/);
      assert.deepEqual(report.lost, []);
      const { StartedAt, CompletedAt, State } = (await specOf("everything")).UpdateStatus;
      assert.equal(State, "rollback_completed");
      const seconds = (Date.parse(CompletedAt) - Date.parse(StartedAt)) / 1000;
      console.log(`      back after ${seconds.toFixed(0)} s`);
      assert.ok(seconds < 120, `${seconds} s`);
    } finally {
      writeFileSync(file, program);
    }
    await estate.succeed("up", ["--yes"]);
    await estate.succeed("up", ["--yes", "--expect-no-changes"]);
  });

  it("R-DRF-01: replicas by hand are seen and mended", async () => {
    await lab
      .host(1)
      .on("docker", "-H", lab.host(1).dockerHost, "service", "scale", "--detach", `${swarm.serviceName("gateway")}=1`);
    await eventually(async () => assert.equal((await swarm.tasks("gateway")).length, 1), 60_000);
    await seenAndMended(/gateway +replicas +3 +1/);
    assert.equal((await swarm.tasks("gateway")).length, 3);
  });

  it("R-LIM-09: a limit by hand, of the service and of one container, is seen and mended", async () => {
    const name = swarm.serviceName("everything");
    await lab
      .host(1)
      .on(
        "docker",
        "-H",
        lab.host(1).dockerHost,
        "service",
        "update",
        "--detach",
        "--limit-pids",
        "99",
        "--env-add",
        "BY_HAND=1",
        name,
      );
    await eventually(async () => assert.equal((await swarm.tasks("everything"))[0]?.kernel.pids, 99), 60_000);
    await seenAndMended(/everything +pids +32 +99/);
    assert.equal((await swarm.tasks("everything"))[0]?.kernel.pids, 32);
    assert.deepEqual((await specOf("everything")).Spec.TaskTemplate.ContainerSpec.Env ?? [], []);
    const [task] = await swarm.tasks("everything");
    assert.ok(task);
    await task.host.docker.getContainer(task.containerId).update({ PidsLimit: 77 });
    await seenAndMended(/everything +limits on lab-\d +.*77/);
    assert.equal((await swarm.tasks("everything"))[0]?.kernel.pids, 32);
  });

  it("R-DRF-10: a service, its secrets and its config that were removed by hand come back", async () => {
    await setSecret(estate, "mcp-estate:servers.everything.secretEnv.TOKEN_OF_A_TEST", "a-value-of-a-test");
    await estate.succeed("up", ["--yes"]);
    await swarm.manager.getService(swarm.serviceName("everything")).remove();
    const isOf = ({ Spec }: { Spec?: { Name?: string } }) =>
      Spec?.Name?.startsWith(`${swarm.serviceName("everything")}-`);
    const secrets = (await swarm.manager.listSecrets()).filter(isOf);
    const configs = (await swarm.manager.listConfigs()).filter(isOf);
    assert.ok(secrets.length > 0 && configs.length === 1);
    // Docker keeps what a task still uses.
    await eventually(async () => {
      for (const { ID } of secrets) await swarm.manager.getSecret(ID).remove().catch(goneIsFine);
      for (const { ID } of configs) await swarm.manager.getConfig(ID).remove().catch(goneIsFine);
    }, 30_000);
    await seenAndMended(/everything +exists +yes +removed/);
    assert.equal((await swarm.execute("everything", "echo", { message: "x" })).status, 200);
    await swarm.manager.getService(swarm.serviceName("gateway")).remove();
    await seenAndMended(/gateway +exists +yes +removed/);
    assert.equal((await swarm.execute("everything", "echo", { message: "x" })).status, 200);
    await swarm.everything({});
    await estate.succeed("up", ["--yes"]);
  });

  it("R-TGT-03: a preference holds while there is such a node, and is none when there is not", async () => {
    await swarm.node("lab-3", { labels: { type: "gpu" } });
    await swarm.everything({ placement: { preferences: ["node.labels.type==gpu"] } });
    await estate.succeed("up", ["--yes"]);
    assert.deepEqual(
      (await swarm.tasks("everything")).map(({ host }) => host.name),
      ["lab-3"],
    );
    await swarm.node("lab-3", {});
    await estate.succeed("up", ["--yes"]);
    await estate.succeed("up", ["--yes", "--expect-no-changes"]);
    assert.equal((await swarm.execute("everything", "echo", { message: "x" })).status, 200);
    await swarm.everything({});
    await estate.succeed("up", ["--yes"]);
  });

  it("R-TGT-04, R-TGT-07: what no node satisfies and what a swarm lacks is refused at preview, by name", async () => {
    await swarm.everything({ placement: { constraints: ["node.labels.type==tpu"] } });
    try {
      const placed = await estate.command("preview");
      assert.notEqual(placed.code, 0);
      assert.match(placed.output, /no node satisfies node\.labels\.type==tpu; there are lab-1 \(manager\)/);
      await swarm.everything({ egress: ["example.org:443"] });
      const lacking = await estate.command("preview");
      assert.match(lacking.output, /mcp-estate:servers\.everything\.egress: given; target swarm has no way out/);
    } finally {
      await swarm.everything({});
    }
  });

  it("a manager that is killed changes nothing for callers of the other nodes, and its tasks come back elsewhere", async () => {
    const victim = lab.host(3);
    const others = lab.hosts.filter((host) => host !== victim);
    const { report } = await swarm.underLoad(
      async () => {
        const { seenMs, backMs } = await swarm.lose(victim);
        console.log(`      seen after ${seenMs} ms, back ${backMs} ms later`);
      },
      { hosts: others, calls: [SEARCH] },
    );
    assert.deepEqual(report.lost, []);
    const { output } = await estate.command("preview");
    assert.match(output, /node lab-3 is down and takes no task/);
    await victim.join();
    await lab.startDocker(victim);
    await lab.startSsh(victim);
    await eventually(async () => assert.equal((await swarm.tasks("edge")).length, 3), 90_000);
    await estate.succeed("up", ["--yes"]);
    await estate.succeed("smoke");
  });

  it("a node that was drained takes no task; the preview names it, and it is there again afterwards", async () => {
    const host = lab.host(3);
    const nodes = async (availability: string) =>
      lab
        .host(1)
        .on("docker", "-H", lab.host(1).dockerHost, "node", "update", "--availability", availability, host.name);
    await nodes("drain");
    await eventually(async () => assert.ok((await swarm.tasks("edge")).every((task) => task.host !== host)), 60_000);
    const { code, output } = await estate.command("preview");
    assert.notEqual(code, 0);
    assert.match(output, /node lab-3 is drained and takes no task/);
    await nodes("active");
    await eventually(async () => assert.equal((await swarm.tasks("edge")).length, 3), 60_000);
    await estate.succeed("up", ["--yes"]);
    await estate.succeed("smoke");
  });

  it("an image that one node lacks is brought back to it", async () => {
    const host = lab.host(3);
    // Of earlier programs there are others, which nobody misses.
    const { Image } = (await specOf("ai-memory")).Spec.TaskTemplate.ContainerSpec;
    await host.docker.getImage(Image).remove({ force: true });
    await seenAndMended(/ai-memory +missing on +– +lab-3/);
    assert.equal((await host.docker.getImage(Image).inspect()).Id, Image);
  });

  it("down leaves nothing on any node but images and data", async () => {
    await estate.succeed("down", ["--yes"]);
    for (const { name, docker } of lab.hosts) {
      assert.deepEqual(
        (await docker.listContainers({ all: true })).map(({ Names }) => Names),
        [],
        name,
      );
      const networks = (await docker.listNetworks())
        .map(({ Name }) => Name)
        .filter((each) => each.startsWith("mcp-estate"));
      assert.deepEqual(networks, [], name);
    }
    assert.deepEqual(await swarm.manager.listServices(), []);
    assert.deepEqual(await swarm.manager.listSecrets(), []);
    assert.deepEqual(await swarm.manager.listConfigs(), []);
    const volumes = (await lab.host(2).docker.listVolumes()).Volumes.map(({ Name }) => Name);
    assert.ok(volumes.includes("mcp-estate-swarm-ai-memory-data"), volumes.join());
  });
});
