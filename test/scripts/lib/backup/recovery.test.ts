import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { RecoveryJournal } from "../../../../scripts/lib/backup/recovery.ts";
import { cleanUp, temporaryFolder } from "../../support.ts";

describe("journal of a recovery (R-TST-12)", () => {
  afterEach(cleanUp);

  it("knows over the end of its process which volumes still wait for their data, and goes when none does", () => {
    const folder = temporaryFolder();
    const journal = () => new RecoveryJournal({ estate: "estate", stack: "dev" }, folder);
    assert.deepEqual(journal().volumes, []);
    journal().add(["b", "a"]);
    journal().add(["b", "c"]);
    assert.deepEqual(journal().volumes, ["a", "b", "c"]);
    assert.deepEqual(new RecoveryJournal({ estate: "estate", stack: "prod" }, folder).volumes, []);
    journal().done("b");
    assert.deepEqual(journal().volumes, ["a", "c"]);
    for (const volume of ["a", "c"]) journal().done(volume);
    assert.ok(!existsSync(join(folder, "recovery/estate-dev.json")));
  });

  it("is not there when nothing was gone", () => {
    const folder = temporaryFolder();
    new RecoveryJournal({ estate: "estate", stack: "dev" }, folder).add([]);
    assert.ok(!existsSync(join(folder, "recovery/estate-dev.json")));
  });
});
