import assert from "node:assert/strict";
import { namesOnly, parseArgs, takeOption } from "../../../scripts/lib/args.ts";
import { UserError } from "../../../scripts/lib/userError.ts";

describe("parseArgs", () => {
  it("takes dev when no stack is named, and passes on what it does not know", () => {
    const { stack, flags, rest } = parseArgs(["--expect-no-changes", "--target", "urn:x", "-v=3"], ["yes"]);
    assert.equal(stack, "dev");
    assert.equal(flags.size, 0);
    assert.deepEqual(rest, ["--expect-no-changes", "--target", "urn:x", "-v=3"]);
  });

  it("takes the stack in each of its spellings out of the arguments", () => {
    for (const words of [["--stack", "prod"], ["--stack=prod"], ["-s", "prod"]]) {
      assert.deepEqual(parseArgs([...words, "--refresh"]), { stack: "prod", flags: new Set(), rest: ["--refresh"] });
    }
    assert.equal(parseArgs(["--stack", "acme/mcp-estate/prod"]).stack, "acme/mcp-estate/prod");
  });

  it("takes its own flags, and only those", () => {
    assert.deepEqual(parseArgs(["-y", "--volumes"], ["yes", "volumes"]), {
      stack: "dev",
      flags: new Set(["yes", "volumes"]),
      rest: [],
    });
    assert.deepEqual(parseArgs(["--volumes"], ["yes"]).rest, ["--volumes"]);
  });

  it("refuses a stack that has no name or can be none, with the value and what is allowed", () => {
    assert.throws(() => parseArgs(["--stack"]), { name: UserError.name, message: /^--stack got no name; allowed are/ });
    assert.throws(() => parseArgs(["--stack", "--yes"]), /^UserError: --stack got "--yes"; allowed are letters/);
    assert.throws(() => parseArgs(["--stack=../x"]), /got "\.\.\/x"/);
  });
});

describe("takeOption and namesOnly", () => {
  it("take an option with its value out, in both spellings, and leave the names", () => {
    const words = ["memory-data", "--from", "2026", "--to=/srv/a=b"];
    assert.equal(takeOption(words, "from"), "2026");
    assert.equal(takeOption(words, "to"), "/srv/a=b");
    assert.equal(takeOption(words, "keep"), undefined);
    assert.deepEqual(namesOnly(words, "--from"), ["memory-data"]);
  });

  it("refuse an option without a value and one that nobody knows", () => {
    assert.throws(() => takeOption(["--from"], "from"), /^UserError: --from got no value/);
    assert.throws(() => namesOnly(["a", "--frm", "x"], "--from X"), /unknown option "--frm"; allowed are --from X/);
  });
});
