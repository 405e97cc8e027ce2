import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { COVERAGE_FILE } from "./e2e/coverage/coverage.ts";
import { declaredProperties } from "./e2e/coverage/declaredProperties.ts";

/** Property, declared, drift: the cells of each row of docs/coverage.md. */
function readRows(): string[][] {
  return readFileSync(COVERAGE_FILE, "utf8")
    .split("\n")
    .filter((line) => /^\| \w+\./.test(line))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

describe("docs/coverage.md", () => {
  it("has a row for every property that the program declares, and for nothing else", async function () {
    this.timeout(20_000);
    assert.deepEqual(
      readRows().map(([property]) => property),
      await declaredProperties(),
    );
  });

  it("has in every cell a test that is there", () => {
    const source = readFileSync(new URL("e2e/coverage.e2e.test.ts", import.meta.url), "utf8");
    const titles = new Set([...source.matchAll(/^ {2}it\("(.+)", async/gm)].map(([, title]) => title));
    for (const [property = "", ...cells] of readRows()) {
      assert.equal(cells.length, 2, property);
      for (const cell of cells) assert.ok(titles.has(cell), `${property}: "${cell}"`);
    }
  });
});
