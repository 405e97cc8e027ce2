import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { asText } from "../../offline/plugins/values.ts";
import { IMAGE, Project, docker, ensureImage, missing } from "./support.ts";

const HEAD = `
import * as docker from "@pulumi/docker";
import * as random from "@pulumi/random";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
const image = "${IMAGE}";
const command_ = ["sleep", "100000"];
`;

describe("containers under the stand-ins, from create to import", function () {
  this.timeout(60_000);
  let project: Project;

  before(async () => {
    assert.equal(await missing(), undefined);
    await ensureImage();
    project = await Project.create("lifecycle", HEAD);
  });

  after(() => project?.dispose());

  it("leaves a container that is not to be started alone, whatever is done to it out of band", async () => {
    await project.writeProgram(`${HEAD}
      const nets = [1, 2, 3].map((n) => new docker.Network("net" + n, { internal: true, ipamConfigs: [{ subnet: "172.29." + (90 + n) + ".0/29" }], options: { "com.docker.network.bridge.inhibit_ipv4": "true" } }));
      new docker.Container("held", { image, command: command_, memory: 64, memorySwap: 64, start: false, mustRun: false,
        networksAdvanced: nets.map((net, n) => ({ name: net.name, aliases: ["held" + n] })) });
      new command.local.Command("cmd", { create: "echo -n one; cat", update: "echo $PULUMI_COMMAND_STDOUT $SECRET", stdin: " two",
        environment: { SECRET: pulumi.secret("hidden-in-environment") }, logging: "none" });
    `);
    await project.must("up", "--yes", "--skip-preview");
    const held = docker.getContainer((await project.resource("held")).id);
    const created = await held.inspect();
    assert.equal(created.State.Status, "created");
    assert.deepEqual(Object.keys(created.NetworkSettings.Networks).length, 3);
    await held.update({ PidsLimit: 25 });
    await project.must("preview", "--refresh", "--expect-no-changes");
    await held.start();
    assert.equal((await held.inspect()).HostConfig.PidsLimit, 25);
    await project.must("preview", "--refresh", "--expect-no-changes");
    await held.stop({ t: 0 });
    await project.must("refresh", "--yes", "--skip-preview", "--expect-no-changes");
    const { outputs } = await project.resource("held");
    assert.equal(outputs["exitCode"], 137);
  });

  it("hides a command's secrets and what they may have been printed to", async () => {
    const { inputs, outputs } = await project.resource("cmd");
    assert.doesNotMatch(JSON.stringify([inputs, outputs]), /hidden-in-environment/);
    assert.match(JSON.stringify(outputs["stdout"]), /ciphertext/);
  });

  it("keeps a container that does not become healthy, and replaces it next time", async () => {
    const program = (test: string) => `${HEAD}
      new docker.Container("sick", { image, command: command_, wait: true, waitTimeout: 3, destroyGraceSeconds: 1,
        healthcheck: { tests: ["CMD", "${test}"], interval: "1s", timeout: "1s", retries: 1, startPeriod: "0s" } });`;
    await project.writeProgram(program("false"));
    const { code, text } = await project.pulumi("up", "--yes", "--skip-preview");
    assert.notEqual(code, 0);
    assert.match(text, /container failed to be in healthy state/);
    const sick = await project.resource("sick");
    assert.equal(sick.initErrors?.length, 1);
    assert.equal((await docker.getContainer(sick.id).inspect()).State.Running, true);
    assert.deepEqual((await project.previewSteps())["sick"], {
      op: "replace",
      detailed: ["entrypoints", "networkDatas"],
    });
    await project.writeProgram(program("true"));
    await project.must("up", "--yes", "--skip-preview");
    const well = await project.resource("sick");
    assert.equal(well.initErrors, undefined);
    assert.notEqual(well.id, sick.id);
    await assert.rejects(docker.getContainer(sick.id).inspect(), /No such container/);
  });

  it("waits for the end of a container that it attaches to, and keeps what that wrote", async () => {
    await project.writeProgram(`${HEAD}
      new docker.Container("task", { image, command: ["sh", "-c", "cat /etc/in; echo err >&2"], attach: true, logs: true, mustRun: false,
        uploads: [{ file: "/etc/in", content: "in\\n", permissions: "0600" }] });`);
    await project.must("up", "--yes", "--skip-preview");
    const { outputs } = await project.resource("task");
    // Docker does not promise the order between stdout and stderr.
    assert.deepEqual(asText(outputs["containerLogs"]).trim().split("\n").sort(), ["err", "in"]);
    assert.equal(outputs["exitCode"], 0);
    await project.must("preview", "--expect-no-changes", "--refresh");
  });

  it("changes limits in place, and lies about a health check as the official plugin does until the next refresh", async () => {
    const program = (memory: number, retries: number) => `${HEAD}
      new docker.Container("job", { image, command: command_, memory: ${memory}, memorySwap: ${memory}, envs: ["A=1"],
        healthcheck: { tests: ["CMD", "true"], interval: "30s", timeout: "1s", retries: ${retries}, startPeriod: "0s" } });`;
    await project.writeProgram(program(64, 3));
    await project.must("up", "--yes", "--skip-preview");
    const before = await project.resource("job");
    await project.writeProgram(program(96, 5));
    await project.must("up", "--yes", "--skip-preview");
    const found = await docker.getContainer(before.id).inspect();
    assert.equal(found.HostConfig.Memory, 96 * 1024 * 1024);
    assert.equal(found.Config.Healthcheck?.Retries, 3);
    await project.must("preview", "--expect-no-changes");
    assert.deepEqual((await project.previewSteps("--refresh"))["job"], {
      op: "update",
      detailed: ["healthcheck.retries"],
    });
  });

  it("imports networks, volumes, containers and random values by id", async () => {
    const network = await docker.createNetwork({
      Name: "off-import-net",
      Internal: true,
      IPAM: { Driver: "default", Config: [{ Subnet: "172.29.96.0/28" }] },
    });
    await docker.createVolume({ Name: "off-import-vol", Labels: { a: "1" } });
    const made = await docker.createContainer({
      name: "off-import-ctr",
      Image: IMAGE,
      Cmd: ["sleep", "1000"],
      HostConfig: { Memory: 67108864, MemorySwap: 67108864 },
    });
    await made.start();
    try {
      await project.writeProgram(`${HEAD}
        new docker.Network("net", { name: "off-import-net", internal: true, ipamConfigs: [{ subnet: "172.29.96.0/28" }] }, { import: "${network.id}" });
        new docker.Volume("vol", { name: "off-import-vol", labels: [{ label: "a", value: "1" }] }, { import: "off-import-vol" });
        new docker.Container("ctr", { name: "off-import-ctr", image, command: ["sleep", "1000"], memory: 64, memorySwap: 64 }, { import: "${made.id}" });
        new random.RandomId("id", { byteLength: 4 }, { import: "fftU5w" });
        new random.RandomPassword("pw", { length: 12 }, { import: "imported-pw1" });
      `);
      await project.must("up", "--yes", "--skip-preview");
      assert.equal((await project.resource("id")).outputs["hex"], "7dfb54e7");
      // The engine itself notes the import id beside the resource, in clear; what the plugin answers is secret.
      assert.doesNotMatch(JSON.stringify((await project.resource("pw")).outputs), /imported-pw1/);
      await project.must("preview", "--refresh", "--expect-no-changes");
    } finally {
      await made.remove({ force: true }).catch(() => undefined);
      await network.remove().catch(() => undefined);
    }
    // What has gone by other hands is no error when it is to go.
    await project.must("destroy", "--yes", "--skip-preview");
    await assert.rejects(docker.getVolume("off-import-vol").inspect());
  });

  it("names the host when Docker does not answer, and the setting when the host is none", async () => {
    const program = (host: string) => `${HEAD}
      const provider = new docker.Provider("elsewhere", { host: "${host}" });
      new docker.Volume("vol", {}, { provider });`;
    await project.writeProgram(program("tcp://127.0.0.1:18099"));
    const refused = await project.pulumi("up", "--yes", "--skip-preview");
    assert.match(refused.text, /Docker is not reachable at tcp:\/\/127\.0\.0\.1:18099 \(nothing listens there\)/);
    await project.writeProgram(program("127.0.0.1"));
    const wrong = await project.pulumi("preview");
    assert.match(wrong.text, /host is "127\.0\.0\.1": give unix:\/\/\/path, tcp:\/\/host:port/);
  });

  it("refuses at preview, by name, what it does not offer", async () => {
    await project.writeProgram(`${HEAD}
      new docker.Container("bad", { image, memory: 64, memorySwap: 32, restart: "sometimes", uploads: [{ file: "/x", content: "y", owner: "1" }] });`);
    const { code, text } = await project.pulumi("preview");
    assert.notEqual(code, 0);
    assert.match(text, /memorySwap is 32 MiB: it counts memory plus swap: give at least memory, which is 64/);
    assert.match(text, /restart is "sometimes": give one of no, on-failure, always, unless-stopped/);
    assert.match(text, /uploads\[0\]\.owner is "1", but the plugin has no such input/);
  });

  it("serves dynamic resources in the program's folder", async () => {
    await writeFile(path.join(project.folder, "greeting.txt"), "from the program's folder");
    await project.writeProgram(`${HEAD}
      const provider: pulumi.dynamic.ResourceProvider = {
        async create() { const fs = await import("node:fs"); return { id: "1", outs: { text: fs.readFileSync("greeting.txt", "utf8") } }; },
      };
      class Greeting extends pulumi.dynamic.Resource { declare readonly text: pulumi.Output<string>;
        constructor(name: string) { super(provider, name, { text: undefined }); } }
      export const text = new Greeting("greeting").text;`);
    await project.must("up", "--yes", "--skip-preview");
    const { stdout } = await project.pulumi("stack", "output", "text");
    assert.equal(stdout.trim(), "from the program's folder");
  });
});
