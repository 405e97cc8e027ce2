import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contentHash } from "../../../../components/providers/images/contentHash.ts";
import { stageNpm, stagePypi } from "../../../../components/providers/images/packages.ts";

const project = join(import.meta.dirname, "../../../..");
const LOCKS = "components/catalogue/locks";

describe("packages of an image come as they are locked (R-IMG-01)", function () {
  this.timeout(120_000);
  let root = "";

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "mcp-estate-locks-"));
    mkdirSync(join(root, LOCKS), { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true }));

  /** A lock folder with one text in the place of another. */
  function tampered(name: string, file: string, from: RegExp, to: string): string {
    const folder = `${LOCKS}/${name}`;
    cpSync(join(project, folder), join(root, folder), { recursive: true });
    const text = readFileSync(join(root, folder, file), "utf8");
    const changed = text.replace(from, to);
    assert.notEqual(changed, text);
    writeFileSync(join(root, folder, file), changed);
    return folder;
  }

  it("an npm archive with another hash than the locked one is refused", async () => {
    const lockFolder = tampered("slack", "package-lock.json", /sha512-\w{8}/, "sha512-AAAAAAAA");
    const layer = { kind: "npm" as const, lockFolder, allowScripts: [] };
    await assert.rejects(stageNpm(layer, contentHash(layer, root), "amd64", root), /EINTEGRITY|integrity/);
  });

  it("a version that the lock file does not have is refused", async () => {
    const lockFolder = tampered("slack", "package.json", /"2025\.4\.25"/, '"2025.1.17"');
    const layer = { kind: "npm" as const, lockFolder, allowScripts: [] };
    await assert.rejects(stageNpm(layer, contentHash(layer, root), "amd64", root), {
      message:
        "components/catalogue/locks/slack: package.json wants @modelcontextprotocol/server-slack 2025.1.17, package-lock.json has 2025.4.25; lock it anew (components/catalogue/locks/README.md)",
    });
  });

  it("a wheel with another hash than the locked one is refused", async () => {
    const lockFolder = tampered("extended-memory", "requirements.txt", /sha256:[0-9a-f]{8}/g, "sha256:00000000");
    const layer = { kind: "pypi" as const, lockFolder, python: "3.11" };
    await assert.rejects(stagePypi(layer, contentHash(layer, root), "amd64", root), /hash/i);
  });

  it("without optional packages too, what was installed must be what is locked", async () => {
    const folder = `${LOCKS}/one`;
    mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, folder, "package.json"), JSON.stringify({ dependencies: { ms: "^2.1.0" } }));
    // npm takes it for a start, and installs what the other file asks for.
    writeFileSync(
      join(root, folder, "package-lock.json"),
      JSON.stringify({ lockfileVersion: 3, packages: { "": { dependencies: { ms: "^2.1.0" } } } }),
    );
    const layer = { kind: "npm" as const, lockFolder: folder, allowScripts: [], withoutOptional: true as const };
    await assert.rejects(
      stageNpm(layer, contentHash(layer, root), "amd64", root),
      /node_modules\/ms was installed at 2\.\S+, locked is none; lock it anew/,
    );
  });
});
