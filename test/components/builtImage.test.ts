import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BuiltImage } from "../../components/builtImage.ts";
import { baseRecipe, gatewayRecipe, imageTag, serverRecipe, type ImageRecipe } from "../../components/imageRecipe.ts";
import { diffImage, type BuiltImageInputs } from "../../components/providers/builtImage.ts";
import { staged } from "../../components/providers/images/cache.ts";
import { exclusive, singleFlight } from "../../components/providers/images/exclusive.ts";
import { stageNpm, stagePypi } from "../../components/providers/images/packages.ts";
import { only, recordResources } from "./engineMocks.ts";

const owner = { estate: "mcp-estate", stack: "unit" };
const labels = { "mcp-estate.estate": "mcp-estate", "mcp-estate.stack": "unit" };
const memory = {
  name: "memory",
  runtime: "node",
  ecosystem: "npm",
  lockFolder: "locks/memory",
  user: 100_001,
  mountPoints: ["/data"],
  command: ["/usr/local/bin/node", "/app/node_modules/memory/index.js"],
} as const;

/** A project as far as images are made of it. */
const files: Record<string, string> = {
  "locks/memory/package.json": '{"dependencies":{"memory":"1.0.0"}}',
  "locks/memory/package-lock.json": '{"packages":{}}',
  "runtime/supervisor/main.ts": 'import { log } from "../wire/log.ts";\nimport pino from "pino";\nlog(pino);\n',
  "runtime/supervisor/main.test.ts": "test",
  "runtime/wire/log.ts":
    'import type { Contract } from "../contract/index.ts";\nexport const log = (c: Contract) => c;\n',
  "runtime/contract/index.ts": "export type Contract = unknown;\n",
  "runtime/gateway/main.ts": "export {};\n",
  "package-lock.json": JSON.stringify({
    packages: {
      "node_modules/pino": { version: "1.0.0", integrity: "sha512-a", dependencies: { "thread-stream": "1" } },
      "node_modules/thread-stream": { version: "1.0.0", integrity: "sha512-b" },
      "node_modules/esbuild": { version: "1.0.0", integrity: "sha512-c" },
      "node_modules/unrelated": { version: "1.0.0", integrity: "sha512-d" },
    },
  }),
};

describe("BuiltImage", () => {
  it("hands every argument to the resource", async () => {
    const recipe = baseRecipe("node");
    const seen = await recordResources(
      () => new BuiltImage("base", { recipe, owner, dockerHost: "ssh://deploy@host" }),
    );
    const { inputs } = only(seen, "BuiltImage", "base");
    assert.equal(inputs.tag, imageTag(recipe, labels));
    assert.deepEqual(inputs.recipe, recipe);
    assert.deepEqual(inputs.labels, labels);
    assert.equal(inputs.dockerHost, "ssh://deploy@host");
    assert.equal(inputs.observed, "as built");
  });

  it("leaves no label and no path of this machine in the state of a shared image", async () => {
    const seen = await recordResources(() => new BuiltImage("base", { recipe: baseRecipe("node") }));
    const { inputs } = only(seen, "BuiltImage");
    assert.deepEqual(inputs.labels, {});
    assert.ok(!JSON.stringify(inputs).includes(process.cwd()));
  });

  it("is replaced for another tag or host, mended in place for a stolen tag, and else left alone", () => {
    const olds: BuiltImageInputs = { tag: "a:1", recipe: baseRecipe("node"), labels, observed: "as built" };
    assert.deepEqual(diffImage(olds, { ...olds }), { changes: false, replaces: [] });
    assert.deepEqual(diffImage(olds, { ...olds, tag: "a:2" }), { changes: true, replaces: ["tag"] });
    assert.deepEqual(diffImage(olds, { ...olds, dockerHost: "tcp://h" }), { changes: true, replaces: ["dockerHost"] });
    assert.deepEqual(diffImage({ ...olds, observed: "sha256:1" }, olds), { changes: true, replaces: [] });
  });
});

describe("imageTag", () => {
  let root: string;
  const tag = (args: object = {}, tagLabels: Record<string, string> = labels): string =>
    imageTag(serverRecipe({ ...memory, ...args }, root), tagLabels);
  const put = async (path: string, content: string): Promise<void> => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  };

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "mcp-estate-recipe-"));
    for (const [path, content] of Object.entries(files)) await put(path, content);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it("is NAME:HASH", () => {
    assert.match(tag(), /^mcp-estate\/memory:[0-9a-f]{12}$/);
  });

  it("is the same elsewhere, later, and with the recipe's keys in another order", async () => {
    const first = tag();
    const copy = await mkdtemp(join(tmpdir(), "mcp-estate-elsewhere-"));
    try {
      await cp(root, copy, { recursive: true });
      await utimes(join(copy, "runtime/supervisor/main.ts"), 1, 1);
      const recipe = serverRecipe(memory, copy);
      assert.equal(imageTag(recipe, labels), first);
      assert.equal(imageTag(reversed(recipe) as ImageRecipe, labels), first);
    } finally {
      await rm(copy, { recursive: true, force: true });
    }
  });

  for (const [what, args] of Object.entries({
    name: { name: "other" },
    runtime: { runtime: "python" },
    user: { user: 100_002 },
    "mount points": { mountPoints: ["/data", "/more"] },
    command: { command: ["/usr/local/bin/node", "/app/other.js"] },
    "base image": { baseImage: "debian:bookworm-slim" },
    "allowed install scripts": { allowScripts: ["memory"] },
  })) {
    it(`changes with ${what}`, () => assert.notEqual(tag(args), tag()));
  }

  it("changes with the labels", () => assert.notEqual(tag({}, { ...labels, "mcp-estate.stack": "other" }), tag()));

  for (const [path, content] of Object.entries({
    "locks/memory/package.json": '{"dependencies":{"memory":"1.0.1"}}',
    "locks/memory/package-lock.json": '{"packages":{"a":{}}}',
    "runtime/supervisor/main.ts": `${files["runtime/supervisor/main.ts"] ?? ""}// more\n`,
    "runtime/wire/log.ts": "export const log = 1;\n",
    "runtime/contract/index.ts": "export type Contract = string;\n",
    "package-lock.json": (files["package-lock.json"] ?? "").replace("sha512-b", "sha512-x"),
  })) {
    it(`changes with ${path}`, async () => {
      const before = tag();
      await put(path, content);
      assert.notEqual(tag(), before);
    });
  }

  for (const [path, content] of Object.entries({
    "runtime/supervisor/main.test.ts": "another test",
    "runtime/supervisor/unused.ts": "export {};",
    "runtime/gateway/main.ts": "export const gateway = 1;",
    "locks/memory/README.md": "words",
    "package-lock.json": (files["package-lock.json"] ?? "").replace("sha512-d", "sha512-x"),
  })) {
    it(`does not change with ${path}${path === "package-lock.json" ? " where it concerns others" : ""}`, async () => {
      const before = tag();
      await put(path, content);
      assert.equal(tag(), before);
    });
  }

  it("keeps the packages' own image when only the program changes", async () => {
    const packagesTag = (): string => imageTag(serverRecipe(memory, root).from ?? assert.fail());
    const before = packagesTag();
    await put("runtime/supervisor/main.ts", "export {};\n");
    assert.equal(packagesTag(), before);
  });

  it("shares the packages among servers of one lock folder, whatever their names", () => {
    const packages = (name: string) => serverRecipe({ ...memory, name }, root).from;
    assert.deepEqual(packages("notes"), packages("memory"));
  });

  it("names the file that is missing", async () => {
    await rm(join(root, "locks/memory/package-lock.json"));
    assert.throws(() => tag(), /locks\/memory\/package-lock\.json cannot be read/);
  });

  it("runs the project's Node in every image", async () => {
    const { dependencies } = JSON.parse(await readFile("package.json", "utf8")) as { dependencies: { node: string } };
    for (const recipe of [baseRecipe("node"), baseRecipe("python"), gatewayRecipe({ user: 1 }, root).from]) {
      assert.deepEqual(recipe?.layer, { kind: "node", version: dependencies.node });
    }
  });
});

describe("one build at a time", () => {
  it("shares one run among overlapping calls of a process", async () => {
    let runs = 0;
    const work = async (): Promise<number> => {
      await sleep(10);
      return ++runs;
    };
    assert.deepEqual(await Promise.all([singleFlight("k", work), singleFlight("k", work)]), [1, 1]);
    assert.equal(await singleFlight("k", work), 2);
  });

  it("lets nobody else in, says that it waits, and goes on after a failure", async () => {
    const key = `test ${process.pid}`;
    let inside = 0;
    let waited = 0;
    const visit = (): Promise<void> =>
      exclusive(
        key,
        () => waited++,
        async () => {
          assert.equal(++inside, 1);
          await sleep(20);
          inside--;
          throw new Error("failed inside");
        },
      );
    const results = await Promise.allSettled([visit(), visit()]);
    assert.deepEqual(
      results.map((result) => result.status === "rejected" && (result.reason as Error).message),
      ["failed inside", "failed inside"],
    );
    assert.equal(waited, 1);
  });
});

describe("staging", () => {
  const { PATH: path, XDG_CACHE_HOME: cache } = process.env;
  let scratch: string;

  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), "mcp-estate-staging-"));
    Object.assign(process.env, { PATH: "/nonexistent", XDG_CACHE_HOME: scratch });
  });
  afterEach(async () => {
    process.env.PATH = path;
    if (cache === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = cache;
    await rm(scratch, { recursive: true, force: true });
  });

  it("says what to install where there is no pip, and keeps nothing half done", async () => {
    const layer = { kind: "pypi", lockFolder: "components/catalogue/locks/fetch", python: "3.11" } as const;
    await assert.rejects(stagePypi(layer, "x", "amd64", process.cwd()), /apt-get install .*python3-pip/);
    assert.deepEqual(await readdir(join(scratch, "mcp-estate/staging")), []);
  });

  it("says what to install where there is no npm", async () => {
    const layer = { kind: "npm", lockFolder: "components/catalogue/locks/memory", allowScripts: [] } as const;
    await assert.rejects(stageNpm(layer, "x", "amd64", process.cwd()), /npm is not on PATH/);
  });

  it("fills a folder once, also when two ask at the same time", async () => {
    let fills = 0;
    const fill = async (folder: string): Promise<void> => {
      fills++;
      await writeFile(join(folder, "file"), "whole");
    };
    const [first, second] = await Promise.all([staged(["key"], fill), staged(["key"], fill)]);
    assert.equal(first, second);
    assert.equal(await staged(["key"], fill), first);
    assert.ok(fills <= 2);
    assert.equal(await readFile(join(first, "file"), "utf8"), "whole");
    assert.equal((await readdir(dirname(first))).length, 1);
  });
});

/** The same data with its keys the other way round, as an engine may hand it back. */
function reversed(value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, part]) => [key, reversed(part)]),
  );
}
