import assert from "node:assert/strict";
import { redactor } from "../../../runtime/supervisor/childSpec.ts";

const TOKEN = 'to"ken/with \\ signs';
const LINES = ["-----BEGIN THING-----", "bGluZSBvbmUgb2YgaXQ", "bGluZSB0d28gb2YgaXQ", "end"];

describe("what a server prints is logged without its secrets (R-SEC-03)", () => {
  const redact = redactor({ TOKEN, LINES: LINES.join("\n"), SHORT: "abc" });

  const printed: Record<string, string> = {
    "as it is": TOKEN,
    "within JSON": JSON.stringify({ TOKEN }),
    "in a URL": `/path?key=${encodeURIComponent(TOKEN)}`,
    "in base64": Buffer.from(TOKEN).toString("base64"),
  };
  for (const [how, line] of Object.entries(printed)) {
    it(how, () => {
      const text = redact(`before ${line} after`);
      assert.match(text, /^before .*\[secret\].* after$/);
      assert.doesNotMatch(text, /ken|signs|dG8ia2Vu/);
    });
  }

  it("line by line", () => {
    assert.deepEqual(LINES.map(redact), ["[secret]", "[secret]", "[secret]", "end"]);
  });

  it("leaves what is too short to be told from ordinary text", () => {
    assert.equal(redact("abc and the end"), "abc and the end");
  });
});
