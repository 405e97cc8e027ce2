import assert from "node:assert/strict";
import { appendFileSync, chmodSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { baseRecipe, imageTag } from "../../components/imageRecipe.ts";
import { hashToken } from "../../runtime/contract/index.ts";
import { readKernelLimits } from "../../components/providers/kernelLimits.ts";
import { Coverage } from "./coverage/coverage.ts";
import { declaredProperties } from "./coverage/declaredProperties.ts";
import { edgeEdits, makeEdits, serverEdits, type HandEdit } from "./coverage/handEdits.ts";
import {
  checkNetwork,
  declaredContracts,
  EDGE_CHECKS,
  lookAt,
  readContract,
  SERVER_CHECKS,
} from "./coverage/programChecks.ts";
import { CHANGED_SETTINGS, changeProgram, FOREIGN_DRIVER } from "./coverage/programEdits.ts";
import { assertNamed, lookForDrift, stackFacts } from "./coverage/world.ts";
import { OwnDocker } from "./ownDocker.ts";
import { ensureSharedImages } from "./sharedImages.ts";
import { TestEstate } from "./testEstate.ts";

const MIB = 1024 * 1024;
describe("What is declared is what runs, property by property", function () {
  this.timeout(600_000);
  const own = new OwnDocker("cov");
  const { docker } = own;
  const estate = new TestEstate("cov", {
    // Each property is changed to see it arrive, those too that policies do not let anybody change.
    config: { "mcp-estate:servers": { memory: {} }, "mcp-estate:policy": { enabled: false } },
    host: own,
  });
  const coverage = new Coverage();
  let untouched: unknown;

  before(async () => {
    await own.start();
    await estate.create();
    await own.copyImages(await ensureSharedImages());
    await estate.succeed("up", ["--yes"]);
    untouched = await stackFacts(estate, own);
  });
  after(async function () {
    try {
      await estate.dispose();
    } finally {
      await own.dispose();
    }
    const tests = this.test?.parent?.tests ?? [];
    if (tests.every(({ state }) => state === "passed")) await coverage.write(await declaredProperties());
  });

  /** Where the files of a container's secrets volume lie on this machine. */
  async function secretsOf(component: string): Promise<string> {
    const { Mounts } = await (await estate.container(component)).inspect();
    const name = Mounts.find(({ Destination }) => Destination === "/run/secrets")?.Name;
    return own.volumeFolder(name ?? "");
  }

  async function networkOf(component: string): Promise<string> {
    const found = (await estate.networks()).find(({ Labels }) => Labels?.["mcp-estate.component"] === component);
    return found?.Name ?? "";
  }

  /** Gives an image's tag to another image that carries its hash. */
  async function forge(tag: string): Promise<void> {
    const [repo, hash] = tag.split(":");
    const container = await docker.createContainer({ Image: imageTag(baseRecipe("node")), Cmd: ["true"] });
    await container.commit({ repo, tag: hash, changes: `LABEL mcp-estate.hash=${hash}` });
    await container.remove();
  }

  async function putRight(): Promise<void> {
    await estate.succeed("up", ["--yes"]);
    assert.deepEqual(await stackFacts(estate, own), untouched);
  }

  it("R-DRF-01: an untouched estate shows no drift, nor does one whose Docker was restarted", async () => {
    assert.deepEqual(await lookForDrift(estate), []);
    await estate.succeed("refresh", ["--yes", "--expect-no-changes"]);
    await own.edit({});
    assert.deepEqual(await lookForDrift(estate), []);
  });

  it("names limits, state, networks, name and files changed on running containers, and puts them right", async function () {
    const gateway = await estate.container("gateway");
    const memory = await estate.container("memory");
    await gateway.update({ Memory: 600 * MIB, MemorySwap: 700 * MIB, MemoryReservation: 65 * MIB, PidsLimit: 99 });
    await gateway.update({ RestartPolicy: { Name: "no" } });
    const secrets = await secretsOf("gateway");
    appendFileSync(join(secrets, "gateway-tokens.json"), "x");
    await gateway.pause();
    await memory.update({ NanoCpus: 5e8 });
    const contract = join(await secretsOf("memory"), "contract.json");
    appendFileSync(contract, " ");
    chmodSync(contract, 0o444);
    await memory.rename({ name: "somebody-elses" });
    const network = docker.getNetwork(await networkOf("memory"));
    await network.disconnect({ Container: memory.id });
    await network.connect({ Container: memory.id, EndpointConfig: { Aliases: ["impostor"] } });
    await docker.getNetwork("bridge").connect({ Container: memory.id });

    const rows = await lookForDrift(estate);
    const named: Array<[row: string, resource: string, property: string, found: RegExp]> = [
      ["container.memory", "container gateway", "memory", /^600$/],
      ["container.memorySwap", "container gateway", "memorySwap", /^700$/],
      ["container.memoryReservation", "container gateway", "memoryReservation", /^65$/],
      ["container.pids", "container gateway", "pids", /^99$/],
      ["container.restart", "container gateway", "restart", /^no$/],
      ["container.state", "container gateway", "state", /^paused$/],
      ["container.cpus", "container memory", "cpus", /^0\.5$/],
      ["container.name", "container memory", "name", /^somebody-elses$/],
      ["container.networksAdvanced.aliases", "container memory", "networks", / as impostor, memory/],
      ["container.networksAdvanced.name", "container memory", "networks", /bridge as /],
      ["secrets.files", "container gateway", "secret files", /gateway-tokens\.json differs/],
      ["secrets.gid", "container memory", "secret files", /contract\.json is 0:\d+ 0444/],
    ];
    for (const [row, ...what] of named) {
      assertNamed(rows, ...what);
      coverage.proved("drift", row, this.test?.title);
    }
    assertNamed(rows, "container memory", "secret files", /contract\.json differs/);
    for (const row of (await declaredProperties()).filter((each) => each.startsWith("contract."))) {
      coverage.proved("drift", row, this.test?.title);
    }

    await putRight();
    const { State } = await gateway.inspect();
    assert.equal(State.Status, "running", "what Docker can change was changed in place");
    assert.equal((await readKernelLimits(State.Pid)).pids, 64);
  });

  it("names all that takes a new container, edited while Docker was down, and replaces the containers", async function () {
    const [memory, edge] = [await estate.container("memory"), await estate.container("edge")];
    const base = await docker.getImage(imageTag(baseRecipe("node"))).inspect();
    const edits: Array<[resource: string, edits: HandEdit[]]> = [
      ["container memory", serverEdits(base.Id)],
      ["container edge", edgeEdits],
    ];
    await own.edit({
      [memory.id]: (files) => makeEdits(serverEdits(base.Id), files),
      [edge.id]: (files) => makeEdits(edgeEdits, files),
    });
    const rows = await lookForDrift(estate);
    for (const [resource, list] of edits) {
      for (const { row, property, found } of list) {
        assertNamed(rows, resource, property, found);
        coverage.proved("drift", row, this.test?.title);
      }
    }
    assert.ok(!JSON.stringify(rows).includes("hidden"), "a variable that somebody added may be a secret");
    await putRight();
  });

  it("names stopped and removed containers, networks, volumes and images, and brings them back", async function () {
    const [memory, gateway] = [await estate.container("memory"), await estate.container("gateway")];
    await gateway.stop();
    const { Image } = await gateway.inspect();
    await forge((await docker.getImage(Image).inspect()).RepoTags[0] ?? "");
    const memoryTag = (await docker.getImage((await memory.inspect()).Image).inspect()).RepoTags[0] ?? "";
    const name = await networkOf("memory");
    const secrets = (await estate.volumes()).find(({ Name }) => Name.includes("memory-secrets"))?.Name ?? "";
    await memory.remove({ force: true });
    await docker.getNetwork(name).disconnect({ Container: gateway.id, Force: true });
    await docker.getNetwork(name).remove();
    // Docker cannot change a network: whoever wants another makes it anew under the name.
    const theirs = await docker.createNetwork({
      Name: name,
      Internal: false,
      IPAM: { Driver: "default", Config: [{ Subnet: "10.212.254.0/24" }] },
    });
    await docker.getVolume("mcp-estate-cov-memory-data").remove();
    await docker.getVolume(secrets).remove();
    await docker.createVolume({ Name: secrets, Labels: { "mcp-estate.component": "somebody" } });
    await docker.getImage(memoryTag).remove({ force: true });

    const rows = await lookForDrift(estate);
    assertNamed(rows, "container gateway", "state", /^exited$/);
    assertNamed(rows, "container memory", "exists", /^removed$/);
    const named: Array<[row: string, resource: string, property: string, found: RegExp]> = [
      ["volume.name", "volume memory-data", "exists", /^removed$/],
      ["volume.labels", "volume memory-secrets", "labels", /somebody/],
      ["image.tag", "image memory", "exists", /^removed$/],
      ["image.content", "image gateway", "image", /^sha256:/],
      ["image.labels", "image gateway", "image", /^sha256:/],
      ...(await declaredProperties())
        .filter((row) => row.startsWith("network."))
        .map((row): [string, string, string, RegExp] => [row, "network memory", "exists", /^removed$/]),
    ];
    for (const [row, ...what] of named) {
      assertNamed(rows, ...what);
      coverage.proved("drift", row, this.test?.title);
    }
    await docker.getNetwork(theirs.id).remove();
    await putRight();
    assert.deepEqual(await lookForDrift(estate), []);
  });

  it("changes every property in the program, and what runs has it afterwards", async function () {
    const before = await lookAt(await estate.container("memory"));
    changeProgram(estate.folder);
    estate.configure((config) => Object.assign(config, CHANGED_SETTINGS));
    await estate.succeed("up", ["--yes"]);
    const proved = (row: string) => coverage.proved("declared", row, this.test?.title);

    const [memory, edge] = [await estate.container("memory"), await estate.container("edge")];
    for (const [container, checks] of [
      [memory, SERVER_CHECKS],
      [edge, EDGE_CHECKS],
    ] as const) {
      const look = await lookAt(container);
      for (const [row, check] of Object.entries(checks)) {
        await check(look);
        proved(row);
      }
    }
    assert.notEqual((await memory.inspect()).Config.User, before.info.Config.User);
    assert.match((await (await estate.container("notes")).inspect()).Name, /^\/mcp-estate-cov-notes-[0-9a-f]{7}$/);
    proved("container.name");

    checkNetwork((await estate.networks()).find(({ Name }) => Name.includes("-memory-")));
    for (const property of ["internal", "labels", "ipamConfigs.subnet", "ipamConfigs.gateway"]) {
      proved(`network.${property}`);
    }

    const volumes = await estate.volumes();
    assert.equal(volumes.find(({ Name }) => Name === "mcp-estate-cov-memory-graph")?.Labels["changed"], "yes");
    assert.equal(volumes.find(({ Name }) => Name.includes("memory-secrets"))?.Labels["changed"], "yes");
    assert.ok(
      volumes.some(({ Name }) => Name === "mcp-estate-cov-memory-data"),
      "no update removes data",
    );
    ["volume.name", "volume.labels"].forEach(proved);

    const image = await docker.getImage((await memory.inspect()).Image).inspect();
    assert.notEqual(image.Id, before.info.Image);
    assert.match(image.RepoTags[0] ?? "", /^mcp-estate\/memory:[0-9a-f]{12}$/);
    assert.equal(image.Config.Labels["image-changed"], "yes");
    ["container.image", "image.tag", "image.content", "image.labels"].forEach(proved);

    const token = await estate.token();
    const secrets = await secretsOf("gateway");
    assert.equal(token.length, 40);
    assert.ok(readFileSync(join(secrets, "changed-tokens.json"), "utf8").includes(hashToken(token)));
    proved("secrets.files");
    const group = Number((await (await estate.container("gateway")).inspect()).Config.User.split(":")[1]);
    assert.equal(statSync(join(secrets, "changed-tokens.json")).gid, group);
    proved("secrets.gid");

    const declared = await declaredContracts(estate);
    for (const component of ["edge", "gateway", "memory", "notes"]) {
      const contract = readContract(await secretsOf(component));
      assert.deepEqual(contract, declared[component]);
      Object.keys(contract).forEach((key) => proved(`contract.${key}`));
    }
    // What the program no longer has and nobody deletes.
    assert.deepEqual(
      (await lookForDrift(estate)).map(({ resource }) => resource),
      ["volume mcp-estate-cov-memory-data"],
    );
  });

  it("asks Docker for the declared network driver, and names the network that Docker refuses", async function () {
    changeProgram(estate.folder, FOREIGN_DRIVER);
    const { code, output } = await estate.command("up", ["--yes"]);
    assert.notEqual(code, 0);
    assert.match(output, /Network \(mcp-estate-cov-notes\):\s+error: .*swarm/);
    coverage.proved("declared", "network.driver", this.test?.title);
  });
});
