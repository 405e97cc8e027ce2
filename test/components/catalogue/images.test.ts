import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { catalogue } from "../../../components/catalogue/index.ts";
import { imageTag, serverRecipe } from "../../../components/imageRecipe.ts";
import { recipeArgsOf } from "../../../components/mcpServer.ts";

const project = join(import.meta.dirname, "../../..");
const LOCKS = "components/catalogue/locks";

/** Server → tag of its image, of a project's folder. */
function tagsOf(root: string): Map<string, string> {
  const entries = [...catalogue.values()];
  return new Map(
    entries.map((entry) => [
      entry.name,
      imageTag(serverRecipe({ ...recipeArgsOf(entry), name: entry.name, user: 1000 }, root)),
    ]),
  );
}

describe("images of the catalogue (R-IMG-01)", () => {
  let root = "";

  before(() => {
    root = mkdtempSync(join(tmpdir(), "mcp-estate-recipes-"));
    mkdirSync(join(root, "components/catalogue"), { recursive: true });
    cpSync(join(project, LOCKS), join(root, LOCKS), { recursive: true });
    for (const name of ["runtime", "package.json", "package-lock.json"])
      symlinkSync(join(project, name), join(root, name));
  });
  after(() => rmSync(root, { recursive: true }));

  it("are the same wherever the project lies", () => assert.deepEqual(tagsOf(root), tagsOf(project)));

  it("a changed lock file is another image of its server, and of no other", () => {
    const before = tagsOf(root);
    for (const [name, file] of [
      ["time", "requirements.txt"],
      ["slack", "package-lock.json"],
    ] as const) {
      const path = join(root, LOCKS, name, file);
      const text = readFileSync(path, "utf8");
      writeFileSync(path, `${text}\n`);
      const changed = [...tagsOf(root)].filter(([server, tag]) => before.get(server) !== tag).map(([server]) => server);
      assert.deepEqual(changed, [name]);
      writeFileSync(path, text);
    }
  });

  it("of one runtime share the layers below their packages", () => {
    const bases = new Map<string, Set<string>>();
    for (const entry of catalogue.values()) {
      const packages = serverRecipe({ ...recipeArgsOf(entry), name: entry.name, user: 1000 }).from;
      assert.ok(packages?.from);
      const key = `${entry.runtime} ${entry.debianPackages?.join(" ") ?? ""}`;
      bases.set(key, (bases.get(key) ?? new Set()).add(imageTag(packages.from)));
    }
    assert.deepEqual([...bases.keys()].sort(), ["node ", "node chromium", "python ", "python git"]);
    for (const [key, tags] of bases) assert.equal(tags.size, 1, key);
  });
});
