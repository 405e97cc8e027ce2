import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { disableScript, findStartScripts, journalOf } from "../../../components/providers/startScripts.ts";
import { disabledScripts, enableScript, journalFile } from "../../../scripts/lib/disabledScripts.ts";

const SCRIPT = "#!/bin/sh\nexec npx -y @modelcontextprotocol/server-memory\n";

describe("start scripts of the host (R-DRF-07)", () => {
  let root: string;
  let folder: string;
  let journal: string;
  const put = (path: string, mode: number, text = SCRIPT): string => {
    const file = join(folder, path);
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  };
  const modeOf = (file: string) => statSync(file).mode & 0o7777;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "start-scripts-"));
    folder = join(root, "wrappers");
    journal = join(root, "data/journal.json");
    mkdirSync(folder);
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it("finds executable scripts of a folder and named files, once each; decoys are none", async () => {
    const memory = put("memory.sh", 0o755);
    const fetch = put("fetch", 0o700);
    put("README.md", 0o644, "# about #!");
    put("not-executable.sh", 0o644);
    put("program", 0o755, "\x7fELF");
    put("empty", 0o755, "");
    put("old.sh.disabled", 0o755);
    mkdirSync(join(folder, "below"));
    put("below/deep.sh", 0o755);
    symlinkSync(memory, join(folder, "link.sh"));
    mkdirSync(`${folder}-similar`);
    writeFileSync(`${folder}-similar/other.sh`, SCRIPT, { mode: 0o755 });
    const found = await findStartScripts([folder, memory, join(root, "gone"), join(memory, "below-a-file")]);
    assert.deepEqual(
      found.map(({ path }) => path),
      [fetch, memory],
    );
    assert.equal(found[0]?.created, statSync(fetch).mtime.toISOString());
  });

  it("disables one so that it cannot be started, and gives it back to the letter", async () => {
    for (const mode of [0o755, 0o700, 0o4711, 0o750]) {
      const file = put("memory.sh", mode);
      await disableScript(file, journal);
      assert.deepEqual(readdirSync(folder), ["memory.sh.disabled"]);
      assert.equal(modeOf(`${file}.disabled`) & 0o111, 0);
      assert.deepEqual(await findStartScripts([folder]), []);
      const [script] = disabledScripts(journal);
      assert.ok(script);
      assert.equal(enableScript(journal, script), true);
      assert.deepEqual(readdirSync(folder), ["memory.sh"]);
      assert.equal(readFileSync(file, "utf8"), SCRIPT);
      assert.equal(modeOf(file), mode);
      assert.deepEqual(disabledScripts(journal), []);
    }
  });

  it("overwrites nothing, in either direction", async () => {
    const file = put("memory.sh", 0o755);
    put("memory.sh.disabled", 0o644, "somebody's own");
    await assert.rejects(disableScript(file, journal), /memory\.sh\.disabled is there already; remove one of the two/);
    assert.equal(modeOf(file), 0o755);
    assert.equal(readFileSync(`${file}.disabled`, "utf8"), "somebody's own");
    assert.throws(() => enableScript(journal, { path: file, mode: 0o755 }), /memory\.sh is there beside/);
    assert.equal(readFileSync(file, "utf8"), SCRIPT);
  });

  it("forgets one that somebody has removed, and keeps the others", async () => {
    const [a, b] = [put("a.sh", 0o755), put("b.sh", 0o755)];
    for (const file of [a, b]) await disableScript(file, journal);
    rmSync(`${a}.disabled`);
    const [first] = disabledScripts(journal);
    assert.ok(first);
    assert.equal(enableScript(journal, first), false);
    assert.deepEqual(disabledScripts(journal), [{ path: b, mode: 0o755 }]);
    assert.equal(existsSync(a), false);
  });

  it("update and command know the same journal", () => {
    const owner = { estate: "mcp-estate", stack: "dev" };
    assert.equal(journalFile(owner), journalOf(owner));
  });
});
