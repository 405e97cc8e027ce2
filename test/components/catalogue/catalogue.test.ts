import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { catalogue, unavailable } from "../../../components/catalogue/index.ts";
import { resolveEstate } from "../../../components/estateConfig.ts";

const project = join(import.meta.dirname, "../../..");
const read = (path: string): string => readFileSync(join(project, path), "utf8");

/** Of the SutazAI estate, by the names that its plan has for them, or that the catalogue has. */
const SUTAZAI = [
  ...[
    "claude-flow",
    "extended-memory",
    "knowledge-graph",
    "memory-bank",
    "ultimatecoder",
    "postgres",
    "language-server",
  ],
  ...["sequential-thinking", "filesystem", "fetch", "http", "ddg", "playwright", "puppeteer", "task-runner"],
  ...["ruv-swarm", "compass", "context7", "github", "nx-mcp", "mcp-ssh"],
];

interface PackageLock {
  packages: Record<string, { version?: string; integrity?: string; resolved?: string; inBundle?: boolean }>;
}

describe("the catalogue of servers", () => {
  it("has all 21 of the SutazAI estate, or says why not", () => {
    assert.equal(new Set(SUTAZAI).size, 21);
    for (const name of SUTAZAI) assert.ok(catalogue.has(name) !== unavailable.has(name), name);
    assert.deepEqual(
      SUTAZAI.filter((name) => unavailable.has(name)),
      ["ultimatecoder", "ruv-swarm"],
    );
  });

  it("has at least 18 whose proof is a tool that is called", () => {
    assert.ok([...catalogue.values()].filter(({ proof }) => proof !== undefined).length >= 18);
  });

  for (const entry of catalogue.values()) {
    const { name, package: source, proof, listsOnly, command, volumes = [], needs = {}, files = {} } = entry;

    it(`${name} is proved by a call, or says why by none`, () => {
      assert.notEqual(proof === undefined, listsOnly === undefined);
      assert.match(entry.description, /^[A-Z].*\.$/);
      assert.match(command[0] ?? "", /^\//, "no shell's search");
      for (const path of [...volumes.map((volume) => volume.path), ...Object.keys(files)]) assert.match(path, /^\//);
    });

    it(`R-IMG-01: ${name} is locked at its version, every package with its hash and none with a registry`, () => {
      if (source.ecosystem === "npm") {
        const { packages } = JSON.parse(read(`${source.lockFolder}/package-lock.json`)) as PackageLock;
        assert.equal(packages[`node_modules/${source.name}`]?.version, source.version);
        for (const [path, { integrity, resolved, inBundle }] of Object.entries(packages)) {
          // What a package brings along in its own archive is under that one's hash.
          if (path === "" || inBundle) continue;
          assert.equal(resolved, undefined, path);
          assert.match(integrity ?? "", /^sha512-/, path);
        }
      } else {
        const lines = read(`${source.lockFolder}/requirements.txt`).split(/\n(?! )/);
        assert.ok(
          lines.some((line) => line.startsWith(`${source.name}==${source.version} `)),
          lines[0],
        );
        for (const line of lines.filter(Boolean)) assert.match(line, /^[\w.-]+==\S+ \\\n +--hash=sha256:[0-9a-f]{64}/);
      }
    });

    it(`${name} can be declared, with what it needs`, () => {
      const secretEnv = Object.fromEntries(Object.keys(needs).map((variable) => [variable, "given"]));
      const [server] = resolveEstate({ servers: { [name]: { secretEnv } } }, catalogue).servers;
      assert.equal(server?.entry, entry);
    });
  }

  it("has no lock folder that nobody uses", () => {
    const used = new Set([...catalogue.values()].map(({ package: { lockFolder } }) => lockFolder));
    const there = readdirSync(join(project, "components/catalogue/locks"), { withFileTypes: true })
      .filter((each) => each.isDirectory())
      .map(({ name }) => `components/catalogue/locks/${name}`);
    assert.deepEqual(there.sort(), [...used].sort());
  });
});
