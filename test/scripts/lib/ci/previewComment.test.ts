import assert from "node:assert/strict";
import fc from "fast-check";
import { MAX_CHARACTERS, PREVIEW_MARKER, previewComment } from "../../../../scripts/lib/ci/previewComment.ts";
import { stackPreviewSchema, type StackPreview } from "../../../../scripts/lib/ci/stackPreview.ts";

const nothing: StackPreview = {
  stack: "dev",
  refusals: [],
  placeholders: [],
  violations: [],
  changes: [],
  limits: [],
  drift: [],
};
const change = (action: "create" | "update" | "replace" | "delete", resource: string, because: string[] = []) => ({
  action,
  resource,
  because,
});

describe("the comment on a pull request (R-DEP-10)", () => {
  it("says in one line that nothing would change", () => {
    const comment = previewComment([nothing], "abc");
    assert.match(comment, /## Preview: 0 of 1 stack would change/);
    assert.match(comment, /^\| `dev` \| ⚪ no changes \| 0 \| 0 \| 0 \| 0 \| none \| {2}\|$/m);
    assert.doesNotMatch(comment, /### /);
  });

  it("puts refused stacks first, removals before replacements before the rest", () => {
    const changes = [change("create", "c"), change("update", "u"), change("delete", "d"), change("replace", "r")];
    const comment = previewComment(
      [
        { ...nothing, stack: "a", changes },
        { ...nothing, stack: "z", refusals: ["no"] },
      ],
      "abc",
    );
    const places = [
      "### `z`",
      "- `no`",
      "### `a`",
      "**delete** | `d`",
      "**replace** | `r`",
      "update | `u`",
      "create | `c`",
    ];
    const found = places.map((text) => comment.indexOf(text));
    assert.ok(!found.includes(-1), comment);
    assert.deepEqual(
      found,
      found.toSorted((a, b) => a - b),
    );
  });

  it("shows what policies refuse before what they advise, and the plan that is refused (R-SEC-10)", () => {
    const violation = (severity: "mandatory" | "advisory", policy: string) => {
      return { policy, severity, resource: "gateway", why: "port 80 is open", todo: "close it" };
    };
    const preview = {
      ...nothing,
      violations: [violation("advisory", "soft"), violation("mandatory", "hard")],
      changes: [change("create", "c")],
    };
    const comment = previewComment([preview], "abc");
    const row = (policy: string) => `| \`${policy}\` | \`gateway\` | \`port 80 is open\` | \`close it\` |`;
    const order = [
      "1 of 1 stack refused",
      "**Policy violated (1)",
      row("hard"),
      "**Policy advises (1)",
      row("soft"),
      "`c`",
    ];
    const found = order.map((text) => comment.indexOf(text));
    assert.ok(!found.includes(-1), comment);
    assert.deepEqual(
      found,
      found.toSorted((a, b) => a - b),
    );
    assert.match(
      comment,
      /^\| `dev` \| 🔴 \*\*refused\*\* \| 0 \| 0 \| 0 \| \*\*1\*\* \| none \| \*\*1 violation\*\*, 1 warning \|$/m,
    );
  });

  it("lets an update through that policies only advise against (R-SEC-10)", () => {
    const advice = { policy: "p", severity: "advisory" as const, resource: "r", why: "w", todo: "" };
    const comment = previewComment([{ ...nothing, violations: [advice], changes: [change("create", "c")] }], "abc");
    assert.match(comment, /1 of 1 stack would change[\s\S]*🟢 can be updated .* 1 warning \|/);
  });

  it("folds a long table and leaves a short one open", () => {
    const changes = (number: number) => Array.from({ length: number }, (_, i) => change("create", `server ${i}`));
    assert.doesNotMatch(previewComment([{ ...nothing, changes: changes(15) }], "abc"), /<details>/);
    assert.match(previewComment([{ ...nothing, changes: changes(16) }], "abc"), /<details><summary><b>16 changes<\/b>/);
  });

  it("shows limits that change only, and totals of all", () => {
    const of = (memoryMiB: number) => ({ memoryMiB, memoryReservationMiB: 64, cpus: 0.5, pids: 32 });
    const limits = [
      { component: "same", before: of(256), after: of(256) },
      { component: "more", before: of(256), after: of(300) },
      { component: "gone", before: of(100) },
    ];
    const preview = { ...nothing, changes: [change("update", "x")], limits, host: { memoryMiB: 8000, cpus: 4 } };
    const comment = previewComment([preview], "abc");
    assert.doesNotMatch(comment, /`same`/);
    assert.match(comment, /^\| `more` \| 256 → \*\*300\*\* \| 64 \| 0.5 \| 32 \|$/m);
    assert.match(comment, /^\| `gone` \(removed\) \| 100 → – \|/m);
    assert.match(comment, /^\| \*\*all 3\*\* \| 612 → \*\*556\*\* \| 192 → \*\*128\*\* \| 1.5 → \*\*1\*\* \|/m);
    assert.match(comment, /^\| host has \| 8000 \| 8000 \| 4 \| {2}\|$/m);
    const calm = previewComment([{ ...preview, limits: limits.slice(0, 1) }], "abc");
    assert.match(calm, /\*\*Limits:\*\* unchanged \(1 container\)/);
  });

  it("lets no text of containers or messages become markup: no mention, no link, no second marker, no broken table", () => {
    const nasty = "`a ``b @everyone [x](http://evil) <img src=x> | \n| new row | <!-- mcp-estate:preview -->";
    const drift = [{ resource: nasty, property: "env", declared: nasty, found: nasty }];
    const comment = previewComment([{ ...nothing, stack: nasty, refusals: [nasty], drift }], nasty);
    // Outside of code spans: a run of backticks, anything, the same run.
    const outside = comment.replace(PREVIEW_MARKER, "").replace(/(?<!`)(`+)(?!`)[\s\S]*?(?<!`)\1(?!`)/g, "");
    for (const text of ["@", "http", "<img", "<!--"]) assert.ok(!outside.includes(text), outside);
    for (const line of comment.split("\n").filter((each) => each.startsWith("| `") && each.includes("@everyone"))) {
      assert.ok([5, 9].includes(line.replaceAll("\\|", "").split("|").length - 1), line);
    }
  });

  it("fits into GitHub's limit whatever is found, and keeps marker and overview", function () {
    this.timeout(60_000);
    const text = fc.string({ maxLength: 300 });
    const many = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 400, size: "max" });
    const preview = fc.record({
      stack: fc.constantFrom("dev", "prod"),
      refusals: many(text),
      placeholders: many(text),
      violations: many(
        fc.record({
          policy: text,
          severity: fc.constantFrom("mandatory", "advisory"),
          resource: text,
          why: text,
          todo: text,
        }),
      ),
      changes: many(
        fc.record({
          action: fc.constantFrom("create", "delete"),
          resource: text,
          because: fc.array(text, { maxLength: 5 }),
        }),
      ),
      limits: fc.constant([]),
      drift: many(fc.record({ resource: text, property: text, declared: text, found: text })),
    });
    fc.assert(
      fc.property(fc.array(preview, { minLength: 1, maxLength: 3 }), (previews) => {
        const comment = previewComment(
          previews.map((each) => stackPreviewSchema.parse(each)),
          "abc",
        );
        assert.ok(comment.length <= MAX_CHARACTERS, String(comment.length));
        assert.ok(comment.startsWith(PREVIEW_MARKER));
        assert.ok(!comment.includes("cut off"));
        for (const { stack } of previews) assert.ok(comment.includes(`| \`${stack}\` |`));
      }),
      { numRuns: 30 },
    );
  });
});
