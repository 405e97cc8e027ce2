import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, withFileLock } from "../../../scripts/lib/fileLock.ts";
import { cleanUp, listener, temporaryFolder, write } from "../support.ts";

/** The id of a process that has ended. */
export const deadPid = (): number => spawnSync("true").pid;

describe("withFileLock", () => {
  afterEach(cleanUp);

  it("lets one in at a time and says for whom the other waits", async () => {
    const file = join(temporaryFolder(), "a", "lock");
    const { said, say } = listener();
    let inside = 0;
    const work = async (): Promise<number> => {
      assert.equal(++inside, 1);
      await sleep(20);
      return inside--;
    };
    await Promise.all([withFileLock(file, say, work), withFileLock(file, say, work)]);
    assert.equal(existsSync(file), false);
    assert.deepEqual(said, [`waiting for process ${process.pid} on ${hostname()}, which does this already`]);
  });

  it("takes over from a dead process", async () => {
    const { said, say } = listener();
    const file = write(temporaryFolder(), "lock", JSON.stringify({ pid: deadPid(), host: hostname() }));
    assert.equal(await withFileLock(file, say, () => Promise.resolve("done")), "done");
    assert.deepEqual(said, []);
  });

  it("gives the lock back when the work fails", async () => {
    const file = join(temporaryFolder(), "lock");
    await assert.rejects(
      withFileLock(
        file,
        () => undefined,
        () => Promise.reject(new Error("broken")),
      ),
      /broken/,
    );
    assert.equal(existsSync(file), false);
  });

  it("tells the living from the dead", () => {
    assert.equal(isAlive(process.pid), true);
    assert.equal(isAlive(1), true);
    assert.equal(isAlive(deadPid()), false);
  });
});
