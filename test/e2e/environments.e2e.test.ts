import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectDir } from "../../scripts/lib/paths.ts";
import { TestEstate } from "./testEstate.ts";

describe("Environments, end to end (R-SEC-01, R-DEP-08)", function () {
  this.timeout(120_000);
  const estate = new TestEstate("envs", {
    config: { "mcp-estate:servers": { memory: {} } },
  });
  const stackFile = () => join(estate.folder, "Pulumi.envs.yaml");

  before(() => estate.create());
  after(() => {
    // Nothing was ever deployed.
    rmSync(estate.folder, { recursive: true, force: true });
  });

  it("previews prod as it is in the repository, which differs from dev where it should", async () => {
    copyFileSync(join(projectDir, "Pulumi.prod.yaml"), join(estate.folder, "Pulumi.prod.yaml"));
    const { stdout } = await estate.succeed("preview", ["--stack", "prod", "--placeholders"]);
    assert.match(stdout, /would make \d+ changes/);
    assert.match(stdout, /create +container fetch--2/);
    const prod = readFileSync(join(projectDir, "Pulumi.prod.yaml"), "utf8");
    assert.doesNotMatch(prod, /encryptionsalt|secure:/);
    for (const difference of [/protect: true/, /patterned: report/, /failures: 2/, /keepImages: 10/])
      assert.match(prod, difference);
  });

  it("says by name what an environment gives and is not at hand; with --placeholders it previews", async () => {
    mkdirSync(join(estate.folder, "esc"), { recursive: true });
    writeFileSync(
      join(estate.folder, "esc/prod.yaml"),
      'values: { pulumiConfig: { "mcp-estate:gateway": { bind: "${host.address}" }, "mcp-estate:health": { intervalSeconds: 7, timeoutSeconds: 2, failures: 2 } } }',
    );
    writeFileSync(stackFile(), `environment: [prod]\n${readFileSync(stackFile(), "utf8")}`);
    const refused = await estate.command("preview");
    assert.equal(refused.code, 1, refused.output);
    assert.match(refused.output, /error: stack "envs" takes mcp-estate:gateway\.bind from an environment/);

    const { stdout } = await estate.succeed("preview", ["--placeholders"]);
    assert.match(stdout, /mcp-estate:gateway\.bind +"192\.0\.2\.1"/);
    assert.match(stdout, /create +container gateway/);
  });

  it("previews a stack whose passphrase is not here as if nothing were deployed, secrets by placeholders", async () => {
    await estate.pulumi("config", "set", "--secret", "--path", "mcp-estate:servers.memory.env.TOKEN", "s3cret-value");
    assert.match(readFileSync(stackFile(), "utf8"), /encryptionsalt/);
    const elsewhere = {
      XDG_CONFIG_HOME: join(estate.folder, "elsewhere"),
      PULUMI_BACKEND_URL: `file://${join(estate.folder, "elsewhere")}`,
    };
    mkdirSync(elsewhere.XDG_CONFIG_HOME);
    const { stdout } = await estate.succeed("preview", ["--placeholders"], elsewhere);
    assert.match(stdout, /mcp-estate:servers\.memory\.env\.TOKEN +"PLACEHOLDER-mcp-estate-servers-memory-env-TOKEN"/);
    assert.doesNotMatch(stdout, /s3cret-value/);
    assert.match(stdout, /create +container memory/);
  });

  it("still fails by name for a key that is missing", async () => {
    const text = readFileSync(stackFile(), "utf8");
    writeFileSync(stackFile(), text.replace(/ {2}mcp-estate:servers:[\s\S]*?(?=\n\S|\n {2}\S|$)/, ""));
    const { code, output } = await estate.command("preview", ["--placeholders"]);
    assert.equal(code, 1, output);
    assert.match(output, /mcp-estate:servers: nothing given/);
  });
});
