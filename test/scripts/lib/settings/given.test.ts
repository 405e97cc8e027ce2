import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { catalogue } from "../../../../components/catalogue/index.ts";
import { resolveEstate } from "../../../../components/estateConfig.ts";
import { UNKNOWN } from "../../../../scripts/lib/esc/index.ts";
import { projectDir } from "../../../../scripts/lib/paths.ts";
import { openHere, type Given } from "../../../../scripts/lib/settings/given.ts";
import { refuseMisplacedSecrets } from "../../../../scripts/lib/settings/misplaced.ts";
import type { Schema } from "../../../../scripts/lib/settings/placeholders.ts";
import { isSettings, merged, pathInWords, SecretValue } from "../../../../scripts/lib/settings/tree.ts";
import { cleanUp, temporaryFolder, write } from "../../support.ts";

const KEY = "mcp-estate:gateway";

describe("what environments give to a stack (R-SEC-01)", () => {
  afterEach(cleanUp);

  function given(files: Record<string, string>, environment: unknown, secrets: Record<string, string> = {}): Given {
    const project = temporaryFolder();
    write(project, "Pulumi.yaml", "name: mcp-estate\n");
    for (const [name, text] of Object.entries(files)) write(project, `esc/${name}.yaml`, text);
    const options = { project, stackFile: "Pulumi.x.yaml", environment };
    return openHere({ ...options, secrets: new Map(Object.entries(secrets)) });
  }

  it("is nothing where a stack file names none", () => {
    assert.deepEqual(given({}, undefined).config, {});
  });

  it("is their settings, imports first, the last one wins, objects merged", () => {
    const files = {
      base: `{ values: { pulumiConfig: { "${KEY}": { port: 1, bind: 10.0.0.1 } } } }`,
      prod: `{ imports: [org/mcp-estate/base@stable], values: { pulumiConfig: { "${KEY}": { port: 2 } } } }`,
      "other/prod": `{ values: { pulumiConfig: { orphans: { keepImages: 3 } } } }`,
    };
    assert.deepEqual(given(files, ["mcp-estate/prod"]).config, { [KEY]: { port: 2, bind: "10.0.0.1" } });
    assert.deepEqual(given(files, ["prod", "other/prod"]).config, {
      [KEY]: { port: 2, bind: "10.0.0.1" },
      // A key without a namespace is this project's.
      "mcp-estate:orphans": { keepImages: 3 },
    });
    const inline = { imports: [{ base: { merge: true } }], values: { pulumiConfig: { "o:x": 3 } } };
    assert.deepEqual(given(files, inline).config, { [KEY]: { port: 1, bind: "10.0.0.1" }, "o:x": 3 });
  });

  it("R-SEC-03: marks as secret every leaf that is made of a secret, and prints none", () => {
    const text =
      'values: { db: { fn::secret: DB }, pulumiConfig: { a: { fn::fromJSON: "${db}" }, b: ["x-${db}", 1], c: plain } }';
    const { config, secrets } = given({ prod: text }, ["prod"], { DB: '{"user":"canary","port":5432,"none":null}' });
    assert.deepEqual(config["mcp-estate:a"], {
      user: new SecretValue("canary"),
      port: new SecretValue("5432"),
      none: null,
    });
    const [first] = config["mcp-estate:b"] as unknown[];
    assert.ok(first instanceof SecretValue);
    assert.equal(config["mcp-estate:c"], "plain");
    assert.deepEqual(secrets, ["DB"]);
    assert.doesNotMatch(JSON.stringify(config), /canary/);
  });

  it("gives variables and files of scalars, and refuses others by name", () => {
    const text =
      "values: { environmentVariables: { A: 1, B: true, C: null }, files: { KUBECONFIG: { fn::toJSON: { a: 1 } } } }";
    const { variables, files } = given({ prod: text }, ["prod"]);
    assert.deepEqual({ ...variables }, { A: "1", B: "true" });
    assert.deepEqual({ ...files }, { KUBECONFIG: '{"a":1}' });
    assert.throws(
      () => given({ prod: "values: { files: { F: [1] } }" }, ["prod"]),
      /values\.files\.F is a list or an object; allowed is text/,
    );
    assert.throws(
      () => given({ prod: "values: { pulumiConfig: 5 }" }, ["prod"]),
      /values\.pulumiConfig: an object is needed/,
    );
  });

  it("R-SEC-04: leaves open what is not at hand, and names it", () => {
    const { config, unavailable } = given(
      { prod: "values: { pulumiConfig: { a: { fn::secret: GONE }, b: { fn::open::aws-login: {} } } }" },
      ["prod"],
    );
    assert.deepEqual(config, { "mcp-estate:a": UNKNOWN, "mcp-estate:b": UNKNOWN });
    assert.match(
      unavailable.join("\n"),
      /^esc\/prod\.yaml: values\.pulumiConfig\.a: secret GONE is not set\nesc\/prod\.yaml: values\.pulumiConfig\.b: fn::open::aws-login/,
    );
  });

  it("refuses an environment that is not defined, and one that imports itself, by name", () => {
    assert.throws(
      () => given({}, ["other/nope"]),
      /Pulumi\.x\.yaml: environment: imports: environment "other\/nope" is not defined here \(no file esc\/other\/nope\.yaml\)/,
    );
    assert.throws(
      () => given({ a: "imports: [b]", b: "imports: [mcp-estate/a]" }, ["a"]),
      /imports itself: esc\/a\.yaml → esc\/b\.yaml → esc\/a\.yaml/,
    );
  });
});

describe("the definitions of this repository (R-SEC-01, R-DEP-08)", () => {
  const open = (stackFile: string, environment: unknown) =>
    openHere({ project: projectDir, stackFile, environment, secrets: new Map([["GITHUB_TOKEN", "canary"]]) });
  const contentOf = (stackFile: string) =>
    parse(readFileSync(join(projectDir, stackFile), "utf8")) as {
      environment?: unknown;
      config: Record<string, unknown>;
    };

  it("R-DEP-08: prod takes its environment, is what the program accepts, and differs from dev where it should", () => {
    const prod = contentOf("Pulumi.prod.yaml");
    const { config, unavailable } = open("Pulumi.prod.yaml", prod.environment);
    assert.deepEqual(unavailable, []);
    const settings = merged([config, prod.config]);
    const own = Object.entries(settings).map(([key, value]) => [key.replace("mcp-estate:", ""), value]);
    const estate = resolveEstate(Object.fromEntries(own), catalogue);
    assert.deepEqual(
      [
        estate.gateway.bind,
        estate.gateway.port,
        estate.volumes.protect,
        estate.health.failures,
        estate.gate.timeoutSeconds,
      ],
      ["127.0.0.1", 11001, true, 2, 45],
    );
    const { patterns, patterned, keepImages } = estate.orphans;
    assert.deepEqual({ patterns, patterned, keepImages }, { patterns: ["mcp/*"], patterned: "report", keepImages: 10 });
    assert.notDeepEqual(settings, contentOf("Pulumi.dev.yaml").config);
  });

  it("hold names of secrets and no value; the example's login is Pulumi Cloud's", () => {
    for (const name of readdirSync(join(projectDir, "esc"))) {
      const text = readFileSync(join(projectDir, "esc", name), "utf8");
      for (const [, secret] of text.matchAll(/fn::secret: *(.*)/g)) assert.match(secret ?? "", /^[A-Z_]+( #.*)?$/);
      assert.doesNotMatch(text, /ciphertext|secure:/);
      assert.doesNotThrow(() => open("test", [`mcp-estate/${name.replace(".yaml", "")}`]));
    }
    const { unavailable, secrets } = open("test", ["mcp-estate/example"]);
    assert.deepEqual(secrets, ["GITHUB_TOKEN"]);
    assert.equal(unavailable.length, 1);
    assert.match(unavailable[0] ?? "", /esc\/example\.yaml: values\.aws\.login: fn::open::aws-login is not done here/);
    assert.deepEqual(open("test", ["mcp-estate/dev"]).unavailable, []);
  });
});

describe("settings of a stack file over those of environments (R-SEC-01)", () => {
  it("merges objects, and takes a secret, a sealed one and a list whole", () => {
    assert.deepEqual(merged([{ a: { b: 1, c: 2 } }, { a: { b: 3 } }]), { a: { b: 3, c: 2 } });
    assert.deepEqual(merged([{ a: { b: 1 } }, { a: 2 }]), { a: 2 });
    assert.deepEqual(merged([{ a: { b: 1 } }, { a: { secure: "v1:x" } }]), { a: { secure: "v1:x" } });
    assert.deepEqual(merged([{ a: new SecretValue("x") }, { a: { b: 1 } }]), { a: { b: 1 } });
    assert.deepEqual(merged([{ a: [1, 2] }, { a: [3] }]), { a: [3] });
    assert.deepEqual(merged([JSON.parse('{"__proto__":{"x":1}}') as Record<string, unknown>, { y: 1 }]).y, 1);
    assert.equal(isSettings(new SecretValue("x")), false);
    assert.equal(pathInWords(["a:b", "c", 0, "d"]), "a:b.c[0].d");
  });

  it("R-SEC-03: takes a secret only where the program keeps it secret", () => {
    const whole = JSON.parse(readFileSync(join(projectDir, "docs/estate.schema.json"), "utf8")) as Schema;
    const schema = whole.properties?.["config"] ?? {};
    const secret = new SecretValue("canary");
    const right = {
      "mcp-estate:servers": { memory: { secretEnv: { TOKEN: secret } } },
      "mcp-estate:services": { db: { secretEnv: { PASSWORD: secret } } },
      "docker:registryAuth": [{ password: secret }],
    };
    assert.doesNotThrow(() => refuseMisplacedSecrets(right, schema, "mcp-estate"));
    const wrong = {
      "mcp-estate:gateway": { bind: secret },
      "mcp-estate:servers": { memory: { env: { TOKEN: secret }, args: ["--token", secret] } },
      "mcp-estate:nothing": secret,
    };
    assert.throws(
      () => refuseMisplacedSecrets(wrong, schema, "mcp-estate"),
      (error: Error) => {
        assert.match(
          error.message,
          /^mcp-estate:gateway\.bind, mcp-estate:servers\.memory\.env\.TOKEN, mcp-estate:servers\.memory\.args\[1\], mcp-estate:nothing: a secret/,
        );
        assert.doesNotMatch(error.message, /canary/);
        return true;
      },
    );
  });
});
