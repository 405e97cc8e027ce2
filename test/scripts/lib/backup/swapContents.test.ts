import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { swapContents } from "../../../../scripts/lib/backup/swapContents.ts";
import { seededRandom } from "../../../e2e/seed.ts";
import { cleanUp, temporaryFolder, write } from "../../support.ts";

const OLD = { "a.json": "old a", "only-old/deep/b": "old b", same: "old" };
const NEW = { "a.json": "new a", "only-new/c": "new c", same: "new", "x.db": "new x" };

/** Path → text of all files below a folder. */
function contentOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
  return Object.fromEntries(
    files
      .filter((file) => lstatSync(join(folder, file)).isFile())
      .map((file) => [file, readFileSync(join(folder, file), "utf8")]),
  );
}

/** A volume with old data and, in its corner, new data that waits. */
function volumeOf(old: Record<string, string>, fresh: Record<string, string>): string {
  const volume = temporaryFolder();
  for (const [path, text] of Object.entries(old)) write(volume, path, text);
  const stage = join(volume, ".mcp-estate-restore/in/volume");
  mkdirSync(stage, { recursive: true, mode: 0o750 });
  for (const [path, text] of Object.entries(fresh)) write(stage, path, text);
  return volume;
}

class Killed extends Error {}

/** Runs until before its nth change; true when it got to its end. */
function runUntil(volume: string, mode: "commit" | "mend", steps: number): boolean {
  let left = steps;
  try {
    swapContents(volume, mode, () => {
      if (left-- === 0) throw new Killed();
    });
    return true;
  } catch (error) {
    if (error instanceof Killed) return false;
    throw error;
  }
}

describe("swapContents: the old data or the new, never a mix (R-VOL-07)", () => {
  afterEach(cleanUp);

  it("puts the new data in place, with the mode of its root, and leaves nothing else", () => {
    const volume = volumeOf(OLD, NEW);
    swapContents(volume, "commit");
    assert.deepEqual(contentOf(volume), NEW);
    assert.deepEqual(readdirSync(volume).sort(), ["a.json", "only-new", "same", "x.db"]);
    assert.equal(statSync(volume).mode & 0o777, 0o750);
  });

  it("undoes what was never committed", () => {
    const volume = volumeOf(OLD, NEW);
    swapContents(volume, "mend");
    assert.deepEqual(contentOf(volume), OLD);
  });

  it("does nothing where there is nothing to do", () => {
    const volume = temporaryFolder();
    write(volume, "a", "kept");
    for (const mode of ["commit", "mend"] as const) swapContents(volume, mode);
    assert.deepEqual(contentOf(volume), { a: "kept" });
  });

  it("stopped before any single change, and again while mending, ends with one of the two", function () {
    this.timeout(30_000);
    const ends = new Set<string>();
    for (let steps = 0; ; steps++) {
      const volume = volumeOf(OLD, NEW);
      if (runUntil(volume, "commit", steps)) break;
      for (let again = 0; ; again++) {
        const copy = temporaryFolder();
        cpSync(volume, copy, { recursive: true, preserveTimestamps: true });
        const isMended = runUntil(copy, "mend", again);
        swapContents(copy, "mend");
        const found = JSON.stringify(contentOf(copy));
        assert.ok(
          [JSON.stringify(OLD), JSON.stringify(NEW)].includes(found),
          `stopped at ${steps}, then ${again}: ${found}`,
        );
        ends.add(found);
        if (isMended) break;
      }
    }
    assert.equal(ends.size, 2, "both ends were seen");
  });

  it("killed at random moments ends with one of the two", async function () {
    this.timeout(30_000);
    const random = seededRandom(20260806);
    const many = (text: string): Record<string, string> =>
      Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`file-${text}-${i}`, text]));
    for (let round = 0; round < 5; round++) {
      const volume = volumeOf(many("old"), many("new"));
      const module = join(import.meta.dirname, "../../../../scripts/lib/backup/swapContents.ts");
      const program = `import { swapContents } from ${JSON.stringify(module)}; console.log("begun"); swapContents(${JSON.stringify(volume)}, "commit");`;
      const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const closed = once(child, "close");
      await once(child.stdout, "data");
      await sleep(random.next() * 30);
      child.kill("SIGKILL");
      await closed;
      swapContents(volume, "mend");
      const values = new Set(Object.values(contentOf(volume)));
      assert.equal(values.size, 1, `round ${round}: ${[...values].join(" and ")}`);
      assert.equal(readdirSync(volume).length, 300);
    }
  });
});
