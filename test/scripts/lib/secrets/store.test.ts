import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { changeSecrets, readSecrets, secretsFile, secretsKeyFile } from "../../../../scripts/lib/secrets/store.ts";
import { cleanUp, temporaryFolder } from "../../support.ts";

const owner = { estate: "mcp-estate", stack: "test" };

describe("secrets of a stack on this machine (R-SEC-01, R-SEC-03)", () => {
  afterEach(cleanUp);

  it("are sealed in a file that only its owner reads, under a key of its own", async () => {
    const env = { XDG_CONFIG_HOME: temporaryFolder() };
    assert.deepEqual(await readSecrets(owner, env), new Map());
    assert.equal(await changeSecrets(owner, (all) => all.set("TOKEN", "canary\nwith ümlaut"), env), true);
    assert.equal(await changeSecrets(owner, (all) => all.set("OTHER", "x"), env), false);
    assert.deepEqual(Object.fromEntries(await readSecrets(owner, env)), { OTHER: "x", TOKEN: "canary\nwith ümlaut" });
    const [file, key] = [secretsFile(owner, env), secretsKeyFile(env)];
    assert.doesNotMatch(readFileSync(file, "latin1"), /canary|TOKEN/);
    for (const each of [file, key]) assert.equal(statSync(each).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(dirname(file)), ["mcp-estate-test.age"]);
    await changeSecrets(owner, (all) => all.delete("TOKEN"), env);
    assert.deepEqual([...(await readSecrets(owner, env)).keys()], ["OTHER"]);
    assert.deepEqual(await readSecrets({ ...owner, stack: "prod" }, env), new Map());
  });

  it("lose nothing when two are set at once", async () => {
    const env = { XDG_CONFIG_HOME: temporaryFolder() };
    const names = ["A", "B", "C", "D"];
    await Promise.all(names.map((name) => changeSecrets(owner, (all) => all.set(name, name), env)));
    assert.deepEqual([...(await readSecrets(owner, env)).keys()], names);
  });

  it("cannot be opened without their key, and no new one is made in its place", async () => {
    const home = temporaryFolder();
    const env = { XDG_CONFIG_HOME: home };
    await changeSecrets(owner, (all) => all.set("TOKEN", "canary"), env);
    const lost = { ...env, MCP_ESTATE_SECRETS_KEY_FILE: `${home}/nowhere` };
    await assert.rejects(
      readSecrets(owner, lost),
      /the key of the secrets cannot be read .*put the one that they were sealed with/,
    );
    await assert.rejects(
      changeSecrets(owner, () => undefined, lost),
      /cannot be read/,
    );
    const strange = { ...env, MCP_ESTATE_SECRETS_KEY_FILE: `${temporaryFolder()}/key` };
    await changeSecrets({ ...owner, stack: "other" }, () => undefined, strange);
    await assert.rejects(readSecrets(owner, strange), /cannot be opened with .*another key/);
  });

  it("are refused when the file was damaged, in one line without a value", async () => {
    const env = { XDG_CONFIG_HOME: temporaryFolder() };
    await changeSecrets(owner, (all) => all.set("TOKEN", "canary"), env);
    const file = secretsFile(owner, env);
    const bytes = readFileSync(file);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(file, bytes);
    await assert.rejects(readSecrets(owner, env), (error: Error) => {
      assert.match(error.message, /damaged/);
      assert.doesNotMatch(error.message, /canary|\n/);
      return true;
    });
  });
});
