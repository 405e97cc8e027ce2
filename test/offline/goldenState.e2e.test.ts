import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { asText } from "../../offline/plugins/values.ts";
import { comparable, recordedProgram, recordedResource } from "./golden.ts";
import { IMAGE, Project, docker, ensureImage, missing } from "./support.ts";

/** Addresses of this test's own, so that it can run beside others. */
const SUBNET = "172.29.88";
const PORT = 18088;

/** The recorded program with its built image replaced by one that is there, and those addresses. */
function program(): string {
  return recordedProgram()
    .replace(/const built = .*;/, `const built = { imageId: "${IMAGE}" };`)
    .replaceAll("172.29.0", SUBNET)
    .replaceAll("18080", String(PORT));
}

/** What differs from one deployment to the next, and why. Nothing else is left out of the comparison. */
const EXCLUDED: Readonly<Record<string, string>> = {
  image: "the recording built its image, this one is imported",
  name: "made anew: <name>-<7 hex>",
  volumeName: "name of the volume",
  networkName: "name of the network",
  id: "made by Docker or at random",
  hostname: "of a container that declares none: its id",
  mountpoint: "ends with the volume's name",
  subnet: "own addresses",
  gateway: "own addresses",
  ipAddress: "own addresses",
  macAddress: "made from the address",
  external: "own port",
  triggers: "id of the container",
  ciphertext: "encrypted anew; compared by length",
  b64Std: "random",
  b64Url: "random",
  dec: "random",
  hex: "random",
  result: "random, where it is not a secret",
};

const PINNED_HOSTNAME = "web";

describe("the recorded program under the stand-ins, with the real engine and a real Docker", function () {
  this.timeout(60_000);
  let project: Project;

  before(async () => {
    assert.equal(await missing(), undefined);
    await ensureImage();
    project = await Project.create("golden", program());
    await project.must("up", "--yes", "--skip-preview");
  });

  after(() => project?.dispose());

  it("leaves the state that the official plugins leave, field by field", async () => {
    for (const name of ["data", "net", "cfg", "web", "id", "pw", "str", "cmd"]) {
      const actual = await project.resource(name);
      const recorded = recordedResource(name);
      assert.deepEqual(comparable(EXCLUDED, actual.inputs), comparable(EXCLUDED, recorded.inputs), `inputs of ${name}`);
      assert.deepEqual(
        comparable(EXCLUDED, actual.outputs),
        comparable(EXCLUDED, recorded.outputs),
        `outputs of ${name}`,
      );
      assert.deepEqual(actual.additionalSecretOutputs, recorded.additionalSecretOutputs, `secret outputs of ${name}`);
    }
    assert.equal((await project.resource("web")).outputs["hostname"], PINNED_HOSTNAME);
  });

  it("makes names and ids of the recorded forms", async () => {
    for (const name of ["data", "net", "cfg", "web"]) {
      assert.match(asText((await project.resource(name)).inputs["name"]), new RegExp(`^${name}-[0-9a-f]{7}$`));
    }
    assert.match((await project.resource("cmd")).id, /^cmd[0-9a-f]{8}$/);
    assert.equal((await project.resource("pw")).id, "none");
    const { id, outputs } = await project.resource("id");
    assert.equal(Buffer.from(id, "base64url").toString("hex"), outputs["hex"]);
    assert.equal(BigInt(`0x${asText(outputs["hex"])}`).toString(), outputs["dec"]);
  });

  it("keeps the password out of the state, the history and the backups", async () => {
    const { stdout } = await project.pulumi("stack", "output", "secretOut", "--show-secrets");
    const password = stdout.trim();
    assert.match(password, /^[A-Za-z0-9]{20}$/);
    const files = await readdir(path.join(project.folder, "state"), { recursive: true, withFileTypes: true });
    for (const file of files.filter((entry) => entry.isFile())) {
      const text = await readFile(path.join(file.parentPath, file.name), "utf8");
      assert.ok(!text.includes(password), `${file.name} has the password in clear`);
    }
  });

  it("runs what is declared", async () => {
    const { HostConfig: host, Config: config } = await docker
      .getContainer((await project.resource("web")).id)
      .inspect();
    assert.equal(host.Memory, 64 * 1024 * 1024);
    assert.equal(host.MemorySwap, 64 * 1024 * 1024);
    assert.equal(host.MemoryReservation, 32 * 1024 * 1024);
    assert.equal(host.NanoCpus, 500_000_000);
    assert.deepEqual(host.CapDrop, ["ALL"]);
    assert.equal(host.ReadonlyRootfs, true);
    assert.deepEqual(host.Ulimits, [
      { Name: "nproc", Soft: 100, Hard: 100 },
      { Name: "nofile", Soft: 1024, Hard: 2048 },
    ]);
    assert.equal(config.User, "1000:1000");
    assert.deepEqual(config.Healthcheck?.Interval, 5_000_000_000);
  });

  it("finds nothing to do on a second look, with and without a refresh", async () => {
    await project.must("preview", "--expect-no-changes", "--refresh");
    await project.must("refresh", "--yes", "--skip-preview", "--expect-no-changes");
    await project.must("up", "--yes", "--skip-preview", "--expect-no-changes");
  });

  it("prints no warning about where the plugins are", async () => {
    const text = await project.must("preview");
    assert.doesNotMatch(text, /\$PATH|warning/i);
  });

  it("sees what was changed by hand, and puts it back", async () => {
    const web = await project.resource("web");
    const cfg = await project.resource("cfg");
    const bridge = docker.getNetwork("bridge");
    await docker.getContainer(web.id).update({
      Memory: 96 * 1024 * 1024,
      MemorySwap: 96 * 1024 * 1024,
      NanoCpus: 700_000_000,
      RestartPolicy: { Name: "no" },
    });
    await bridge.connect({ Container: web.id });
    await docker.getContainer(cfg.id).stop({ t: 0 });
    const steps = await project.previewSteps("--refresh");
    assert.deepEqual(steps["cfg"], { op: "update", detailed: ["mustRun"] });
    assert.deepEqual(steps["web"]?.detailed.sort(), ["cpus", "memory", "memorySwap", "networksAdvanced", "restart"]);
    await docker.getContainer(cfg.id).remove({ force: true });
    await project.must("up", "--yes", "--skip-preview", "--refresh");
    await project.must("preview", "--expect-no-changes", "--refresh");
    assert.notEqual((await project.resource("cfg")).id, cfg.id);
  });
});
