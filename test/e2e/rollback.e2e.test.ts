import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { killUpdate, processesOf } from "./engineKill.ts";
import { Repository } from "./repository.ts";
import { seededRandom } from "./seed.ts";
import { docker, TestEstate } from "./testEstate.ts";

const run = promisify(execFile);
/** Lines that a rollback of three servers writes. */
const USUAL_LINES = 150;

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
    config: { "mcp-estate:servers": { memory: {}, everything: {} }, "mcp-estate:gate": { timeoutSeconds: 20 } },
  });
  const servers = (change: (servers: Record<string, unknown>) => void): void =>
    estate.configure((config) => change(config["mcp-estate:servers"] as Record<string, unknown>));

  let repository: Repository;
  const git = (...args: string[]): Promise<string> => repository.git(...args);

  async function history(): Promise<HistoryRow[]> {
    return JSON.parse((await estate.succeed("history", ["--json"])).stdout) as HistoryRow[];
  }

  const lastVersion = async (): Promise<HistoryRow | undefined> => (await history()).at(-1);

  async function memoryLimit(component: string): Promise<number | undefined> {
    return (await (await estate.container(component)).inspect()).HostConfig.Memory;
  }

  before(async () => {
    await estate.create();
    repository = await Repository.of(estate);
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

  it("R-NET-04: npm run smoke says what a server reaches that it should not", async () => {
    const [network] = (await estate.networks()).filter(({ Labels }) => Labels?.["mcp-estate.component"] === "memory");
    const intruder = { Container: (await estate.container("everything")).id };
    const networkOf = docker.getNetwork(network?.Id ?? "");
    await networkOf.connect(intruder);
    const { code, stdout } = await estate.command("smoke");
    await networkOf.disconnect(intruder);
    assert.equal(code, 2, stdout);
    assert.match(stdout, /FAILED +closed +everything +it reaches memory at 10\.216\./);
  });

  describe("five versions", () => {
    interface Recorded {
      number: number;
      servers: string[];
      images: Record<string, string>;
      tools: Record<string, string[]>;
      memoryBytes: number | undefined;
    }
    const recorded: Recorded[] = [];
    const imageCount = async (): Promise<number> => (await estate.images()).length;

    async function record(): Promise<void> {
      const version = await lastVersion();
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
          (await lastVersion())?.message ?? "",
          new RegExp(`^rollback to version ${recorded[to - 1]?.number}`),
        );
        assert.equal(
          await git("worktree", "list", "--porcelain").then((text) => text.match(/^worktree /gm)?.length),
          1,
        );
      });
    }

    it("a rollback of a rollback: without a version, to what ran before it", async () => {
      await estate.succeed("rollback");
      await assertRuns(recorded[4]);
    });

    it("--dry-run says what would change, and changes nothing", async () => {
      const before = (await history()).length;
      const { stdout } = await estate.succeed("rollback", [String(recorded[0]?.number), "--dry-run"]);
      assert.match(stdout, /create +container everything/);
      assert.match(stdout, /delete +container sequential-thinking/);
      assert.equal((await history()).length, before);
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
      const tags = (await history()).find(({ number }) => number === target?.number)?.release?.images;
      const gone = tags?.["everything"]?.tag ?? "";
      await run("docker", ["rmi", "--force", gone]);
      await estate.succeed("rollback", [String(target?.number)]);
      const { stdout } = await run("docker", ["images", "--quiet", gone]);
      assert.notEqual(stdout.trim(), "");
      const everything = await (await estate.container("everything")).inspect();
      assert.equal(everything.Config.Labels["mcp-estate.component"], "everything");
    });
  });

  describe("a failed update goes back by itself", () => {
    const answered = async (): Promise<void> => {
      const { status } = await estate.execute("memory", "read_graph", {});
      assert.equal(status, 200);
    };

    it("A-33: a server that starts and cannot answer", async () => {
      await estate.succeed("up", ["--yes"]);
      const good = await lastVersion();
      servers((all) => (all["memory"] = { env: { MEMORY_FILE_PATH: "/data" } }));
      const started = Date.now();
      const { code, stdout } = await estate.command("up", ["--yes"]);
      const seconds = (Date.now() - started) / 1000;
      console.log(stdout.slice(stdout.lastIndexOf("WHAT") - 10));
      assert.notEqual(code, 0);
      assert.match(stdout, /failed +\w+ .*smoke gate|failed +memory/);
      assert.match(stdout, new RegExp(`version ${good?.number} runs again`));
      assert.ok(seconds < 120, `${seconds} s`);
      await answered();
      const [failed, back] = (await history()).slice(-2);
      assert.equal(failed?.result, "failed");
      assert.equal(back?.message, `rollback to version ${good?.number}: version ${failed?.number} failed`);
      servers((all) => (all["memory"] = {}));
    });

    it("A-33: a program that breaks its image", async () => {
      const file = join(estate.folder, "runtime/supervisor/main.ts");
      const whole = readFileSync(file, "utf8");
      writeFileSync(file, `process.exit(7);\n${whole}`);
      const started = Date.now();
      const { code, stdout } = await estate.command("up", ["--yes"]);
      const seconds = (Date.now() - started) / 1000;
      writeFileSync(file, whole);
      assert.notEqual(code, 0);
      assert.match(stdout, /runs again/);
      assert.ok(seconds < 120, `${seconds} s`);
      await answered();
    });

    it("an update that fails before it has changed anything is left alone", async () => {
      const before = (await history()).length;
      servers((all) => (all["nobody-knows-it"] = {}));
      const { code, output } = await estate.command("up", ["--yes"]);
      servers((all) => delete all["nobody-knows-it"]);
      assert.notEqual(code, 0);
      assert.doesNotMatch(output, /going back/);
      assert.ok((await history()).length <= before + 1);
    });

    it("--no-rollback keeps what has failed, and rollback goes back from there", async () => {
      servers((all) => (all["memory"] = { env: { MEMORY_FILE_PATH: "/data" } }));
      const { code, output } = await estate.command("up", ["--yes", "--no-rollback"]);
      assert.notEqual(code, 0);
      assert.doesNotMatch(output, /going back/);
      assert.notEqual((await estate.execute("memory", "read_graph", {})).status, 200);
      servers((all) => (all["memory"] = {}));
      await estate.succeed("rollback");
      await answered();
    });
  });

  describe("refuses in one clear line, and changes nothing", () => {
    const folder = (): string => join(estate.folder, ".pulumi/history/mcp-estate/roll");
    const fileOf = (number: number, kind: "history" | "checkpoint"): string => {
      const stems = readdirSync(folder())
        .filter((name) => name.endsWith(".history.json"))
        .sort();
      return join(folder(), (stems[number - 1] ?? "").replace("history", kind));
    };

    async function refused(args: readonly string[], message: RegExp): Promise<void> {
      const before = (await history()).length;
      const { code, output } = await estate.command("rollback", args);
      assert.equal(code, 1, output);
      assert.match(output, message);
      assert.equal((await history()).length, before);
    }

    it("a version that is not there, and one that is none", async () => {
      await refused(["99"], /there is no version "99" of stack "roll": those that passed their gate are 1, /);
      await refused(["latest"], /there is no version "latest"/);
      await refused(["1", "2"], /one version, please/);
    });

    it("a version that failed", async () => {
      const failed = (await history()).find(({ result }) => result === "failed");
      await refused([String(failed?.number)], /is a failed update and nothing to go back to; those that passed/);
    });

    it("a history with holes", async () => {
      const file = fileOf(1, "checkpoint");
      renameSync(file, `${file}.away`);
      await refused(["1"], /version 1 cannot be deployed again: its checkpoint .* is missing/);
      writeFileSync(file, "{");
      await refused(["1"], /version 1 cannot be deployed again: its checkpoint .* cannot be read/);
      rmSync(file);
      renameSync(`${file}.away`, file);
    });

    it("a checkpoint of another project", async () => {
      const file = fileOf(1, "checkpoint");
      const text = readFileSync(file, "utf8");
      writeFileSync(file, text.replaceAll("urn:pulumi:roll::mcp-estate::", "urn:pulumi:roll::another::"));
      await refused(["1"], /its checkpoint is of another project or stack: urn:pulumi:roll::another/);
      writeFileSync(file, text);
    });

    it("a program that no commit holds, and a commit that is gone", async () => {
      const file = fileOf(1, "checkpoint");
      const text = readFileSync(file, "utf8");
      const program = /"program":\s*\{[^}]*\}/;
      const write = (commit: string, dirty: boolean): void =>
        writeFileSync(file, text.replace(program, `"program":${JSON.stringify({ commit, dirty, hash: "0" })}`));
      const commit = (await git("rev-parse", "HEAD")).trim();
      write(commit, true);
      await refused(["1"], /with changes that were not committed/);
      write("", true);
      await refused(["1"], /outside of a git repository/);
      write("0123456789".repeat(4), false);
      await refused(["1"], /commit 012345678901, which is not in this repository/);
      write(commit, false);
      await refused(["1"], /other files than commit/);
      writeFileSync(file, text);
    });

    it("a second rollback at once", async () => {
      const first = estate.start("rollback", ["1"]);
      let output = "";
      first.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
      const ended = new Promise((resolve) => first.on("close", resolve));
      // By then it holds the stack's lock; before, whoever comes second may find it done.
      await new Promise<void>((resolve) => {
        first.stdout.setEncoding("utf8").on("data", (text: string) => {
          output += text;
          if (output.includes("Updating (roll)")) resolve();
        });
        void ended.then(() => resolve());
      });
      const second = await estate.command("rollback", ["1"]);
      console.log(second.output);
      assert.equal(await ended, 0, output);
      assert.equal(second.code, 1, second.output);
      assert.match(second.output, /is being changed by process \d+/);
    });
  });
});
