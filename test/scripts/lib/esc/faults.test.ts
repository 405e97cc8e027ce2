import assert from "node:assert/strict";
import { hasSecret, isObject, UNKNOWN, plainOf } from "../../../../scripts/lib/esc/index.ts";
import { openHere, valuesOf } from "./openHere.ts";

describe("definitions that cannot be evaluated (R-SEC-01, R-SEC-04)", () => {
  /** The one line that a definition is refused with. */
  function fault(text: string, secrets?: Readonly<Record<string, string>>): string {
    try {
      valuesOf(text, secrets);
    } catch (error) {
      const message = (error as Error).message;
      assert.doesNotMatch(message, /\n/);
      return message;
    }
    return assert.fail(`not refused: ${text}`);
  }

  it("an unknown key is named with its path and with what there is", () => {
    assert.equal(
      fault('values: { a: { b: 1, d: 2 }, x: { y: "${a.c}" } }'),
      'env: values.x.y: ${a.c}: there is no "c"; there is b, d',
    );
    assert.match(fault('values: { x: "${nope}" }'), /there is no "nope"; there is x$/);
    assert.match(fault('values: { a: [1], x: "${a[1]}" }'), /there is no element 1 in a list of 1/);
    assert.match(fault('values: { a: [1], x: "${a.b}" }'), /there is no element "b" in a list of 1/);
    assert.match(fault('values: { a: 1, x: "${a.b}" }'), /"b" is asked of a number/);
    assert.match(fault('values: { a: 1, x: "${imports.b}" }'), /there is no "b"; there is nothing/);
  });

  it("a value or an environment that is made of itself is named with the circle", () => {
    assert.equal(
      fault('values: { a: { p: "${b}" }, b: "x ${a.p}" }'),
      "env: values.a.p is made of itself: a.p → b → a.p",
    );
    assert.match(fault('values: { a: { "fn::toJSON": "${a}" } }'), /values\.a is made of itself/);
    assert.throws(
      () => openHere({ "p/a": "imports: [p/b]", "p/b": "imports: [x/p/a@3]" }, ["p/a"]),
      /p\/b: imports: environment "x\/p\/a@3" imports itself: p\/a → p\/b → p\/a/,
    );
  });

  it("a missing import is named with who imports it", () => {
    assert.throws(() => openHere({}, ["p/a"]), /stack: environment: imports: environment "p\/a" is not defined here/);
    assert.throws(
      () => openHere({ a: "imports: [b/c]" }, ["a"]),
      /^UserError: a: imports: environment "b\/c" is not defined/,
    );
    assert.throws(() => openHere({ a: "{}" }, ["../a"]), /"\.\.\/a" is no name of an environment/);
    assert.match(
      fault('values: { a: "${environments.p.q.r}" }'),
      /\$\{environments\.p\.q\.r\}: environment "p\/q" is not/,
    );
    assert.match(fault('values: { a: "${environments.p}" }'), /an environment is needed/);
  });

  for (const [title, text, message] of [
    ["no YAML", "values: { a: [", /^env is no YAML: /],
    ["a key given twice", "values: { a: 1, a: 2 }", /^env is no YAML: Map keys must be unique/],
    ["an unknown top-level key", "valuez: {}", /^env: unknown key "valuez"; allowed are description, imports, values$/],
    ["values that are no object", "values: [1]", /^env: values: an object is needed$/],
    ["imports that are no list", "imports: a", /^env: imports: a list of names is needed$/],
    ["an import that is no name", "imports: [5]", /^env: imports\[0\]: a name is needed/],
    ["an unknown option of an import", "imports: [{ a: { mrge: true } }]", /unknown option "mrge"; allowed is merge/],
    ["a reserved name", "values: { context: 1 }", /values\.context: this name is taken by ESC itself/],
    ["a reference without an end", 'values: { a: "${b" }', /the reference "\$\{b" has no "\}"/],
    ["an empty reference", 'values: { a: "${}" }', /has no name to begin with/],
    ["a broken path", 'values: { a: "${b..c}" }', /is none; allowed is/],
    ["something beside a function", "values: { a: { fn::toJSON: 1, b: 2 } }", /fn::toJSON stands alone in its object/],
    [
      "a function that is none",
      "values: { a: { fn::nope: 1 } }",
      /values\.a: there is no function fn::nope; allowed are fn::secret, fn::toJSON/,
    ],
    [
      "fn::join without a list",
      "values: { a: { fn::join: [x, y] } }",
      /values\.a\["fn::join"\]: \[delimiter, list of strings\]/,
    ],
    [
      "fn::join of numbers",
      "values: { a: { fn::join: [x, [1]] } }",
      /\["fn::join"\]\[1\]\[0\]: a string is needed, and this is a number/,
    ],
    ["fn::fromJSON of no JSON", "values: { a: { fn::fromJSON: '{' } }", /this is no JSON$/],
    [
      "fn::toBase64 of an object",
      "values: { a: { fn::toBase64: { b: 1 } } }",
      /a string is needed, and this is an object/,
    ],
    ["fn::fromBase64 of no base64", "values: { a: { fn::fromBase64: '###' } }", /this is no base64/],
    ["fn::fromBase64 of binary data", "values: { a: { fn::fromBase64: /w== } }", /this is binary data/],
  ] as const) {
    it(`refuses ${title}`, () => assert.match(fault(text), message));
  }

  it("refuses a value in the place of a secret's name, without repeating it", () => {
    for (const value of ["hunter2-hunter2", "{ ciphertext: aHVudGVyMg== }", "[hunter2]", '"${a.hunter2}"']) {
      const message = fault(`values: { a: { fn::secret: ${value} } }`);
      assert.match(message, /values\.a: fn::secret takes the name of a secret/);
      assert.doesNotMatch(message, /hunter2|aHVudGVyMg/);
    }
  });

  it("never shows what was wrong with a secret", () => {
    const message = fault("values: { a: { fn::fromJSON: { fn::secret: KEY } } }", { KEY: "canary-1234" });
    assert.doesNotMatch(message, /canary/);
  });

  for (const name of [
    "fn::open",
    "fn::open::aws-login",
    "fn::open::anything-new",
    "fn::rotate",
    "fn::rotate::aws-iam",
    "fn::concat",
    "fn::split",
    "fn::final",
    "fn::validate",
  ]) {
    it(`names ${name} with its path and what to do, and all that is made of it is unknown and secret`, () => {
      const text = `values: { login: { ${name}: { x: 1 } }, id: "\${login.id}", text: "a \${login.id}", json: { fn::toJSON: "\${login}" }, own: 1 }`;
      const { value, unavailable } = openHere({ env: text }, ["env"]);
      assert.equal(unavailable.length, 1);
      assert.ok(
        unavailable[0]?.startsWith(`env: values.login: ${name} is not done here, Pulumi Cloud does it: log in`),
      );
      assert.deepEqual(plainOf(value), { login: UNKNOWN, id: UNKNOWN, text: UNKNOWN, json: UNKNOWN, own: 1 });
      assert.ok(isObject(value));
      assert.deepEqual(
        [...value.data].filter(([, each]) => !hasSecret(each)).map(([key]) => key),
        ["own"],
      );
    });
  }

  it("names a secret that is not set, once, with its path", () => {
    const { value, unavailable } = openHere({ env: 'values: { a: { fn::secret: KEY }, b: "x${a}" }' }, ["env"]);
    assert.deepEqual(unavailable, ["env: values.a: secret KEY is not set"]);
    assert.deepEqual(plainOf(value), { a: UNKNOWN, b: UNKNOWN });
  });
});
