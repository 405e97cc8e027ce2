import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectDir } from "../../scripts/lib/paths.ts";
import { cleanUp, fakeProgram, temporaryFolder, write } from "./support.ts";

describe("scripts/run", () => {
  let tree: string;
  beforeEach(() => {
    tree = temporaryFolder();
    mkdirSync(join(tree, "scripts"));
    copyFileSync(join(projectDir, "scripts", "run"), join(tree, "scripts", "run"));
    write(tree, "scripts/hello.ts", "console.log(process.argv.slice(2).join(' '), process.env.PATH?.split(':')[0]);");
    write(tree, "package.json", "{}");
    write(tree, "package-lock.json", "{}");
    // Both `npm ci` and `npm rebuild` leave what they would leave: a folder, and this very Node in it.
    fakeProgram(
      tree,
      "bin/npm",
      `echo "npm $*" >> calls; mkdir -p node_modules
       if [ "$1" = rebuild ]; then mkdir -p node_modules/node/bin; ln -sf ${process.execPath} node_modules/node/bin/node; fi`,
    );
  });
  afterEach(cleanUp);

  function run(...args: string[]): { code: number | null; stdout: string; stderr: string } {
    const env = { PATH: `${tree}/bin:/usr/bin:/bin`, HOME: tree };
    const { status, stdout, stderr } = spawnSync("sh", [join(tree, "scripts", "run"), ...args], {
      env,
      encoding: "utf8",
    });
    return { code: status, stdout, stderr };
  }
  const calls = (): string[] =>
    existsSync(join(tree, "calls")) ? readFileSync(join(tree, "calls"), "utf8").trim().split("\n") : [];
  const ci = "npm ci --ignore-scripts --no-audit --no-fund --loglevel=error";
  const rebuild = "npm rebuild --ignore-scripts=false --loglevel=error node esbuild";

  it("installs on a bare checkout, one line per step, and runs the command under Node 24 from npm", () => {
    const { code, stdout, stderr } = run("hello", "a", "b c");
    assert.equal(code, 0, stderr);
    assert.equal(stdout, `a b c ${tree}/node_modules/node/bin\n`);
    assert.equal(stderr, "setup: installing npm packages\nsetup: installing Node 24\n");
    assert.deepEqual(calls(), [ci, rebuild]);
  });

  it("does nothing again when nothing is missing", () => {
    run("hello");
    assert.equal(run("hello").stderr, "");
    assert.deepEqual(calls(), [ci, rebuild]);
  });

  it("brings the packages up to date when the lock file has changed", () => {
    run("hello");
    write(tree, "package-lock.json", '{"new":1}');
    assert.equal(
      run("hello").stderr.split("\n")[0],
      "setup: package-lock.json is new here: bringing npm packages up to date",
    );
    assert.deepEqual(calls().slice(2), [
      "npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error",
      rebuild,
    ]);
    assert.equal(run("hello").stderr, "");
  });

  it("finishes an installation that was broken off", () => {
    mkdirSync(join(tree, "node_modules"));
    assert.equal(run("hello").code, 0);
    assert.equal(calls().length, 2);
  });

  it("says what fails, and leaves it for the next run", () => {
    fakeProgram(tree, "bin/npm", "exit 1");
    const { code, stderr } = run("hello");
    assert.equal(code, 1);
    assert.equal(stderr.trim().split("\n").at(-1), "error: npm ci failed; see its lines above");
    assert.equal(existsSync(join(tree, "node_modules", ".installed-lock")), false);
  });

  it("does not take another Node for 24", () => {
    fakeProgram(tree, "old-node", "echo v20.1.0");
    fakeProgram(tree, "bin/npm", `mkdir -p node_modules/node/bin; ln -sf ${tree}/old-node node_modules/node/bin/node`);
    assert.match(run("hello").stderr, /error: node_modules\/node\/bin\/node is v20\.1\.0, needed is v24/);
  });

  it("names the commands there are", () => {
    const { code, stderr } = run("fly");
    assert.equal(code, 1);
    assert.equal(stderr, 'error: unknown command "fly"; there is hello\n');
  });
});
