import assert from "node:assert/strict";
import { copyFileSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectDir } from "../../scripts/lib/paths.ts";
import { docker, TestEstate } from "./testEstate.ts";

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
    assert.match(prod, /^environment:\n {2}- mcp-estate\/prod$/m);
  });

  it("says by name what an environment gives and is not at hand; with --placeholders it previews", async () => {
    mkdirSync(join(estate.folder, "esc"), { recursive: true });
    writeFileSync(
      join(estate.folder, "esc/prod.yaml"),
      'values: { host: { fn::open::aws-secrets: {} }, pulumiConfig: { "mcp-estate:gateway": { bind: "${host.address}" }, "mcp-estate:health": { intervalSeconds: 7, timeoutSeconds: 2, failures: 2 } } }',
    );
    writeFileSync(stackFile(), `environment: [prod]\n${readFileSync(stackFile(), "utf8")}`);
    const refused = await estate.command("preview");
    assert.equal(refused.code, 1, refused.output);
    assert.match(
      refused.output,
      /error: .*esc\/prod\.yaml: values\.host: fn::open::aws-secrets is not done here, Pulumi Cloud/,
    );

    const { stdout } = await estate.succeed("preview", ["--placeholders"]);
    assert.match(stdout, /mcp-estate:gateway\.bind +"127\.0\.0\.99"/);
    assert.match(stdout, /create +container gateway/);
  });

  it("previews a stack whose passphrase is not here as if nothing were deployed, secrets by placeholders", async () => {
    await estate.pulumi(
      "config",
      "set",
      "--secret",
      "--path",
      "mcp-estate:servers.memory.secretEnv.TOKEN",
      "s3cret-value",
    );
    assert.match(readFileSync(stackFile(), "utf8"), /encryptionsalt/);
    const elsewhere = {
      XDG_CONFIG_HOME: join(estate.folder, "elsewhere"),
      PULUMI_BACKEND_URL: `file://${join(estate.folder, "elsewhere")}`,
    };
    mkdirSync(elsewhere.XDG_CONFIG_HOME);
    const { stdout } = await estate.succeed("preview", ["--placeholders"], elsewhere);
    assert.match(
      stdout,
      /mcp-estate:servers\.memory\.secretEnv\.TOKEN +"PLACEHOLDER-mcp-estate-servers-memory-secretEnv-TOKEN"/,
    );
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

describe("A stack with environments, deployed without Pulumi Cloud (R-SEC-01, R-SEC-03, R-SEC-04, R-SEC-09)", function () {
  this.timeout(180_000);
  const estate = new TestEstate("envs", { config: {} });
  const [first, second] = ["canary-first-7d1f0c", "canary-second-93be2a"];
  let output = "";

  before(async () => {
    await estate.create();
    mkdirSync(join(estate.folder, "esc"), { recursive: true });
    writeFileSync(
      join(estate.folder, "esc/base.yaml"),
      'values: { token: { fn::secret: API_TOKEN }, pulumiConfig: { "mcp-estate:servers": { everything: { secretEnv: { API_AUTH: "Bearer ${token}" } } } } }',
    );
    writeFileSync(
      join(estate.folder, "esc/envs.yaml"),
      'imports: [mcp-estate/base]\nvalues: { pulumiConfig: { "mcp-estate:servers": { everything: { limits: { pids: 40 } } } } }',
    );
    const file = join(estate.folder, "Pulumi.envs.yaml");
    writeFileSync(file, `environment: [mcp-estate/envs]\n${readFileSync(file, "utf8")}`);
  });
  after(() => estate.dispose());

  /** The environment of the process that is the server, as its own tool tells it; the gateway has none of it. */
  async function seen(): Promise<string> {
    const { body } = await estate.execute("everything", "get-env", {});
    const others = await estate.exec("gateway", ["ls", "/run/secrets"], "0");
    assert.doesNotMatch(others.output, /API_AUTH/);
    return JSON.stringify(body);
  }

  async function succeed(name: string, args: string[] = [], input?: string): Promise<string> {
    const result = await estate.succeed(name, args, {}, input);
    output += result.output;
    return result.output;
  }

  it("fails by name where a secret is missing, in preview and in up, and deploys nothing", async () => {
    for (const command of ["preview", "up"]) {
      const refused = await estate.command(command, command === "up" ? ["--yes"] : []);
      assert.equal(refused.code, 1, refused.output);
      assert.match(refused.output, /error: .*esc\/base\.yaml: values\.token: secret API_TOKEN is not set/);
    }
    assert.deepEqual(await estate.containers(), []);
    assert.match(await succeed("secret", ["list"]), /API_TOKEN +NOT SET +yes/);
  });

  it("brings it to the server that declares it, and its value is nowhere in clear", async () => {
    await succeed("secret", ["set", "API_TOKEN"], `${first}\n`);
    await succeed("up", ["--yes"]);
    assert.match(await seen(), new RegExp(`Bearer ${first}`));
    await requireNowhere([first]);
  });

  it("smoke, drift and refresh work on it, and find nothing changed", async () => {
    await succeed("smoke");
    assert.match(await succeed("drift"), /No drift: what runs is what was deployed/);
    await succeed("refresh", ["--yes"]);
    // The same value has the same ciphertext in each version: the history shows no change that is none.
    const sealed = [...(await estate.stateText()).matchAll(/"API_AUTH": *\{ *"secure": *"([^"]+)"/g)].map(
      ([, text]) => text,
    );
    assert.ok(sealed.length >= 2, `found ${sealed.length}`);
    assert.equal(new Set(sealed).size, 1);
  });

  it("brings a changed value by the next update, without an image, and back by a rollback", async () => {
    const images = (await estate.images()).map(({ Id }) => Id).sort();
    await succeed("secret", ["set", "API_TOKEN"], second);
    const updated = await succeed("up", ["--yes"]);
    assert.doesNotMatch(updated, /BuiltImage.*(created|replaced)/);
    assert.match(await seen(), new RegExp(`Bearer ${second}`));
    assert.deepEqual((await estate.images()).map(({ Id }) => Id).sort(), images);

    const history = await succeed("history");
    assert.match(history, /servers\.everything\.secretEnv\.API_AUTH/);
    await succeed("secret", ["remove", "API_TOKEN"]);
    await succeed("rollback", ["1"]);
    assert.match(await seen(), new RegExp(`Bearer ${first}`));
    await requireNowhere([first, second]);
  });

  /** Looks where a value could have been left; a value that is there on purpose is found, so that the search can fail. */
  async function requireNowhere(values: readonly string[]): Promise<void> {
    const places: Record<string, string> = {
      "state and history": await estate.stateText(),
      "the folders of project and user": await estate.textOfFiles(),
      output,
      images: JSON.stringify(await estate.images()),
      containers: JSON.stringify(
        await Promise.all((await estate.containers()).map(({ Id }) => docker.getContainer(Id).inspect())),
      ),
    };
    assert.match(places["the folders of project and user"] ?? "", /values\.token|fn::secret: API_TOKEN/);
    assert.match(places["state and history"] ?? "", /API_AUTH/);
    for (const [place, text] of Object.entries(places)) {
      for (const value of values) {
        for (const form of [value, Buffer.from(value).toString("base64").slice(0, -4)]) {
          assert.ok(!text.includes(form), `${value} is in ${place}`);
        }
      }
    }
    // Others' commands may have theirs there at this moment.
    const settings = globSync("/dev/shm/mcp-estate-settings-*/Pulumi.envs.yaml");
    assert.deepEqual(settings, []);
  }
});
