import assert from "node:assert/strict";
import { hasSecret, isObject, plainOf, UNKNOWN } from "../../../../scripts/lib/esc/index.ts";
import { openHere, valuesOf } from "./openHere.ts";

/** Facts of Pulumi's documentation of ESC: what a definition gives. */
describe("definitions of environments, as documented (R-SEC-01)", () => {
  const user = { name: "Real Name", login: "user-login" };

  it("a reference alone is a copy", () => {
    const text = 'values: { user: { name: Real Name, login: user-login }, user-copy: "${user}" }';
    assert.deepEqual(valuesOf(text), { user, "user-copy": user });
  });

  it("a reference within a text is its string form", () => {
    const text = 'values: { user: { name: Real Name, login: user-login }, greeting: "Hello, ${user.name}!" }';
    assert.deepEqual(valuesOf(text), { user, greeting: "Hello, Real Name!" });
  });

  it("fn::join, fn::toJSON, fn::fromJSON, fn::toBase64, fn::fromBase64", () => {
    assert.deepEqual(valuesOf('values: { list: [one, two, three], joined: { "fn::join": [", ", "${list}"] } }'), {
      list: ["one", "two", "three"],
      joined: "one, two, three",
    });
    assert.deepEqual(valuesOf('values: { json: { "fn::toJSON": { hello: world } } }'), { json: '{"hello":"world"}' });
    assert.deepEqual(valuesOf(`values: { object: { "fn::fromJSON": '{"hello": "world"}' } }`), {
      object: { hello: "world" },
    });
    assert.deepEqual(valuesOf('values: { data: { "fn::fromBase64": aGVsbG8sIHdvcmxkIQo= } }'), {
      data: "hello, world!\n",
    });
    assert.deepEqual(valuesOf('values: { data: { "fn::toBase64": "hello, world!\\n" } }'), {
      data: "aGVsbG8sIHdvcmxkIQo=",
    });
  });

  it("fn::toString: scalars as they are, null empty, what is nested quoted, objects sorted by key", () => {
    const forms: Array<[string, string]> = [
      ["true", "true"],
      ["12.5", "12.5"],
      ["some text", "some text"],
      ["null", ""],
      ["[a, b]", '"a","b"'],
      ["[1, 2]", '"1","2"'],
      ["{ b: y, a: x }", '"a"="x","b"="y"'],
      ["[[a], b]", '"\\"a\\"","b"'],
    ];
    for (const [given, text] of forms) {
      assert.deepEqual(valuesOf(`values: { text: { "fn::toString": ${given} } }`), { text });
    }
  });

  const shops = {
    "stripe/dev":
      "values: { stripe: { apiURL: https://api.stripe.com, apiKey: { fn::secret: STRIPE_KEY } }, aws: { region: us-west-2 } }",
  };

  it("explicit imports: everything of them is there, and can be referred to", () => {
    const app =
      'imports: [stripe/dev]\nvalues: { environmentVariables: { STRIPE_API_KEY: "${stripe.apiKey}", STRIPE_API_URL: "${stripe.apiURL}" } }';
    const { value } = openHere({ ...shops, app }, ["app"], { STRIPE_KEY: "sk_example" });
    assert.deepEqual(plainOf(value), {
      aws: { region: "us-west-2" },
      environmentVariables: { STRIPE_API_KEY: "sk_example", STRIPE_API_URL: "https://api.stripe.com" },
      stripe: { apiKey: "sk_example", apiURL: "https://api.stripe.com" },
    });
    const variables = isObject(value) ? value.data.get("environmentVariables") : undefined;
    assert.ok(isObject(variables));
    const secret = [...variables.data].filter(([, each]) => hasSecret(each)).map(([name]) => name);
    assert.deepEqual(secret, ["STRIPE_API_KEY"]);
  });

  it("implicit imports: only what is referred to is there", () => {
    const app = 'values: { AWS_REGION: "${environments.stripe.dev.aws.region}" }';
    const { value, unavailable } = openHere({ ...shops, app }, ["app"], { STRIPE_KEY: "x" });
    assert.deepEqual(plainOf(value), { AWS_REGION: "us-west-2" });
    assert.deepEqual(unavailable, []);
  });

  it("imports with merge: false are there by `imports` only", () => {
    const files = {
      "app/dev": "values: { name: My App }",
      env: "imports:\n  - app/dev: { merge: false }\nvalues: { other: 'Hello, ${imports[\"app/dev\"].name}!' }",
    };
    assert.deepEqual(plainOf(openHere(files, ["env"]).value), { other: "Hello, My App!" });
  });

  it("precedence: own values last, imports in their order, references bound where they stand", () => {
    const a = "values: { foo: bar }";
    const b = 'imports: [p/a]\nvalues: { foo: baz, pulumiConfig: { foo: "${foo}" } }';
    const own = 'imports: [p/a, p/b]\nvalues: { foo: qux, pulumiConfig: { foo: "${foo}" } }';
    const open = (c: string) => plainOf(openHere({ "p/a": a, "p/b": b, "p/c": c }, ["p/c"]).value);
    assert.deepEqual(open(own), { foo: "qux", pulumiConfig: { foo: "qux" } });
    const swapped = 'imports: [p/b, p/a]\nvalues: { pulumiConfig: { foo: "${foo}" } }';
    assert.deepEqual(open(swapped), { foo: "bar", pulumiConfig: { foo: "bar" } });
    // What p/b made of its own foo stays as it was made.
    assert.deepEqual(open("imports: [p/b, p/a]"), { foo: "bar", pulumiConfig: { foo: "baz" } });
    assert.deepEqual(open("imports: [p/a]\nvalues: { foo: null }"), { foo: null });
  });

  it("the sample definition's parts that need no provider", () => {
    const text = `
values:
  app:
    setting: example
    replicas: 3
    enabled: true
    nested: { setting: nested-example }
    items: [config-a, config-b]
    settingCopy: \${app.setting}
    currentEnvName: \${context.currentEnvironment.name}
    password: { fn::secret: APP_PASSWORD }
    url: { fn::join: [", ", "\${app.items}"] }
    passwordB64: { fn::toBase64: "\${app.password}" }
    plainString: { fn::fromBase64: "\${app.passwordB64}" }
    jsonConfig: { fn::toJSON: "\${app.nested}" }
    jsonConfigObject: { fn::fromJSON: "\${app.jsonConfig}" }
    strConfig: { fn::toString: "\${app.nested}" }`;
    assert.deepEqual(valuesOf(text, { APP_PASSWORD: "YQ!r24kdF7" }), {
      app: {
        setting: "example",
        replicas: 3,
        enabled: true,
        nested: { setting: "nested-example" },
        items: ["config-a", "config-b"],
        settingCopy: "example",
        currentEnvName: "env",
        password: "YQ!r24kdF7",
        url: "config-a, config-b",
        passwordB64: "WVEhcjI0a2RGNw==",
        plainString: "YQ!r24kdF7",
        jsonConfig: '{"setting":"nested-example"}',
        jsonConfigObject: { setting: "nested-example" },
        strConfig: '"setting"="nested-example"',
      },
    });
  });

  it("paths with quotes, indices and neighbours, `$$` for a dollar", () => {
    const text = `
values:
  a: { p: "\${a.q}", q: foo, u: { '"baz': merp, x.y: { z: [1, { w: deep }] } } }
  c:
    list: ["\${a.p}", "hello, \${c.b}", "\${c.list[0]} bar", '\${a.u["\\"baz"]}', '\${a.u["x.y"].z[1].w}']
    b: world!
  text: "costs $$5, $\${not.me}, $"`;
    const found = valuesOf(text) as { c: { list: unknown }; text: string };
    assert.deepEqual(found.c.list, ["foo", "hello, world!", "foo bar", "merp", "deep"]);
    assert.equal(found.text, "costs $5, ${not.me}, $");
  });

  it("what is known to Pulumi Cloud alone is unknown here, and named", () => {
    const text =
      'values: { who: "${context.pulumi.user.login}", hello: "Hello ${who}", root: "${context.rootEnvironment.name}" }';
    const { value, unavailable } = openHere({ env: text }, ["env"]);
    assert.deepEqual(plainOf(value), { who: UNKNOWN, hello: UNKNOWN, root: UNKNOWN });
    assert.match(
      unavailable.join("\n"),
      /env: values\.who: \$\{context\.pulumi\.user\.login\} is known to Pulumi Cloud/,
    );
  });
});
