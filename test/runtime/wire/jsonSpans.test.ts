import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { DuplicateKeyError, findSpan, memberSpans, replaceSpans } from "../../../runtime/wire/jsonSpans.ts";

describe("JSON spans", () => {
  it("finds each member of any object, however it is spelled", () => {
    const value = fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true });
    const indent = fc.constantFrom(undefined, 1, "\t", "\r\n");
    fc.assert(
      fc.property(value, indent, (object, space) => {
        const text = ` ${JSON.stringify(object, null, space === "\r\n" ? 1 : space)} `;
        const spaced = space === "\r\n" ? text.replaceAll("\n", "\r\n") : text;
        const found = [...memberSpans(spaced)].map(([key, { start, end }]) => [
          key,
          JSON.parse(spaced.slice(start, end)) as unknown,
        ]);
        const want = Object.entries(JSON.parse(text) as object);
        deepEqual(found, want);
      }),
    );
  });

  it("replaces one nested value and leaves every other byte", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.string(), (before, after, token) => {
        const text = JSON.stringify({ before, params: { x: before, _meta: { progressToken: token }, after } });
        const span = findSpan(text, ["params", "_meta", "progressToken"]);
        const replaced = replaceSpans(text, span === undefined ? [] : [{ span, text: "42" }]);
        equal(replaced, JSON.stringify({ before, params: { x: before, _meta: { progressToken: 42 }, after } }));
      }),
    );
  });

  it("replaces several spans whatever their order", () => {
    const text = '{"id":1,"params":{"name":"a"}}';
    const id = findSpan(text, ["id"]);
    const name = findSpan(text, ["params", "name"]);
    if (id === undefined || name === undefined) throw new Error("a span is missing");
    const edits = [
      { span: name, text: '"long name"' },
      { span: id, text: "777" },
    ];
    equal(replaceSpans(text, edits), '{"id":777,"params":{"name":"long name"}}');
  });

  it("reads keys with escapes, and refuses a key that stands twice under two spellings", () => {
    deepEqual([...memberSpans('{"\\u0069d":1}').keys()], ["id"]);
    throws(() => memberSpans('{"\\u0069d":1,"id":2}'), DuplicateKeyError);
  });

  it("answers undefined where a step is missing or no object", () => {
    equal(findSpan('{"params":[1]}', ["params", "name"]), undefined);
    equal(findSpan('{"params":{}}', ["params", "name"]), undefined);
    equal(findSpan('{"params":{"name":1}}', ["params", "name", "deeper"]), undefined);
  });
});
