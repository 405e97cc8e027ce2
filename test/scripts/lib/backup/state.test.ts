import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { backupKey } from "../../../../scripts/lib/backup/key.ts";
import { backupState, openState, restoreState } from "../../../../scripts/lib/backup/state.ts";
import { hasState, readStateFiles, statePlace } from "../../../../scripts/lib/backup/stateFiles.ts";
import { listBackups, STATE, volumeDir, volumesWithBackups } from "../../../../scripts/lib/backup/store.ts";
import { cleanUp, listener, temporaryFolder, write } from "../../support.ts";

const owner = { estate: "estate", stack: "dev" };

describe("backups of the state (R-VOL-04, R-TST-12)", () => {
  afterEach(cleanUp);

  async function deployed() {
    const project = temporaryFolder();
    const env = { HOME: temporaryFolder() };
    write(project, "Pulumi.dev.yaml", "config: {}\n");
    write(project, ".pulumi/stacks/estate/dev.json", '{"secret":"in the state"}');
    const root = temporaryFolder();
    const options = { owner, root, keep: 2, key: await backupKey("make", env), ...listener(), update: 3 };
    return { project, options, folder: volumeDir(root, owner, STATE), place: statePlace(owner, project, env) };
  }

  it("are sealed, signed and opened again before they count; the newest stay", async () => {
    const { options, place, folder } = await deployed();
    for (let i = 0; i < 3; i++) assert.ok(await backupState(options, place));
    const backups = listBackups(folder);
    assert.equal(backups.length, 2);
    assert.ok(backups.every(({ isWhole }) => isWhole));
    assert.equal(backups[0]?.manifest.update, 3);
    for (const name of readdirSync(folder))
      assert.ok(!readFileSync(join(folder, name), "latin1").includes("in the state"));
    assert.deepEqual(volumesWithBackups(options.root, owner), [], "no volume is called so");
  });

  it("are not made of what is not there", async () => {
    const { project, options, place } = await deployed();
    rmSync(join(project, ".pulumi"), { recursive: true });
    assert.equal(await backupState(options, place), undefined);
  });

  it("bring a lost state back, and one that is there only when asked to", async () => {
    const { project, options, place, folder } = await deployed();
    const files = readStateFiles(place);
    await backupState(options, place);
    const [backup] = listBackups(folder);
    assert.ok(backup);
    await assert.rejects(restoreState(options, place, { backup, replace: false }), /has a state here.*--replace/);
    rmSync(join(project, ".pulumi"), { recursive: true });
    await restoreState(options, place, { backup, replace: false });
    assert.ok(hasState(place));
    assert.deepEqual(readStateFiles(place), files);
    write(project, ".pulumi/stacks/estate/dev.json", "{}");
    await restoreState(options, place, { backup, replace: true });
    assert.deepEqual(readStateFiles(place), files);
  });

  it("are refused when changed, sealed with another key, or of another stack; nothing is written then", async () => {
    const { project, options, place, folder } = await deployed();
    await backupState(options, place);
    rmSync(join(project, ".pulumi"), { recursive: true });
    const [backup] = listBackups(folder);
    assert.ok(backup);
    const strange = await backupKey("make", { HOME: temporaryFolder() });
    await assert.rejects(openState(strange, backup), /made with another key/);
    const other = { ...options, owner: { ...owner, stack: "prod" } };
    await assert.rejects(restoreState(other, place, { backup, replace: false }), /not of the state of "prod"/);
    writeFileSync(backup.file, readFileSync(backup.file).subarray(0, -3));
    await assert.rejects(
      restoreState(options, place, { backup, replace: false }),
      /is refused: it has \d+ bytes instead of/,
    );
    assert.equal(hasState(place), false);
  });
});
