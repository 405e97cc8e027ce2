import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { STATE, type Backup } from "../../scripts/lib/backup/store.ts";
import { packEntries } from "../../components/providers/images/archive.ts";
import { seededRandom } from "./seed.ts";
import { docker, eventually, TestEstate } from "./testEstate.ts";

const PREFIX = "mcp-estate-bak-";
const MEMORY = `${PREFIX}memory-data`;
const NOTES = `${PREFIX}notes-data`;
const MIB = 1024 ** 2;
/** So that reading it takes a while. */
const LARGE = 16 * MIB;

describe("Backups, end to end (R-VOL-04 to 09, A-18)", function () {
  this.timeout(600_000);
  const estate = new TestEstate("bak", {
    config: { "mcp-estate:servers": { memory: {}, notes: { from: "memory" } } },
  });
  const random = seededRandom();

  before(async () => {
    process.stderr.write(`      SEED=${random.seed}\n`);
    await estate.create();
    await estate.succeed("up", ["--yes"]);
  });
  after(() => estate.dispose());

  async function remember(name: string, server = "memory"): Promise<void> {
    const entities = [{ name, entityType: "test", observations: [`said ${name}`] }];
    const { status, body } = await estate.execute(server, "create_entities", { entities });
    assert.equal(status, 200, JSON.stringify(body));
  }

  /** Names of all that the server remembers, as soon as it answers. */
  async function remembered(server = "memory"): Promise<string[]> {
    return eventually(async () => {
      const { status, body } = await estate.execute(server, "read_graph", {});
      assert.equal(status, 200, JSON.stringify(body));
      const { entities } = (body as { structuredContent: { entities: { name: string }[] } }).structuredContent;
      return entities.map(({ name }) => name);
    }, 60_000);
  }

  async function backups(...args: string[]): Promise<Backup[]> {
    return JSON.parse((await estate.succeed("backups", ["--json", ...args])).stdout) as Backup[];
  }

  const newest = async (volume = MEMORY): Promise<Backup> => {
    const found = (await backups()).find(({ manifest }) => manifest.volume === volume);
    assert.ok(found);
    return found;
  };

  async function helpers(): Promise<unknown[]> {
    const filters = { label: ["mcp-estate-work.stack=bak"] };
    const containers = await docker.listContainers({ all: true, filters });
    return [...containers, ...(await docker.listVolumes({ filters })).Volumes];
  }

  it("backs up under writes: no call fails, and what was answered before is in it, whole", async () => {
    await remember("kept");
    const writer = { stop: false, written: 0, slowestMs: 0 };
    const writing = (async () => {
      while (!writer.stop) {
        const started = Date.now();
        await remember(`write-${writer.written}`);
        writer.written++;
        writer.slowestMs = Math.max(writer.slowestMs, Date.now() - started);
      }
    })();
    await eventually(() => Promise.resolve(assert.ok(writer.written > 5)), 30_000);
    const before = writer.written;
    const { output } = await estate.succeed("backup");
    const after = writer.written;
    writer.stop = true;
    await writing;
    assert.ok(writer.slowestMs < 20_000, `the slowest call took ${writer.slowestMs} ms`);
    assert.match(
      output,
      /memory-data: 1 files, \d+ bytes, restored for a test and found equal; its server stood still for \d+ ms/,
    );
    assert.deepEqual(
      (await backups()).map(({ manifest }) => manifest.volume),
      [MEMORY, NOTES, STATE],
    );
    assert.equal((await newest()).manifest.consistency, "quiet");

    await estate.succeed("restore", ["memory-data"]);
    const names = await remembered();
    assert.ok(names.includes("kept"));
    const writes = names.length - 1;
    assert.ok(before <= writes && writes <= after, `${before} <= ${writes} <= ${after}`);
    assert.deepEqual(
      names.slice(1),
      Array.from({ length: writes }, (_, i) => `write-${i}`),
    );
    assert.deepEqual(await helpers(), []);
  });

  it("refuses a truncated and a tampered backup in one line, and touches nothing", async () => {
    const { file, manifestFile } = await newest();
    const folder = join(estate.folder, "spoilt");
    mkdirSync(folder);
    const copy = join(folder, "copy.tar.age");
    const container = await (await estate.container("memory")).inspect();
    const refused = async (message: RegExp): Promise<void> => {
      const { code, output } = await estate.command("restore", ["memory-data", "--from", copy]);
      assert.equal(code, 1, output);
      const lines = output.trim().split("\n");
      assert.equal(lines.length, 1, output);
      assert.match(lines[0] ?? "", message);
    };
    const renew = (): void => {
      copyFileSync(file, copy);
      copyFileSync(manifestFile, join(folder, "copy.json"));
    };
    renew();
    truncateSync(copy, 100);
    await refused(/is refused: it has 100 bytes instead of/);
    renew();
    const bytes = readFileSync(copy);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(copy, bytes);
    await refused(/is refused: its SHA-256 is not that of its manifest/);
    renew();
    writeFileSync(join(folder, "copy.json"), readFileSync(manifestFile, "utf8").replace(/"files": \d+/, '"files": 7'));
    await refused(/is refused: its manifest .* was changed/);
    assert.equal((await (await estate.container("memory")).inspect()).State.StartedAt, container.State.StartedAt);
  });

  it("leaves the old backup intact when the disk is full", async () => {
    const disk = join(estate.folder, "small-disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", disk]);
    try {
      await estate.succeed("backup", ["memory-data", "--to", disk]);
      const [old] = await backups("--to", disk);
      assert.ok(old);
      const before = readFileSync(old.file);
      await put("memory", "large.bin", Buffer.alloc(MIB, "x"));
      const { code, output } = await estate.command("backup", ["memory-data", "--to", disk]);
      assert.equal(code, 1);
      assert.match(
        output,
        /error: no room for a backup of mcp-estate-bak-memory-data in .*; the earlier ones are untouched/,
      );
      assert.deepEqual(
        (await backups("--to", disk)).map(({ file }) => file),
        [old.file],
      );
      assert.ok(readFileSync(old.file).equals(before));
      assert.equal(readdirSync(join(old.file, "..")).length, 2);
      await estate.succeed("restore", ["memory-data", "--to", disk]);
      assert.deepEqual(await helpers(), []);
    } finally {
      execFileSync("umount", [disk]);
      rmSync(disk, { recursive: true });
    }
  });

  /** Puts a file into a server's data folder. */
  async function put(server: string, name: string, content: Buffer): Promise<void> {
    await (await estate.container(server)).putArchive(packEntries([{ name, mode: 0o644, content }]), { path: "/data" });
  }

  it("killed in the middle of a restore, the next command leaves the old data or the new, and the server running", async () => {
    const restored = await remembered();
    await remember("newer than the backup");
    const current = [...restored, "newer than the backup"];
    // Begun, stopping and copying, exchanging.
    const moments: [line: RegExp, spreadMs: number][] = [
      [/^/, 1_500],
      [/is whole/, 1_000],
      [/exchanging/, 200],
    ];
    for (const [line, spreadMs] of moments) {
      const child = estate.start("restore", ["memory-data"]);
      const closed = once(child, "close");
      let output = "";
      child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
      await eventually(() => Promise.resolve(assert.match(output, line)), 30_000);
      const delayMs = Math.round(random.next() * spreadMs);
      await sleep(delayMs);
      child.kill("SIGKILL");
      await closed;
      const mended = (await estate.succeed("backups")).output;
      const found = await remembered();
      const what = `${line.source} + ${delayMs} ms: ${output}${mended}`;
      assert.ok(
        [restored, current].some((data) => JSON.stringify(data) === JSON.stringify(found)),
        `${what}\n${found.join()}`,
      );
      assert.deepEqual(await helpers(), [], what);
      if (found.length === restored.length) await remember("newer than the backup");
    }
  });

  it("killed while a server is paused, the next command lets it run again", async () => {
    await put("notes", "large.bin", Buffer.alloc(LARGE, "x"));
    const notes = await estate.container("notes");
    const child = estate.start("backup", ["notes-data"]);
    const closed = once(child, "close");
    while (!(await notes.inspect()).State.Paused) assert.equal(child.exitCode, null, "it paused the server");
    child.kill("SIGKILL");
    await closed;
    assert.equal((await notes.inspect()).State.Paused, true);
    assert.match((await estate.succeed("backups")).output, /was held by a command that was killed; it runs again/);
    assert.equal((await notes.inspect()).State.Paused, false);
    assert.deepEqual(await helpers(), []);
    assert.equal((await backups()).filter(({ manifest }) => manifest.volume === NOTES).length, 1);
  });

  it("brings a volume back that was destroyed by hand, with equal checksums", async () => {
    const names = await remembered();
    await estate.succeed("backup", ["memory-data"]);
    const lost = await newest();
    await (await estate.container("memory")).remove({ force: true });
    await docker.getVolume(MEMORY).remove();
    assert.match((await estate.succeed("restore", ["memory-data"])).output, /was gone, made anew/);
    const { Labels } = await docker.getVolume(MEMORY).inspect();
    assert.deepEqual(Labels, {
      "mcp-estate.estate": "mcp-estate",
      "mcp-estate.stack": "bak",
      "mcp-estate.component": "memory",
    });
    await estate.succeed("backup", ["memory-data"]);
    assert.equal((await newest()).manifest.digest, lost.manifest.digest);
    assert.notEqual((await newest()).manifest.time, lost.manifest.time);

    // The same update takes a server out and changes every label: one volume is backed up first, none is lost.
    const naming = join(estate.folder, "components/naming.ts");
    const source = readFileSync(naming, "utf8");
    writeFileSync(
      naming,
      source.replace("  return [\n", '  return [\n    { label: "mcp-estate.test", value: "x" },\n'),
    );
    estate.configure((config) => (config["mcp-estate:servers"] = { memory: {} }));
    const made = await docker.getVolume(MEMORY).inspect();
    const { output } = await estate.succeed("up", ["--yes"]);
    assert.match(output, /this update takes mcp-estate-bak-notes-data out of the stack: backing up first/);
    assert.equal((await newest(NOTES)).manifest.bytes >= LARGE, true);
    assert.deepEqual(await docker.getVolume(MEMORY).inspect(), made);
    assert.deepEqual(await remembered(), names);
    const { Config } = await (await estate.container("memory")).inspect();
    assert.equal(Config.Labels["mcp-estate.test"], "x");
  });

  it("forgets a left volume by name after a backup, and none that is mounted", async () => {
    const { code, output } = await estate.command("forget", ["memory-data"]);
    assert.equal(code, 1);
    assert.match(output, /mcp-estate-bak-memory-data is mounted by container mcp-estate-bak-memory-\w+ and stays/);
    const kept = (await backups()).filter(({ manifest }) => manifest.volume === NOTES).length;
    await estate.succeed("forget", ["notes-data"]);
    await assert.rejects(docker.getVolume(NOTES).inspect(), { statusCode: 404 });
    assert.equal((await backups()).filter(({ manifest }) => manifest.volume === NOTES).length, kept + 1);
  });

  it("has the declared volumes with their data after down and up, twice, and keeps them where they are protected", async () => {
    const names = await remembered();
    for (let round = 0; round < 2; round++) {
      await estate.succeed("down", ["--yes"]);
      await estate.succeed("up", ["--yes"]);
      const data = (await estate.volumes())
        .map(({ Name }) => Name)
        .filter((name) => !/-secrets-[0-9a-f]{7}$/.test(name));
      assert.deepEqual(data, [MEMORY]);
      assert.deepEqual(await remembered(), names);
    }
    estate.configure((config) => (config["mcp-estate:volumes"] = { protect: true }));
    const { code, output } = await estate.command("down", ["--yes", "--volumes"]);
    assert.equal(code, 1);
    assert.match(output, /are protected and stay: .* set mcp-estate:volumes.protect to false in/);
    assert.deepEqual(await remembered(), names);

    estate.configure((config) => (config["mcp-estate:volumes"] = { protect: false }));
    const before = (await backups()).length;
    await estate.succeed("down", ["--yes", "--volumes"]);
    await assert.rejects(docker.getVolume(MEMORY).inspect(), { statusCode: 404 });
    assert.ok((await backups()).length > before || before >= 7);
    await estate.succeed("restore", ["memory-data"]);
    await docker.getVolume(MEMORY).inspect();
  });
});
