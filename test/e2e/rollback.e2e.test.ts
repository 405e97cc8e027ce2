import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { killUpdate, processesOf } from "./engineKill.ts";
import { lastVersion, versions } from "./history.ts";
import { Repository } from "./repository.ts";
import { seededRandom } from "./seed.ts";
import { TestEstate } from "./testEstate.ts";

const run = promisify(execFile);
/** Lines that a rollback of three servers writes. */
const USUAL_LINES = 150;

interface Recorded {
  number: number;
  servers: string[];
  images: Record<string, string>;
  tools: Record<string, string[]>;
  memoryBytes: number | undefined;
}

describe("Back through five versions, end to end", function () {
  this.timeout(600_000);
  const estate = new TestEstate("roll", {
    config: { "mcp-estate:servers": { memory: {}, everything: {} }, "mcp-estate:gate": { timeoutSeconds: 20 } },
  });
  const servers = (change: (servers: Record<string, unknown>) => void): void =>
    estate.configure((config) => change(config["mcp-estate:servers"] as Record<string, unknown>));
  const recorded: Recorded[] = [];
  let repository: Repository;

  before(async () => {
    await estate.create();
    repository = await Repository.of(estate);
    await estate.succeed("up", ["--yes"]);
  });
  after(() => estate.dispose());

  const imageCount = async (): Promise<number> => (await estate.images()).length;

  async function memoryLimit(component: string): Promise<number | undefined> {
    return (await (await estate.container(component)).inspect()).HostConfig.Memory;
  }

  async function record(): Promise<void> {
    const version = await lastVersion(estate);
    assert.ok(version?.release, "an update leaves its record");
    const { images, smoke } = version.release;
    recorded.push({
      number: version.number,
      servers: Object.keys(smoke.tools).sort(),
      images: Object.fromEntries(Object.entries(images).map(([name, { id }]) => [name, id])),
      tools: smoke.tools,
      memoryBytes: await memoryLimit("memory"),
    });
    await estate.execute("memory", "create_entities", {
      entities: [{ name: `written-${recorded.length}`, entityType: "test", observations: [] }],
    });
  }

  async function assertRuns(version: Recorded | undefined): Promise<void> {
    assert.ok(version);
    assert.equal(await memoryLimit("memory"), version.memoryBytes);
    const found = await estate.servers();
    assert.deepEqual(found.map(({ name }) => name).sort(), version.servers);
    for (const { name, state, tools } of found) {
      assert.equal(state, "healthy");
      assert.deepEqual(tools.toSorted(), version.tools[name]);
      assert.equal((await (await estate.container(name)).inspect()).Image, version.images[name]);
    }
    const { body } = await estate.execute("memory", "read_graph", {});
    for (let i = 1; i <= recorded.length; i++) assert.match(JSON.stringify(body), new RegExp(`written-${i}\\b`));
  }

  it("records limits, a server more, another program, a server less", async () => {
    await record();
    servers((all) => (all["memory"] = { limits: { memoryMiB: 320 } }));
    await estate.succeed("up", ["--yes"]);
    await record();
    servers((all) => (all["sequential-thinking"] = {}));
    await estate.succeed("up", ["--yes"]);
    await record();
    await repository.changeProgram();
    await estate.succeed("up", ["--yes"]);
    await record();
    servers((all) => delete all["everything"]);
    await estate.succeed("up", ["--yes"]);
    await record();
    assert.notEqual(recorded[3]?.images["memory"], recorded[2]?.images["memory"]);
    const { stdout } = await estate.succeed("history");
    console.log(stdout);
    assert.match(stdout, /servers\.memory\.limits/);
    assert.match(stdout, /servers\.sequential-thinking, image sequential-thinking/);
    assert.match(stdout, /program, image everything/);
  });

  for (const [from, to] of [
    [5, 1],
    [1, 4],
    [4, 2],
    [2, 5],
    [5, 3],
  ] as const) {
    it(`R-DEP-05, R-DEP-06: back from version ${from} to ${to}: as recorded, nothing built, data kept`, async () => {
      const images = await imageCount();
      const started = Date.now();
      await estate.succeed("rollback", [String(recorded[to - 1]?.number)]);
      console.log(`      ${((Date.now() - started) / 1000).toFixed(1)} s`);
      assert.equal(await imageCount(), images);
      await assertRuns(recorded[to - 1]);
      assert.match(
        (await lastVersion(estate))?.message ?? "",
        new RegExp(`^rollback to version ${recorded[to - 1]?.number}`),
      );
      assert.equal(
        await repository.git("worktree", "list", "--porcelain").then((text) => text.match(/^worktree /gm)?.length),
        1,
      );
    });
  }

  it("a rollback of a rollback: without a version, to what ran before it", async () => {
    await estate.succeed("rollback");
    await assertRuns(recorded[4]);
  });

  it("--dry-run says what would change, and changes nothing", async () => {
    const before = (await versions(estate)).length;
    const { stdout } = await estate.succeed("rollback", [String(recorded[0]?.number), "--dry-run"]);
    assert.match(stdout, /create +container everything/);
    assert.match(stdout, /delete +container sequential-thinking/);
    assert.equal((await versions(estate)).length, before);
    await assertRuns(recorded[4]);
  });

  const random = seededRandom();
  for (const [victim, index] of [
    ["engine", 3],
    ["command", 4],
    ["engine", 3],
  ] as const) {
    it(`SIGKILL of the ${victim} during a rollback to version ${index + 1}: the next rollback ends there`, async () => {
      const version = recorded[index];
      const back = String(recorded[7 - index]?.number);
      const command = ["rollback", String(version?.number)];
      const words = await killUpdate(
        estate,
        victim,
        USUAL_LINES,
        random,
        () => estate.succeed("rollback", [back]),
        command,
      );
      console.log(`      seed ${random.seed}: ${words}`);
      await estate.succeed("rollback", command.slice(1));
      assert.deepEqual(processesOf(estate), []);
      await assertRuns(version);
      await estate.succeed("smoke");
    });
  }

  it("images that are gone are built again from the recorded inputs, under the same content hash", async () => {
    const target = recorded[0];
    const tags = (await versions(estate)).find(({ number }) => number === target?.number)?.release?.images;
    const gone = tags?.["everything"]?.tag ?? "";
    await run("docker", ["rmi", "--force", gone]);
    await estate.succeed("rollback", [String(target?.number)]);
    const { stdout } = await run("docker", ["images", "--quiet", gone]);
    assert.notEqual(stdout.trim(), "");
    const everything = await (await estate.container("everything")).inspect();
    assert.equal(everything.Config.Labels["mcp-estate.component"], "everything");
  });
});
