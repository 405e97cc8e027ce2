import assert from "node:assert/strict";
import { definedValues, merged, UNKNOWN } from "../../../../scripts/lib/settings/environmentValues.ts";
import { cleanUp, temporaryFolder, write } from "../../support.ts";

const KEY = "mcp-estate:gateway";

describe("what environments give (R-SEC-01)", () => {
  afterEach(cleanUp);

  function project(files: Record<string, string>): string {
    const folder = temporaryFolder();
    for (const [name, text] of Object.entries(files)) write(folder, `esc/${name}.yaml`, text);
    return folder;
  }

  it("is nothing where a stack file names none", () => {
    assert.deepEqual(definedValues("/nowhere", undefined), {});
  });

  it("is their settings, imports first, the last one wins, objects merged", () => {
    const folder = project({
      base: `{ values: { pulumiConfig: { "${KEY}": { port: 1, bind: 10.0.0.1 } } } }`,
      prod: `{ imports: [org/base@stable], values: { pulumiConfig: { "${KEY}": { port: 2 } } } }`,
    });
    assert.deepEqual(definedValues(folder, ["mcp/prod"]), { [KEY]: { port: 2, bind: "10.0.0.1" } });
    const inline = { imports: [{ base: { merge: true } }], values: { pulumiConfig: { other: 3 } } };
    assert.deepEqual(definedValues(folder, inline), { [KEY]: { port: 1, bind: "10.0.0.1" }, other: 3 });
  });

  it("knows no value of a secret, a function or a reference", () => {
    const folder = project({
      prod: 'values: { pulumiConfig: { a: { "fn::secret": x }, b: "${c.d}", c: ["${e}"], d: { "fn::open::aws": {} }, e: 5 } }',
    });
    assert.deepEqual(definedValues(folder, ["prod"]), { a: UNKNOWN, b: UNKNOWN, c: UNKNOWN, d: UNKNOWN, e: 5 });
  });

  it("refuses an environment that is not defined, one that imports itself, and what is no definition, by name", () => {
    const folder = project({ a: "imports: [b]", b: "imports: [a]", broken: "values: 5" });
    assert.throws(
      () => definedValues(folder, ["nope"]),
      /environment "nope" is not defined here \(no file esc\/nope\.yaml\)/,
    );
    assert.throws(() => definedValues(folder, ["a"]), /imports itself: a → b → a/);
    assert.throws(() => definedValues(folder, ["broken"]), /esc\/broken\.yaml is no definition of an environment/);
  });

  it("lets the later part win where one of two is no object", () => {
    assert.deepEqual(merged([{ a: { b: 1 } }, { a: 2 }]), { a: 2 });
  });
});
