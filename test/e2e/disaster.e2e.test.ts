import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { duration } from "../../scripts/lib/log.ts";
import { OwnDocker } from "./ownDocker.ts";
import { ensureSharedImages } from "./sharedImages.ts";
import { eventually, TestEstate } from "./testEstate.ts";

const run = promisify(execFile);
/** The plans' own bound for a recovery (R-TST-12). */
const MINUTES = 10;
const SERVERS = { memory: {}, notes: { from: "memory" }, third: { from: "memory" } };

/** On a Docker of its own, so that everything in it can be wiped. Needs root. */
describe("Disaster drill, end to end (R-TST-12, R-DEP-06, R-VOL-04)", function () {
  this.timeout(20 * 60_000);
  const own = new OwnDocker("drill");
  const estate = new TestEstate("drill", {
    config: { "mcp-estate:volumes": { protect: true }, "mcp-estate:servers": SERVERS },
    host: own,
  });
  const state = () => join(estate.folder, ".pulumi");
  const secrets = () => join(estate.folder, ".config/mcp-estate");
  let token = "";

  before(async () => {
    await own.start();
    await estate.create();
    await own.copyImages(await ensureSharedImages());
    await estate.succeed("up", ["--yes"]);
    token = await estate.token();
    await remember("kept");
  });
  after(async () => {
    await own.dispose();
    rmSync(estate.folder, { recursive: true, force: true });
  });

  /** A call of the gateway from where this Docker's ports are, with the token of before any loss. */
  async function call(tool: string, args: object): Promise<{ structuredContent: { entities: { name: string }[] } }> {
    const body = JSON.stringify({ server: "memory", tool, arguments: args });
    const url = `http://127.0.0.1:${estate.port}/execute`;
    const [program = "", ...words] = own.enter([
      "curl",
      "-sf",
      "-H",
      `Authorization: Bearer ${token}`,
      "-d",
      body,
      url,
    ]);
    const { stdout } = await run(program, words);
    return JSON.parse(stdout) as Awaited<ReturnType<typeof call>>;
  }

  const remember = (name: string) =>
    call("create_entities", { entities: [{ name, entityType: "test", observations: [name] }] });

  const remembered = () =>
    eventually(async () => (await call("read_graph", {})).structuredContent.entities.map(({ name }) => name), 30_000);

  /** State, history, salt and passphrase: all that a checkout does not have. The key of the backups is kept elsewhere. */
  function loseState(): void {
    rmSync(state(), { recursive: true });
    for (const file of [`Pulumi.${estate.stack}.yaml`]) {
      const text = readFileSync(join(estate.folder, file), "utf8");
      writeFileSync(join(estate.folder, file), text.replace(/^encryptionsalt:.*\n/m, ""));
    }
    renameSync(join(secrets(), "backup-key"), join(estate.folder, "backup-key"));
    rmSync(secrets(), { recursive: true });
  }
  const withKey = () => ({ MCP_ESTATE_BACKUP_KEY_FILE: join(estate.folder, "backup-key") });

  async function wipeDocker(): Promise<void> {
    const { docker } = own;
    for (const { Id } of await docker.listContainers({ all: true }))
      await docker.getContainer(Id).remove({ force: true });
    await docker.pruneNetworks();
    for (const { Name } of (await docker.listVolumes()).Volumes) await docker.getVolume(Name).remove();
    for (const { Id } of await estate.images()) await docker.getImage(Id).remove({ force: true });
    assert.deepEqual((await docker.listVolumes()).Volumes, []);
  }

  it("keeps a stack's state with its passphrase, sealed: neither is in the file in clear", async () => {
    const { output } = await estate.succeed("backup");
    assert.match(output, /state: \d+ files, \d+ bytes, opened again and found equal/);
    const { stdout } = await estate.succeed("backups", ["--verify", "--json"]);
    const [backup] = (JSON.parse(stdout) as { file: string; manifest: { volume: string } }[]).filter(
      ({ manifest }) => manifest.volume === "@state",
    );
    const sealed = readFileSync(backup?.file ?? "", "latin1");
    assert.match(sealed, /^age-encryption\.org\/v1\n/);
    for (const clear of [token, "checkpoint", "encryptionsalt"]) assert.ok(!sealed.includes(clear), clear);
  });

  it("refuses to put a backup in the place of a state that is there, and a backup that was changed", async () => {
    const before = await estate.stateText();
    const kept = await estate.command("restore", ["--state"]);
    assert.equal(kept.code, 1);
    assert.match(kept.output, /error: stack "drill" has a state here.*--replace/);

    const { stdout } = await estate.succeed("backups", ["--json"]);
    const backups = JSON.parse(stdout) as { file: string; manifest: { volume: string } }[];
    const file = backups.find(({ manifest }) => manifest.volume === "@state")?.file ?? "";
    const good = readFileSync(file);
    writeFileSync(file, Buffer.concat([good.subarray(0, -1), Buffer.from([(good.at(-1) ?? 0) ^ 1])]));
    const refused = await estate.command("restore", ["--state", "--replace"]);
    writeFileSync(file, good);
    assert.equal(refused.code, 1);
    assert.match(refused.output, /error: backup .* is refused: its SHA-256 is not that of its manifest/);
    assert.equal(await estate.stateText(), before);
  });

  it("brings a lost state back, so that a preview finds nothing to do and history is whole", async () => {
    const history = (await estate.succeed("history")).stdout;
    loseState();
    await estate.succeed("restore", ["--state"], withKey());
    const { stdout } = await estate.succeed("preview");
    assert.match(stdout, /No drift[\s\S]*"npm run up" would change nothing/);
    assert.equal((await estate.succeed("history")).stdout, history);
    assert.equal(await estate.token(), token);
    renameSync(join(estate.folder, "backup-key"), join(secrets(), "backup-key"));
  });

  it(`brings everything back with its data by one command within ${MINUTES} minutes, when Docker and the state are lost`, async () => {
    await remember("before the disaster");
    await estate.succeed("backup");
    await remember("after the last backup");
    loseState();
    await wipeDocker();

    const started = Date.now();
    const { output } = await estate.succeed("recover", [], withKey());
    const took = Date.now() - started;
    process.stderr.write(`      recovered in ${duration(took)}\n`);
    assert.ok(took < MINUTES * 60_000, duration(took));
    assert.match(output, /stack "drill" is back, 3 volumes from their backups/);
    assert.deepEqual(await remembered(), ["kept", "before the disaster"]);
    assert.match((await estate.succeed("preview")).stdout, /No drift[\s\S]*would change nothing/);
    assert.match((await estate.succeed("smoke")).stdout, /100 %|passed/);
    renameSync(join(estate.folder, "backup-key"), join(secrets(), "backup-key"));
  });

  it("leaves data alone that is there, and finishes a recovery that was killed half way", async () => {
    await remember("newer than every backup");
    await estate.succeed("recover");
    assert.ok((await remembered()).includes("newer than every backup"));

    // Killed when the update has made the volumes anew, before their data came.
    const filter = { label: ["mcp-estate.stack=drill"] };
    for (const { Id } of await own.docker.listContainers({ all: true, filters: filter })) {
      await own.docker.getContainer(Id).remove({ force: true });
    }
    await own.docker.getVolume("mcp-estate-drill-memory-data").remove();
    const killed = estate.start("recover", [], { detached: true });
    const ended = new Promise((resolve) => killed.once("close", resolve));
    await new Promise<void>((resolve) => {
      const look = (chunk: Buffer) => {
        if (chunk.toString("utf8").includes("is healthy")) resolve();
      };
      killed.stdout.on("data", look);
      killed.stderr.on("data", look);
      killed.once("close", resolve);
    });
    process.kill(-(killed.pid ?? 0), "SIGKILL");
    await ended;
    assert.deepEqual(await remembered(), [], "the volume is new and empty");
    await estate.succeed("recover");
    assert.deepEqual(await remembered(), ["kept", "before the disaster"]);
    assert.ok(!existsSync(join(estate.folder, ".data/mcp-estate/recovery/mcp-estate-drill.json")));
  });
});
