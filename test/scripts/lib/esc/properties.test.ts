import assert from "node:assert/strict";
import fc from "fast-check";
import { hasSecret, plainOf, textOf, type Value } from "../../../../scripts/lib/esc/index.ts";
import { partsOf, pathText } from "../../../../scripts/lib/esc/reference.ts";
import { mergeOver, valueOf } from "../../../../scripts/lib/esc/value.ts";
import { openHere } from "./openHere.ts";

const SEEDED = { seed: 20261121, numRuns: 300 };
const key = fc.oneof(
  fc.constantFrom("a", "b", "c", "__proto__", "x.y", 'q"q'),
  fc.string({ minLength: 1, maxLength: 4 }),
);
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, false, 0, 1.5, -7),
    fc.string({ maxLength: 6 }),
    fc.array(tie("tree"), { maxLength: 3 }),
    fc.uniqueArray(fc.tuple(key, tie("tree")), { selector: ([name]) => name, maxLength: 4 }).map((all) => new Map(all)),
  ),
}));
const object = fc
  .uniqueArray(fc.tuple(key, tree), { selector: ([name]) => name, maxLength: 4 })
  .map((all) => new Map(all));

/** Merging after RFC 7396, but for null, which ESC keeps; on plain Maps, as an independent word on it. */
function patched(base: unknown, patch: unknown): unknown {
  if (!(patch instanceof Map)) return patch;
  const result = new Map<unknown, unknown>(base instanceof Map ? base : []);
  for (const [name, value] of patch) result.set(name, patched(result.get(name), value));
  return result;
}

const plain = (data: unknown): unknown => plainOf(valueOf(data));
/** As it would have to be written: everything verbatim. */
const literal = (data: unknown): unknown => {
  if (typeof data === "string") return data.replaceAll("$", "$$$$");
  if (Array.isArray(data)) return data.map(literal);
  return data instanceof Map ? new Map([...data].map(([name, value]) => [name, literal(value)])) : data;
};
/** A key that begins with `fn::` would be a function, one with `${` a reference: none of them data. */
const isData = (data: unknown): boolean =>
  Array.isArray(data)
    ? data.every(isData)
    : !(data instanceof Map) || [...data].every(([name, value]) => !String(name).startsWith("fn::") && isData(value));

describe("merge of environments (R-SEC-01)", () => {
  it("is that of JSON Merge Patch with null kept", () => {
    fc.assert(
      fc.property(object, object, (base, upper) => {
        assert.deepEqual(plainOf(mergeOver(valueOf(base), valueOf(upper))), plain(patched(base, upper)));
      }),
      SEEDED,
    );
  });

  it("is idempotent, has the empty object as neutral, and does not depend on how three are bracketed", () => {
    fc.assert(
      fc.property(object, object, object, (a, b, c) => {
        const [x, y, z] = [valueOf(a), valueOf(b), valueOf(c)];
        assert.deepEqual(plainOf(mergeOver(x, x)), plainOf(x));
        assert.deepEqual(plainOf(mergeOver(valueOf(new Map()), x)), plainOf(x));
        assert.deepEqual(plainOf(mergeOver(x, valueOf(new Map()))), plainOf(x));
        const left = mergeOver(mergeOver(x, y), z);
        // Brackets matter only where something that is no object lies between two objects.
        const right = mergeOver(x, mergeOver(y, z));
        if (sameShape(a, b, c)) assert.deepEqual(plainOf(left), plainOf(right));
      }),
      SEEDED,
    );
  });

  it("of imports is the same as of values, in the order of the list", () => {
    fc.assert(
      fc.property(
        fc.array(object.filter(isData), { minLength: 1, maxLength: 3 }),
        object.filter(isData),
        (bases, own) => {
          const inline = new Map<string, unknown>([["values", new Map([["v", literal(own)]])]]);
          const files = Object.fromEntries(
            bases.map((base, i) => [`p/e${i}`, JSON.stringify({ values: { v: jsonOf(literal(base)) } })]),
          );
          inline.set("imports", Object.keys(files));
          const expected = [...bases, own].reduce<unknown>((below, upper) => patched(below, upper), new Map());
          const found = plainOf(openHere(files, inline).value) as { v: unknown };
          assert.deepEqual(found.v, plain(expected));
        },
      ),
      { ...SEEDED, numRuns: 100 },
    );
  });

  it("keeps a secret secret and makes nothing else secret", () => {
    fc.assert(
      fc.property(object, object, (base, upper) => {
        assert.ok(!hasSecret(mergeOver(valueOf(base), valueOf(upper))));
        const merged = mergeOver(valueOf(base), valueOf(new Map([["hidden", "x"]]), true));
        assert.ok(hasSecret(merged));
      }),
      SEEDED,
    );
  });
});

describe("interpolation (R-SEC-01)", () => {
  it("gives a text back whose dollars are doubled", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const parts = partsOf(text.replaceAll("$", "$$$$"), "here");
        assert.ok(parts.every((part) => typeof part === "string"));
        assert.equal(parts.join(""), text);
      }),
      SEEDED,
    );
  });

  it("finds every path as it was written", () => {
    const step = fc.oneof(
      fc.nat(99),
      key.filter((name) => !/\\$/.test(name)),
    );
    const path = fc.tuple(
      key.filter((name) => !/\\$|^\d+$/.test(name)),
      fc.array(step, { maxLength: 4 }),
    );
    fc.assert(
      fc.property(path, ([root, rest]) => {
        const written = `<\${${[root, ...rest].map((each) => (typeof each === "number" ? `[${each}]` : `["${each.replaceAll('"', '\\"')}"]`)).join("")}}>`;
        assert.deepEqual(partsOf(written, "here"), ["<", { path: [root, ...rest] }, ">"]);
      }),
      SEEDED,
    );
    assert.equal(pathText(["a", "b", 0, "x.y"]), 'a.b[0]["x.y"]');
  });

  it("is the string form of what is referred to, between the text around it; alone a copy; secret when that is", () => {
    fc.assert(
      fc.property(tree.filter(isData), fc.string(), fc.string(), fc.boolean(), (data, before, after, secret) => {
        const json = JSON.stringify(jsonOf(data));
        const values = {
          x: secret ? { "fn::fromJSON": { "fn::secret": "X" } } : literal(data),
          copy: "${x}",
          text: `${String(literal(before))}\${x}${String(literal(after))}|`,
        };
        const { value } = openHere({}, { values }, { X: json });
        const found = value.data as ReadonlyMap<string, Value>;
        const [copy, text] = [found.get("copy"), found.get("text")];
        assert.ok(copy && text);
        assert.deepEqual(plainOf(copy), plain(data));
        assert.equal(text.data, `${before}${textOf(valueOf(data))}${after}|`);
        assert.deepEqual([hasSecret(copy), hasSecret(text)], [secret, secret]);
      }),
      SEEDED,
    );
  });

  it("through functions and back is what it was, and as secret as it was", () => {
    fc.assert(
      fc.property(tree.filter(isData), fc.string(), (data, password) => {
        const values = {
          json: { "fn::fromJSON": { "fn::toJSON": literal(data) } },
          base64: { "fn::fromBase64": { "fn::toBase64": { "fn::secret": "P" } } },
          joined: { "fn::join": ["", ["${base64}", "!"]] },
        };
        const { value } = openHere({}, { values }, { P: password });
        assert.deepEqual(plainOf(value), { json: plain(data), base64: password, joined: `${password}!` });
        const found = value.data as ReadonlyMap<string, Value>;
        assert.deepEqual(
          [...found].filter(([, each]) => hasSecret(each)).map(([name]) => name),
          ["base64", "joined"],
        );
      }),
      SEEDED,
    );
  });
});

/** Wherever one of them has an object, so have the others that have anything. */
function sameShape(...all: unknown[]): boolean {
  const there = all.filter((each) => each !== undefined);
  if (!there.some((each) => each instanceof Map)) return true;
  if (!there.every((each) => each instanceof Map)) return false;
  const maps = there as Array<Map<string, unknown>>;
  const names = new Set(maps.flatMap((map) => [...map.keys()]));
  return [...names].every((name) => sameShape(...maps.map((map) => map.get(name))));
}

function jsonOf(data: unknown): unknown {
  return plainOf(valueOf(data));
}
