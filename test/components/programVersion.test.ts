import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { programVersion } from "../../components/programVersion.ts";
import { cleanUp, temporaryFolder, write } from "../scripts/support.ts";

describe("the version of a program", () => {
  afterEach(cleanUp);

  function project(): string {
    const folder = temporaryFolder();
    write(folder, "index.ts", "1");
    write(folder, "components/a.ts", "2");
    write(folder, "runtime/b/c.ts", "3");
    return folder;
  }
  const git = (folder: string, ...args: string[]): string =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.invalid", ...args], {
      cwd: folder,
      encoding: "utf8",
    });

  it("is the hash of its files alone: neither packages nor stack files count", () => {
    const [a, b] = [project(), project()];
    const { hash } = programVersion(a);
    assert.match(hash, /^[0-9a-f]{16}$/);
    write(b, "Pulumi.dev.yaml", "config: {}");
    write(b, "node_modules/x/index.js", "x");
    symlinkSync(tmpdir(), join(b, "runtime/node_modules"));
    assert.equal(programVersion(b).hash, hash);
    write(b, "components/deep/new.ts", "");
    assert.notEqual(programVersion(b).hash, hash);
  });

  it("tells the same bytes in another file apart", () => {
    const [a, b] = [temporaryFolder(), temporaryFolder()];
    write(a, "components/a.ts", "2");
    write(b, "components/b.ts", "2");
    assert.notEqual(programVersion(a).hash, programVersion(b).hash);
  });

  it("has no commit outside of a repository, and is dirty where the commit does not bring it back", () => {
    const folder = project();
    assert.deepEqual([programVersion(folder).commit, programVersion(folder).dirty], ["", true]);
    git(folder, "init", "--quiet");
    git(folder, "add", "--all");
    git(folder, "commit", "--quiet", "--message", "first");
    const commit = git(folder, "rev-parse", "HEAD").trim();
    const state = () => {
      const { hash: _hash, ...rest } = programVersion(folder);
      return rest;
    };
    assert.deepEqual(state(), { commit, dirty: false });
    write(folder, "Pulumi.dev.yaml", "config: {}");
    symlinkSync(tmpdir(), join(folder, "runtime/node_modules"));
    assert.deepEqual(state(), { commit, dirty: false });
    write(folder, "components/new.ts", "");
    assert.deepEqual(state(), { commit, dirty: true });
  });
});
