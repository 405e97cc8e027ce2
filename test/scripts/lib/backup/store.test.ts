import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { backupKey, type BackupKey } from "../../../../scripts/lib/backup/key.ts";
import {
  backupsDir,
  checkSealed,
  chooseBackup,
  listBackups,
  newFile,
  prepareFolder,
  publish,
  retain,
  signManifest,
  type Backup,
} from "../../../../scripts/lib/backup/store.ts";
import { cleanUp, temporaryFolder } from "../../support.ts";

describe("the store of backups (R-VOL-08, R-VOL-09)", () => {
  let folder: string;
  let key: BackupKey;
  beforeEach(async () => {
    folder = temporaryFolder();
    key = await backupKey("make", { XDG_CONFIG_HOME: temporaryFolder() });
  });
  afterEach(cleanUp);

  async function add(day: number, text = `data of day ${day}`): Promise<Backup> {
    const time = new Date(Date.UTC(2026, 0, day));
    const { sealed, partial } = newFile(folder, time);
    const bytes = await buffer(await key.seal(Readable.from([Buffer.from(text)])));
    writeFileSync(partial, bytes);
    const manifest = signManifest(key, {
      version: 1,
      ...{ estate: "mcp-estate", stack: "dev", component: "memory", volume: "mcp-estate-dev-memory-data" },
      time: time.toISOString(),
      ...{
        program: "test",
        image: "sha256:1",
        consistency: "quiet",
        files: 1,
        bytes: text.length,
        digest: "d",
        tarSha256: "t",
      },
      sealedBytes: bytes.length,
      sealedSha256: createHash("sha256").update(bytes).digest("hex"),
    });
    await publish(partial, sealed, manifest);
    return chooseBackup(folder, "memory-data", sealed);
  }

  const days = (): number[] => listBackups(folder).map(({ manifest }) => new Date(manifest.time).getUTCDate());

  it("opens what it has sealed, and nothing of the text is in the file", async () => {
    const { file } = await add(1);
    assert.ok(!readFileSync(file).includes("data of day"));
    assert.equal(String(await buffer(await key.open(Readable.from([readFileSync(file)])))), "data of day 1");
  });

  it("lists the newest first and chooses by file, by the beginning of a time, or the newest", async () => {
    for (const day of [2, 1, 3]) await add(day);
    assert.deepEqual(days(), [3, 2, 1]);
    const chosen = (from?: string): string => chooseBackup(folder, "memory-data", from).manifest.time.slice(0, 10);
    assert.equal(chosen(), "2026-01-03");
    assert.equal(chosen("2026-01-02"), "2026-01-02");
    assert.equal(chosen(join(folder, "2026-01-01T00-00-00.000Z.tar.age")), "2026-01-01");
    assert.throws(() => chosen("2025"), /there is no backup of "memory-data" from "2025" in .*; there is 2026-01-03T/);
    assert.throws(() => chosen("/nowhere/x.tar.age"), /without its manifest it is no backup/);
  });

  const faults: Record<string, [fault: (backup: Backup) => void, message: RegExp]> = {
    "that lost its end": [({ file }) => truncateSync(file, statSync(file).size - 1), /it has \d+ bytes instead of \d+/],
    "that grew": [({ file }) => appendFileSync(file, "x"), /it has \d+ bytes instead of \d+/],
    "with one bit turned": [
      ({ file }) => {
        const bytes = readFileSync(file);
        bytes[bytes.length - 9] = (bytes.at(-9) ?? 0) ^ 1;
        writeFileSync(file, bytes);
      },
      /its SHA-256 is not that of its manifest/,
    ],
    "whose manifest says another volume": [
      ({ manifestFile }) =>
        writeFileSync(manifestFile, readFileSync(manifestFile, "utf8").replace("memory-data", "files-data1")),
      /its manifest .* was changed, or made with another key/,
    ],
    "that is gone": [({ file }) => renameSync(file, `${file}.away`), /it is not there/],
  };
  for (const [what, [fault, message]] of Object.entries(faults)) {
    it(`refuses a backup ${what}, in one line`, async () => {
      const { manifestFile, file } = await add(1);
      await checkSealed(key, chooseBackup(folder, "memory-data", file));
      fault({ manifestFile, file } as Backup);
      await assert.rejects(checkSealed(key, chooseBackup(folder, "memory-data", file)), (error: Error) => {
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      });
    });
  }

  it("refuses one that was sealed with another key, though whole", async () => {
    const backup = await add(1);
    const other = await backupKey("make", { XDG_CONFIG_HOME: temporaryFolder() });
    await assert.rejects(checkSealed(other, backup), /made with another key/);
    await assert.rejects(other.open(Readable.from([readFileSync(backup.file)])));
  });

  it("keeps the newest, and never removes the only whole one", async () => {
    for (const day of [1, 2, 3, 4]) await add(day);
    assert.equal(await retain(folder, 3), 1);
    assert.deepEqual(days(), [4, 3, 2]);
    for (const day of [3, 4]) truncateSync(newFile(folder, new Date(Date.UTC(2026, 0, day))).sealed, 3);
    assert.equal(await retain(folder, 1), 0, "the damaged newer ones count for nothing");
    assert.deepEqual(days(), [4, 3, 2]);
    await add(5);
    assert.equal(await retain(folder, 1), 3);
    assert.deepEqual(days(), [5]);
    assert.deepEqual(readdirSync(folder).length, 2);
  });

  it("clears away what a killed backup has left, and nothing that counts", async () => {
    const { file } = await add(1);
    const { sealed, partial } = newFile(folder, new Date(Date.UTC(2026, 0, 2)));
    writeFileSync(partial, "half");
    writeFileSync(sealed, "without a manifest");
    await prepareFolder(folder);
    assert.deepEqual(readdirSync(folder).length, 2);
    assert.ok(existsSync(file));
  });

  it("lies where the user says", () => {
    assert.equal(backupsDir("/mnt/disk", { MCP_ESTATE_BACKUPS: "/srv" }), "/mnt/disk");
    assert.equal(backupsDir(undefined, { MCP_ESTATE_BACKUPS: "/srv" }), "/srv");
    assert.equal(backupsDir(undefined, { XDG_DATA_HOME: "/data" }), "/data/mcp-estate/backups");
    assert.equal(backupsDir(undefined, { HOME: "/home/ann" }), "/home/ann/.local/share/mcp-estate/backups");
  });

  it("says where the key is missed", async () => {
    const home = temporaryFolder();
    await assert.rejects(
      backupKey("need", { XDG_CONFIG_HOME: home }),
      /put the one that they were made with into .*backup-key/,
    );
    const made = await backupKey("make", { XDG_CONFIG_HOME: home });
    assert.equal(made.isNew, true);
    assert.equal(statSync(made.file).mode & 0o777, 0o600);
    assert.equal((await backupKey("make", { XDG_CONFIG_HOME: home })).isNew, false);
    writeFileSync(made.file, "junk\n");
    await assert.rejects(backupKey("need", { XDG_CONFIG_HOME: home }), /holds no key of the backups/);
  });
});
