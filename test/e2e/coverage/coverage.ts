import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";

/** declared: what the program says reaches Docker or the kernel; drift: a change by hand is named by the next look. */
export type Column = "declared" | "drift";

export const COVERAGE_FILE = join(
  dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url))))),
  "docs",
  "coverage.md",
);

const HEAD = `# What is declared is what runs: proof by property

Written by \`test/e2e/coverage.e2e.test.ts\` when all of it has passed; not by hand. The list of properties comes from what
the program declares (\`test/e2e/coverage/declaredProperties.ts\`), so that a new one without a test fails. Each cell is the
name of the test that changed the property, in the program or by hand, and looked.

| Property | Declared reaches Docker or the kernel | Drift seen |
| -------- | ------------------------------------- | ---------- |
`;

/** Which test has proved what of which property. */
export class Coverage {
  private readonly proofs: Record<Column, Map<string, string>> = { declared: new Map(), drift: new Map() };

  /** To be called once the property has been looked at; the first test stands. */
  proved(column: Column, property: string, test: string | undefined): void {
    assert.ok(test);
    if (!this.proofs[column].has(property)) this.proofs[column].set(property, test);
  }

  /** @throws AssertionError naming cells that would be blank and proofs of what nobody declares. */
  render(properties: readonly string[]): string {
    const { declared, drift } = this.proofs;
    const blank = (["declared", "drift"] as const).flatMap((column) =>
      properties.filter((property) => !this.proofs[column].has(property)).map((property) => `${property} (${column})`),
    );
    assert.deepEqual(blank, [], "properties without a test");
    const foreign = [...declared.keys(), ...drift.keys()].filter((property) => !properties.includes(property));
    assert.deepEqual(foreign, [], "proofs of what is not declared");
    const cells = properties.map(
      (property) => `| ${property} | ${declared.get(property) ?? ""} | ${drift.get(property) ?? ""} |`,
    );
    return `${HEAD}${cells.join("\n")}\n`;
  }

  async write(properties: readonly string[]): Promise<void> {
    const options = { ...(await resolveConfig(COVERAGE_FILE)), filepath: COVERAGE_FILE };
    writeFileSync(COVERAGE_FILE, await format(this.render(properties), options));
  }
}
