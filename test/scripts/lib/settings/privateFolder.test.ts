import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { projectDir } from "../../../../scripts/lib/paths.ts";
import { withPrivateFolder } from "../../../../scripts/lib/settings/privateFolder.ts";

describe("the folder of generated settings (R-SEC-03)", () => {
  it("is its owner's alone, in memory where the system has that, and gone afterwards, on failure too", async () => {
    let seen = "";
    const failed = withPrivateFolder((folder) => {
      seen = folder;
      assert.equal(statSync(folder).mode & 0o777, 0o700);
      if (existsSync("/dev/shm")) assert.match(folder, /^\/dev\/shm\//);
      writeFileSync(join(folder, "x"), "x");
      return Promise.reject(new Error("as wanted"));
    });
    await assert.rejects(failed, /as wanted/);
    assert.equal(existsSync(seen), false);
    assert.equal(process.listenerCount("SIGTERM"), 0);
  });

  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    it(`is gone after ${signal}, which ends the process as before`, async () => {
      const module = pathToFileURL(join(projectDir, "scripts/lib/settings/privateFolder.ts")).href;
      const script = `import { withPrivateFolder } from ${JSON.stringify(module)};
        await withPrivateFolder((folder) => { console.log(folder); return new Promise(() => setInterval(() => {}, 1000)); });`;
      const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const [data] = (await once(child.stdout, "data")) as [Buffer];
      const folder = data.toString().trim();
      assert.ok(existsSync(folder));
      child.kill(signal);
      const [, endedBy] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
      assert.equal(endedBy, signal);
      assert.equal(existsSync(folder), false);
    });
  }
});
