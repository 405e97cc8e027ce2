import assert from "node:assert/strict";
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lastVersion, versions } from "./history.ts";
import { Repository } from "./repository.ts";
import { docker, TestEstate } from "./testEstate.ts";

describe("Smoke gate, and what a rollback refuses, end to end", function () {
  this.timeout(600_000);
  const estate = new TestEstate("gate", {
    config: { "mcp-estate:servers": { memory: {}, everything: {} }, "mcp-estate:gate": { timeoutSeconds: 20 } },
  });
  const servers = (change: (servers: Record<string, unknown>) => void): void =>
    estate.configure((config) => change(config["mcp-estate:servers"] as Record<string, unknown>));
  let repository: Repository;

  before(async () => {
    await estate.create();
    repository = await Repository.of(estate);
    await estate.succeed("up", ["--yes"]);
  });
  after(() => estate.dispose());

  it("R-DEP-04: the gate has asked every server, and npm run smoke asks again", async () => {
    const version = await lastVersion(estate);
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
    assert.match(stdout, /FAILED +closed +everything +it reaches memory at 10\.207\./);
  });

  describe("a failed update goes back by itself", () => {
    const answered = async (): Promise<void> => {
      const { status } = await estate.execute("memory", "read_graph", {});
      assert.equal(status, 200);
    };

    it("A-33: a server that starts and cannot answer", async () => {
      await estate.succeed("up", ["--yes"]);
      const good = await lastVersion(estate);
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
      const [failed, back] = (await versions(estate)).slice(-2);
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
      const before = (await versions(estate)).length;
      servers((all) => (all["nobody-knows-it"] = {}));
      const { code, output } = await estate.command("up", ["--yes"]);
      servers((all) => delete all["nobody-knows-it"]);
      assert.notEqual(code, 0);
      assert.doesNotMatch(output, /going back/);
      assert.ok((await versions(estate)).length <= before + 1);
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
    const folder = (): string => join(estate.folder, ".pulumi/history/mcp-estate/gate");
    const fileOf = (number: number, kind: "history" | "checkpoint"): string => {
      const stems = readdirSync(folder())
        .filter((name) => name.endsWith(".history.json"))
        .sort();
      return join(folder(), (stems[number - 1] ?? "").replace("history", kind));
    };

    async function refused(args: readonly string[], message: RegExp): Promise<void> {
      const before = (await versions(estate)).length;
      const { code, output } = await estate.command("rollback", args);
      assert.equal(code, 1, output);
      assert.match(output, message);
      assert.equal((await versions(estate)).length, before);
    }

    it("a version that is not there, and one that is none", async () => {
      await refused(["99"], /there is no version "99" of stack "gate": those that passed their gate are 1, /);
      await refused(["latest"], /there is no version "latest"/);
      await refused(["1", "2"], /one version, please/);
    });

    it("a version that failed", async () => {
      const failed = (await versions(estate)).find(({ result }) => result === "failed");
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
      writeFileSync(file, text.replaceAll("urn:pulumi:gate::mcp-estate::", "urn:pulumi:gate::another::"));
      await refused(["1"], /its checkpoint is of another project or stack: urn:pulumi:gate::another/);
      writeFileSync(file, text);
    });

    it("a program that no commit holds, and a commit that is gone", async () => {
      const file = fileOf(1, "checkpoint");
      const text = readFileSync(file, "utf8");
      const program = /"program":\s*\{[^}]*\}/;
      const write = (commit: string, dirty: boolean): void =>
        writeFileSync(file, text.replace(program, `"program":${JSON.stringify({ commit, dirty, hash: "0" })}`));
      const commit = (await repository.git("rev-parse", "HEAD")).trim();
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
          if (output.includes("Updating (gate)")) resolve();
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
