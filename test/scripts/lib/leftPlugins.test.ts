import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { endLeftPlugins, hasEnded } from "../../../scripts/lib/leftPlugins.ts";
import { cleanUp, fakeProgram, listener, temporaryFolder } from "../support.ts";

describe("endLeftPlugins", () => {
  afterEach(cleanUp);

  /** Starts a program whose parent ends at once, as that of a killed engine's plugin does. */
  function orphan(program: string, cwd: string): number {
    const { stdout } = spawnSync("sh", ["-c", '"$0" >/dev/null 2>&1 & echo $!', program], { cwd });
    return Number(stdout.toString());
  }

  it("ends a plugin whose engine is dead, and says which", async () => {
    const project = realpathSync(temporaryFolder());
    const plugin = orphan(fakeProgram(project, "pulumi-resource-fake", "sleep 30; :"), project);
    const { said, say } = listener();
    await endLeftPlugins(project, say);
    assert.equal(hasEnded(plugin), true);
    assert.deepEqual(said, [`an engine that was killed had left 1 processes behind: ended ${plugin}`]);
  });

  it("leaves alone a plugin whose engine lives, one of another folder, and other programs", async () => {
    const project = realpathSync(temporaryFolder());
    const elsewhere = realpathSync(temporaryFolder());
    const program = fakeProgram(project, "pulumi-resource-fake", "sleep 30; :");
    const child = spawn(program, { cwd: project, stdio: "ignore" });
    const others = [orphan(program, elsewhere), orphan(fakeProgram(project, "editor", "sleep 30; :"), project)];
    try {
      const { said, say } = listener();
      await endLeftPlugins(project, say);
      assert.deepEqual([child.pid ?? 0, ...others].map(hasEnded), [false, false, false]);
      assert.deepEqual(said, []);
    } finally {
      for (const pid of [child.pid ?? 0, ...others]) process.kill(pid, "SIGKILL");
    }
  });
});
