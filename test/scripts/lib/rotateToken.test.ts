import assert from "node:assert/strict";
import { parse } from "yaml";
import { rotateToken } from "../../../scripts/lib/rotateToken.ts";

const NOW = new Date("2026-12-01T12:00:00Z");
const file = (gateway: string): string =>
  `# the stack\nconfig:\n  mcp-estate:gateway:\n${gateway}\n  mcp-estate:servers: {}\n`;

describe("R-SEC-09 rotateToken", () => {
  const tokens = (text: string, caller: string): unknown => {
    const { config } = parse(text) as { config: Record<string, Record<string, unknown>> };
    const gateway = config["mcp-estate:gateway"] ?? {};
    if (caller === "owner") return gateway["tokens"];
    return (gateway["principals"] as Record<string, { tokens: unknown }>)[caller]?.tokens;
  };

  it("gives a caller that had one token two, the first with an end, and keeps comments and other callers", () => {
    const { text, name, until } = rotateToken(
      file("    principals: [alice, bob] # who\n    port: 1"),
      "alice",
      60,
      NOW,
    );
    assert.deepEqual([name, until], ["2", new Date("2026-12-01T13:00:00Z")]);
    assert.deepEqual(tokens(text, "alice"), [{ name: "1", expires: "2026-12-01T13:00:00Z" }, { name: "2" }]);
    assert.equal(tokens(text, "bob"), undefined);
    assert.match(text, /^# the stack\n/);
    assert.match(text, /port: 1/);
  });

  it("goes on from there: what has ended is taken out, a sooner end stays", () => {
    const given = `    principals:
      alice:
        scopes: { memory: "*" } # only this
        tokens:
          - { name: "1", expires: 2026-12-01T11:00:00Z }
          - { name: "2", expires: 2026-12-01T12:10:00Z }
          - { name: laptop, expires: 2027-12-01 }
          - { name: "3" }`;
    const { text, name } = rotateToken(file(given), "alice", 30, NOW);
    assert.equal(name, "4");
    assert.deepEqual(tokens(text, "alice"), [
      { name: "2", expires: "2026-12-01T12:10:00Z" },
      { name: "laptop", expires: "2026-12-01T12:30:00Z" },
      { name: "3", expires: "2026-12-01T12:30:00Z" },
      { name: "4" },
    ]);
    assert.match(text, /# only this/);
  });

  it("without grace only the new one is left", () => {
    const { text, until } = rotateToken(file("    principals: { alice: {} }"), "alice", 0, NOW);
    assert.equal(until, undefined);
    assert.deepEqual(tokens(text, "alice"), [{ name: "2" }]);
  });

  it("rotates the stack's own, where the file says nothing of a gateway too", () => {
    for (const given of [file("    port: 1"), "config:\n  mcp-estate:servers: {}\n"]) {
      const { text } = rotateToken(given, "owner", 60, NOW);
      assert.deepEqual(tokens(text, "owner"), [{ name: "1", expires: "2026-12-01T13:00:00Z" }, { name: "2" }]);
    }
  });

  it("refuses a caller that the file does not name, and tokens that are none", () => {
    assert.throws(
      () => rotateToken(file("    principals: [alice]"), "bob", 60, NOW),
      /there is no caller "bob" in the stack's file; there is owner, alice/,
    );
    assert.throws(
      () => rotateToken(file("    tokens: secret"), "owner", 60, NOW),
      /mcp-estate:gateway\.tokens is no list of tokens such as/,
    );
  });
});
