import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasState, readStateFiles, statePlace, writeStateFiles } from "../../../../scripts/lib/backup/stateFiles.ts";
import { passphraseFile } from "../../../../scripts/lib/paths.ts";
import { changeSecrets, readSecrets, secretsFile, secretsKeyFile } from "../../../../scripts/lib/secrets/store.ts";
import { cleanUp, temporaryFolder, write } from "../../support.ts";

const OWNER = { estate: "estate", stack: "dev" };
const SALT = "encryptionsalt: v1:abc\n";

describe("files of a stack's state (R-VOL-04)", () => {
  afterEach(cleanUp);

  function deployed(versions = 2) {
    const project = temporaryFolder();
    const home = temporaryFolder();
    const env = { HOME: home };
    write(project, "Pulumi.dev.yaml", `config:\n  a:b: c\n${SALT}`);
    write(project, ".pulumi/meta.yaml", "version: 1\n");
    write(project, ".pulumi/stacks/estate/dev.json", '{"state":1}');
    write(project, ".pulumi/stacks/estate/other.json", '{"other":1}');
    for (let i = 0; i < versions; i++) {
      const stem = `.pulumi/history/estate/dev/dev-${1000 + i}`;
      write(project, `${stem}.history.json`, `{"h":${i}}`);
      write(project, `${stem}.checkpoint.json`, `{"c":${i}}`);
    }
    const passphrase = passphraseFile(project, env);
    write(home, passphrase.slice(home.length + 1), "pass\n");
    return { project, env, passphrase, place: statePlace(OWNER, project, env) };
  }

  it("are none where nothing was deployed, or another backend keeps the state", () => {
    const { project, env } = deployed();
    assert.equal(readStateFiles(statePlace({ ...OWNER, stack: "nope" }, project, env)).size, 0);
    for (const elsewhere of [{ PULUMI_BACKEND_URL: "s3://bucket" }, { PULUMI_ACCESS_TOKEN: "pul-x" }]) {
      const place = statePlace(OWNER, project, { ...env, ...elsewhere });
      assert.equal(hasState(place), false);
      assert.equal(readStateFiles(place).size, 0);
      assert.throws(() => writeStateFiles(place, new Map()), /the state of this stack lies in .*not in a folder/);
    }
  });

  it("R-SEC-01: hold the secrets with their key, which come back where they are lost, never over newer ones", async () => {
    const { env, place } = deployed();
    const owner = place.owner;
    await changeSecrets(owner, (all) => all.set("TOKEN", "canary"), env);
    const files = readStateFiles(place);
    assert.doesNotMatch(files.get("secrets.age")?.toString("latin1") ?? "canary", /canary/);
    rmSync(secretsFile(owner, env));
    rmSync(secretsKeyFile(env));
    writeStateFiles(place, files);
    assert.equal((await readSecrets(owner, env)).get("TOKEN"), "canary");

    await changeSecrets(owner, (all) => all.set("TOKEN", "newer"), env);
    writeStateFiles(place, files);
    assert.equal((await readSecrets(owner, env)).get("TOKEN"), "newer");

    rmSync(secretsFile(owner, env));
    writeFileSync(secretsKeyFile(env), "another");
    assert.throws(() => writeStateFiles(place, files), /secrets are sealed with another key than .*secrets-key/);
    writeFileSync(secretsFile(owner, env), "x");
    rmSync(secretsKeyFile(env));
    assert.throws(() => readStateFiles(place), /has secrets .* and their key .* is not here/);
  });

  it("come back as they were, passphrase and history too, another stack's left alone", () => {
    const { project, passphrase, place } = deployed();
    const files = readStateFiles(place);
    assert.deepEqual([...files.keys()].filter((name) => !name.includes("history")).sort(), [
      "passphrase",
      "stack.yaml",
      "state/meta.yaml",
      "state/stacks/estate/dev.json",
    ]);
    rmSync(join(project, ".pulumi"), { recursive: true });
    rmSync(passphrase);
    rmSync(join(project, "Pulumi.dev.yaml"));
    writeStateFiles(place, files);
    assert.deepEqual(readStateFiles(place), files);
    assert.equal(statSync(passphrase).mode & 0o777, 0o600);
    assert.ok(!existsSync(join(project, ".pulumi/stacks/estate/other.json")));
  });

  it("are refused without their passphrase, which would make backups that nobody can use", () => {
    const { passphrase, place } = deployed();
    rmSync(passphrase);
    assert.throws(() => readStateFiles(place), /the passphrase of stack "dev" is not here.*put it into .*passphrase-/);
  });

  it("hold the newest fifty versions of the history", () => {
    const { place } = deployed(60);
    const stems = [...readStateFiles(place).keys()].filter((name) => name.endsWith(".history.json")).sort();
    assert.equal(stems.length, 50);
    assert.match(stems[0] ?? "", /dev-1010\.history\.json$/);
  });

  it("bring the salt back into settings that have changed since", () => {
    const { project, place } = deployed();
    const files = readStateFiles(place);
    writeFileSync(join(project, "Pulumi.dev.yaml"), "encryptionsalt: v1:other\nconfig:\n  a:b: new\n");
    writeStateFiles(place, files);
    assert.equal(readFileSync(join(project, "Pulumi.dev.yaml"), "utf8"), `config:\n  a:b: new\n${SALT}`);
  });

  it("refuse another passphrase that is in use here, before anything is written", () => {
    const { project, env, passphrase, place } = deployed();
    const files = readStateFiles(place);
    rmSync(join(project, ".pulumi"), { recursive: true });
    writeFileSync(passphrase, "another\n");
    assert.throws(() => writeStateFiles(place, files), /encrypted with another passphrase than the one in use here/);
    assert.ok(!existsSync(join(project, ".pulumi")));
    const byHand = statePlace(OWNER, project, { ...env, PULUMI_CONFIG_PASSPHRASE: "pass" });
    assert.doesNotThrow(() => writeStateFiles(byHand, files));
  });

  it("go where the passphrase is looked for", () => {
    const { project, env, passphrase, place } = deployed();
    const files = readStateFiles(place);
    rmSync(passphrase);
    const named = join(project, "named-passphrase");
    writeStateFiles(statePlace(OWNER, project, { ...env, PULUMI_CONFIG_PASSPHRASE_FILE: named }), files);
    assert.equal(readFileSync(named, "utf8"), "pass\n");
  });
});
