import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "../../../scripts/lib/engine.ts";
import { engineEnvironment, stateFolder } from "../../../scripts/lib/environment.ts";
import type { Environment } from "../../../scripts/lib/exec.ts";
import { passphraseFile } from "../../../scripts/lib/paths.ts";
import { cleanUp, temporaryFolder, write } from "../support.ts";

const engine: Engine = { file: "/engine/pulumi", version: "3.255.0", origin: "build", official: false };

describe("engineEnvironment", () => {
  let project: string;
  let home: string;
  beforeEach(() => {
    project = temporaryFolder();
    home = temporaryFolder();
    write(project, "Pulumi.dev.yaml", "config: {}\n");
  });
  afterEach(cleanUp);

  const environment = (env: Environment = {}, stack = "dev"): Environment =>
    engineEnvironment({ project, stack, engine, env: { HOME: home, PATH: "/usr/bin", ...env } });

  it("puts Node 24 first on PATH, then the engine, then the stand-ins", () => {
    const offline = { binDir: "/stand-ins/bin", env: { PULUMI_HOME: "/stand-ins/home" } };
    const env = engineEnvironment({ project, stack: "dev", engine, offline, env: { HOME: home, PATH: "/usr/bin" } });
    assert.equal(env["PATH"], `${project}/node_modules/node/bin:/engine:/stand-ins/bin:/usr/bin`);
    assert.equal(env["PULUMI_HOME"], "/stand-ins/home");
  });

  it("keeps the state in the project folder", () => {
    const env = environment();
    assert.equal(env["PULUMI_BACKEND_URL"], `file://${project}`);
    assert.equal(stateFolder(env), join(project, ".pulumi"));
  });

  it("lets the user's backend and access token win", () => {
    assert.equal(environment({ PULUMI_BACKEND_URL: "s3://states" })["PULUMI_BACKEND_URL"], "s3://states");
    const cloud = environment({ PULUMI_ACCESS_TOKEN: "pul-1" });
    assert.equal(cloud["PULUMI_BACKEND_URL"], undefined);
    assert.equal(cloud["PULUMI_CONFIG_PASSPHRASE_FILE"], undefined);
    assert.equal(stateFolder(cloud), undefined);
    assert.equal(stateFolder({ PULUMI_BACKEND_URL: "file://~/states", HOME: home }), join(home, "states", ".pulumi"));
  });

  it("makes a passphrase that its owner alone can read, once", () => {
    const file = environment()["PULUMI_CONFIG_PASSPHRASE_FILE"] ?? "";
    assert.equal(file, passphraseFile(project, { HOME: home }));
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const passphrase = readFileSync(file, "utf8");
    assert.ok(passphrase.trim().length >= 43);
    assert.equal(environment()["PULUMI_CONFIG_PASSPHRASE_FILE"], file);
    assert.equal(readFileSync(file, "utf8"), passphrase);
  });

  it("lets the user's passphrase win and makes none then", () => {
    const given = write(home, "given", "x");
    assert.equal(environment({ PULUMI_CONFIG_PASSPHRASE: "" })["PULUMI_CONFIG_PASSPHRASE_FILE"], undefined);
    assert.equal(environment({ PULUMI_CONFIG_PASSPHRASE_FILE: given })["PULUMI_CONFIG_PASSPHRASE_FILE"], given);
    assert.equal(existsSync(passphraseFile(project, { HOME: home })), false);
  });

  it("makes none for a stack that a key service encrypts", () => {
    write(project, "Pulumi.prod.yaml", "secretsprovider: awskms://alias/x\n");
    assert.equal(environment({}, "prod")["PULUMI_CONFIG_PASSPHRASE_FILE"], undefined);
  });

  it("refuses a passphrase file that is not there", () => {
    assert.throws(() => environment({ PULUMI_CONFIG_PASSPHRASE_FILE: "/nowhere" }), {
      name: "UserError",
      message: 'PULUMI_CONFIG_PASSPHRASE_FILE is "/nowhere", and there is no such file; correct or unset it',
    });
  });

  it("drops a salt that came with the checkout and encrypts nothing here", () => {
    write(project, "Pulumi.yaml", "name: mcp-estate\n");
    write(project, "Pulumi.dev.yaml", "config:\n  a:b: c\nencryptionsalt: v1:abc\n");
    const file = passphraseFile(project, { HOME: home });
    assert.equal(environment()["PULUMI_CONFIG_PASSPHRASE_FILE"], file);
    assert.equal(readFileSync(join(project, "Pulumi.dev.yaml"), "utf8"), "config:\n  a:b: c\n");
  });

  it("keeps a salt that encrypts a state of this folder", () => {
    write(project, "Pulumi.yaml", "name: mcp-estate\n");
    write(project, "Pulumi.dev.yaml", "encryptionsalt: v1:abc\n");
    write(project, ".pulumi/stacks/mcp-estate/dev.json", "{}");
    assert.throws(() => environment(), /stack "dev" is encrypted/);
    assert.equal(readFileSync(join(project, "Pulumi.dev.yaml"), "utf8"), "encryptionsalt: v1:abc\n");
  });

  it("keeps a salt that encrypts a setting, in any style of YAML", () => {
    for (const secret of ["a:b: { secure: v1:x }", 'a:b: { "secure": "v1:x" }', "a:b:\n    secure: v1:x"]) {
      const text = `encryptionsalt: v1:abc\nconfig:\n  ${secret}\n`;
      write(project, "Pulumi.dev.yaml", text);
      assert.throws(() => environment(), /stack "dev" is encrypted/);
      assert.equal(readFileSync(join(project, "Pulumi.dev.yaml"), "utf8"), text);
    }
  });

  it("never invents a passphrase for a stack that has one already, and says where it looked", () => {
    write(project, "Pulumi.dev.yaml", "encryptionsalt: v1:abc\nconfig:\n  a:b:\n    secure: v1:x\n");
    const file = passphraseFile(project, { HOME: home });
    assert.throws(
      () => environment(),
      (error: Error) => {
        assert.equal(error.name, "UserError");
        assert.match(
          error.message,
          /^stack "dev" is encrypted \(encryptionsalt in .*Pulumi\.dev\.yaml\) and its passphrase is not here/,
        );
        assert.ok(error.message.includes(file));
        return true;
      },
    );
    assert.equal(existsSync(file), false);
    const lenient = engineEnvironment({
      project,
      stack: "dev",
      engine,
      env: { HOME: home },
      onMissingPassphrase: "leaveUnset",
    });
    assert.equal(lenient["PULUMI_CONFIG_PASSPHRASE_FILE"], undefined);
  });
});
