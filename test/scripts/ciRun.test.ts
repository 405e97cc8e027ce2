import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { projectDir } from "../../scripts/lib/paths.ts";
import { cleanUp, fakeProgram, temporaryFolder } from "./support.ts";

describe(".ci/run", () => {
  afterEach(cleanUp);

  /** Exit code and last line when `npm test` does this. */
  function run(npmTest: string): [code: number | null, lastLine: string | undefined] {
    const folder = temporaryFolder();
    fakeProgram(folder, "npm", npmTest);
    const { status, stdout } = spawnSync(join(projectDir, ".ci", "run"), {
      env: { PATH: `${folder}:/usr/bin:/bin` },
      encoding: "utf8",
    });
    return [status, stdout.trim().split("\n").at(-1)];
  }

  it("ends with the result, also after npm's own lines", () => {
    assert.deepEqual(run(`echo "5 passed, 0 failed"`), [0, "5 passed, 0 failed"]);
    assert.deepEqual(run(`echo "5 passed, 2 failed"; echo "npm error"; exit 1`), [1, "5 passed, 2 failed"]);
  });

  it("finds the result among bytes that are no text, as logs have them", () => {
    assert.deepEqual(run(`printf '\\001\\000 log\\n'; echo "5 passed, 2 failed"; exit 1`), [1, "5 passed, 2 failed"]);
  });

  it("fails with a failure when things break before, after or without the tests", () => {
    assert.deepEqual(run("echo no network; exit 7"), [7, "0 passed, 1 failed"]);
    assert.deepEqual(run("echo nothing"), [1, "0 passed, 1 failed"]);
    assert.deepEqual(run(`echo "5 passed, 0 failed"; exit 1`), [1, "5 passed, 1 failed"]);
    assert.deepEqual(run(`echo "5 passed, 1 failed"`), [1, "5 passed, 1 failed"]);
  });
});
