import assert from "node:assert/strict";
import fc from "fast-check";
import { autoName } from "../../offline/plugins/autoName.ts";
import { randomPassword, randomString } from "../../offline/plugins/random/randomText.ts";
import { randomId } from "../../offline/plugins/random/randomId.ts";
import { asText, containsSecret, reveal, revealMap, secret, withSecretsOf } from "../../offline/plugins/values.ts";
import type { Value, ValueMap } from "../../offline/plugins/values.ts";
import type { OperationContext } from "../../offline/plugins/resourceType.ts";

const CONTEXT: OperationContext = {
  config: {},
  urn: "urn:pulumi:s::p::t::name",
  cancelled: new AbortController().signal,
  timeoutSeconds: 0,
  log: () => undefined,
};

/** Any plain value, with some of its parts secret. */
const anyValue: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string(),
    fc.boolean(),
    fc.integer(),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.string({ minLength: 1, maxLength: 4 }), tie("value"), {
      maxKeys: 4,
      noNullPrototype: true,
    }) as fc.Arbitrary<ValueMap>,
    tie("value").map(secret),
  ),
})).value;

describe("secrets", () => {
  it("come back where they were, whatever the shape", () => {
    fc.assert(
      fc.property(anyValue, (value) =>
        assert.deepEqual(reveal(withSecretsOf(reveal(value), value, true)), reveal(value)),
      ),
    );
  });

  it("never get lost: what held one holds one, also where lists are reordered", () => {
    fc.assert(
      fc.property(anyValue, fc.boolean(), (value, elementwise) => {
        assert.equal(containsSecret(withSecretsOf(reveal(value), value, elementwise)), containsSecret(value));
      }),
    );
  });

  it("hide a whole list when elements need not correspond", () => {
    const concealed = withSecretsOf(["B=hidden", "A=1"], ["A=1", secret("B=hidden")], false);
    assert.deepEqual(concealed, secret(["B=hidden", "A=1"]));
  });
});

describe("automatic names", () => {
  it("are <name>-<7 hex>, fresh each time, the same for the same seed", () => {
    const none = new Uint8Array();
    assert.match(autoName("web", none, undefined), /^web-[0-9a-f]{7}$/);
    assert.notEqual(autoName("web", none, undefined), autoName("web", none, undefined));
    assert.equal(autoName("web", Uint8Array.of(1), undefined), autoName("web", Uint8Array.of(1), undefined));
  });

  it("follow the user's own scheme, or its ban", () => {
    assert.equal(autoName("web", new Uint8Array(), { mode: "enforce", name: "estate-web" }), "estate-web");
    assert.throws(() => autoName("web", new Uint8Array(), { mode: "disable", name: "" }), /"web" has no name/);
  });
});

describe("random values", () => {
  const inputs = fc.record({
    length: fc.integer({ min: 12, max: 60 }),
    lower: fc.boolean(),
    upper: fc.boolean(),
    special: fc.boolean(),
    minNumeric: fc.integer({ min: 0, max: 6 }),
    minUpper: fc.integer({ min: 0, max: 6 }),
  });

  it("have the length, the classes and the minimums that were asked for", async () => {
    await fc.assert(
      fc.asyncProperty(inputs, async (given) => {
        const { outputs } = await randomString.create({ ...given, numeric: true }, CONTEXT);
        const text = asText(outputs["result"]);
        const count = (pattern: RegExp) => (text.match(pattern) ?? []).length;
        assert.equal(text.length, given.length);
        assert.ok(count(/[0-9]/g) >= given.minNumeric);
        if (given.upper) assert.ok(count(/[A-Z]/g) >= given.minUpper);
        else assert.equal(count(/[A-Z]/g), 0);
        if (!given.lower) assert.equal(count(/[a-z]/g), 0);
        if (!given.special) assert.equal(count(/[^A-Za-z0-9]/g), 0);
      }),
      { numRuns: 200 },
    );
  });

  it("refuse what cannot be, by name", () => {
    const check = (given: ValueMap) =>
      randomPassword
        .check(given, { name: "x", oldInputs: undefined, autoName: () => "x" })
        .failures.map(({ reason }) => reason)
        .join();
    assert.match(check({ length: 3, minUpper: 4 }), /^length is 3: give at least the sum of the minimums, which is 4/);
    assert.match(
      check({ length: 3, lower: false, upper: false, numeric: false, special: false }),
      /set one of them to true/,
    );
    assert.match(check({ length: "3" }), /^length is "3": give a whole number/);
    assert.match(check({}), /Missing required property "length"/);
  });

  it("a password keeps what it is across a refresh", async () => {
    const state = await randomPassword.create({ length: 9 }, CONTEXT);
    const read = await randomPassword.read(state.id, { length: 9 }, state.outputs, CONTEXT);
    assert.deepEqual(read?.outputs, state.outputs);
  });

  it("an id is the same number in all its forms, and imports from one of them", async () => {
    const imported = await randomId.read("pre,fftU5w", undefined, {}, CONTEXT);
    const { hex, dec, b64Url, b64Std } = revealMap(imported?.outputs ?? {});
    assert.deepEqual(
      { hex, dec, b64Url, b64Std },
      { hex: "pre7dfb54e7", dec: "pre2113623271", b64Url: "prefftU5w", b64Std: "prefftU5w==" },
    );
  });
});
