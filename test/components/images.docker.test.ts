import { connectTo } from "../../components/providers/docker.ts";
import assert from "node:assert/strict";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { createInterface } from "node:readline";
import packageJson from "../../package.json" with { type: "json" };
import { catalogue } from "../../components/catalogue/index.ts";
import { baseRecipe, imageTag, serverRecipe, type ImageRecipe } from "../../components/imageRecipe.ts";
import {
  createImage,
  readImage,
  restoreImage,
  type BuiltImageInputs,
  type BuiltImageState,
} from "../../components/providers/builtImage.ts";
import { ensureImage } from "../../components/providers/images/build.ts";
import { LABEL_ESTATE, LABEL_STACK } from "../../components/naming.ts";

/** Bootstrapping Debian and installing packages, on two slow cores. */
const COLD_MS = 300_000;
const nodeVersion = `v${packageJson.dependencies.node}`;
const USER = 1_234_567_890;
const MEBIBYTE = 1024 ** 2;

const owner = { estate: "mcp-estate-test", stack: `images-${process.pid}` };
const labels = { [LABEL_ESTATE]: owner.estate, [LABEL_STACK]: owner.stack };
const docker = connectTo();
const ownTags: string[] = [];

function recipeOf(name: string, changes: Partial<Parameters<typeof serverRecipe>[0]> = {}, root?: string): ImageRecipe {
  const entry = catalogue.get(name) ?? assert.fail(`no ${name} in the catalogue`);
  return serverRecipe(
    {
      name,
      runtime: entry.runtime,
      ecosystem: entry.package.ecosystem,
      lockFolder: entry.package.lockFolder,
      user: USER,
      mountPoints: (entry.volumes ?? []).map((volume) => volume.path),
      command: entry.command,
      ...changes,
    },
    root,
  );
}

/** The inputs of a resource; its image is removed at the end. */
function inputsOf(recipe: ImageRecipe): BuiltImageInputs {
  const tag = imageTag(recipe, labels);
  ownTags.push(tag);
  return { tag, recipe, labels, observed: "as built" };
}

describe("images on Docker", function () {
  this.timeout(COLD_MS);
  this.slow(10_000);
  let images: Record<"memory" | "fetch", BuiltImageState>;

  before(async () => {
    // Both at once, as the engine does.
    const [memory, fetch] = await Promise.all([
      createImage(inputsOf(recipeOf("memory"))),
      createImage(inputsOf(recipeOf("fetch"))),
    ]);
    images = { memory, fetch };
  });
  after(async () => {
    for (const tag of ownTags) await docker.getImage(tag).remove({ force: true }).catch(ignoreMissing);
  });

  for (const [name, tool] of [
    ["memory", "create_entities"],
    ["fetch", "fetch"],
  ] as const) {
    it(`${name} starts with no network and a read-only root, and lists its tools`, async () => {
      const entry = catalogue.get(name) ?? assert.fail();
      const tools = await listTools(images[name].imageId, entry.command, entry.env ?? {});
      assert.ok(tools.includes(tool), `${tool} among ${tools.join(", ")}`);
    });
  }

  it("carries labels, account, entrypoint, working directory and nothing of the environment that built it", async () => {
    const { Config: config } = await docker.getImage(images.memory.imageId).inspect();
    assert.equal(config.User, `${USER}:${USER}`);
    assert.equal(config.WorkingDir, "/app");
    assert.deepEqual(config.Entrypoint, [
      "/usr/bin/tini",
      "--",
      "/usr/local/bin/node",
      "--v8-pool-size=1",
      "--max-semi-space-size=2",
      "--max-old-space-size=64",
      "/opt/mcp-estate/supervisor.mjs",
    ]);
    assert.deepEqual(config.Cmd ?? [], []);
    assert.deepEqual(config.Env?.toSorted(), ["NODE_ENV=production", "PATH=/usr/local/bin:/usr/bin:/bin"]);
    const { "mcp-estate.base-source": source, ...rest } = config.Labels ?? {};
    assert.ok(source);
    assert.deepEqual(rest, {
      ...labels,
      "mcp-estate.component": "memory",
      "mcp-estate.hash": images.memory.tag.split(":")[1],
    });
  });

  it("shares its base and its packages with other stacks, without a stack's label", async () => {
    const packages = recipeOf("memory").from ?? assert.fail();
    const { Config: config } = await docker.getImage(imageTag(packages)).inspect();
    assert.equal(config.Labels?.["mcp-estate.component"], "memory-packages");
    assert.equal(config.Labels["mcp-estate.stack"], undefined);
  });

  it("gives mount points to the user, secrets to its group, everything else to root", async () => {
    const paths = ["/data", "/run/secrets", "/opt/mcp-estate/supervisor.mjs", "/app", "/usr/local/bin/node", "/tmp"];
    assert.deepEqual(
      (await runIn(images.memory.imageId, ["/usr/bin/stat", "-c", "%n %u:%g %a", ...paths])).split("\n"),
      [
        `/data ${USER}:${USER} 750`,
        `/run/secrets 0:${USER} 750`,
        "/opt/mcp-estate/supervisor.mjs 0:0 644",
        "/app 0:0 755",
        "/usr/local/bin/node 0:0 755",
        "/tmp 0:0 1777",
      ],
    );
    assert.equal(await runIn(images.memory.imageId, ["/usr/bin/id", "-un"]), "mcp");
  });

  it("has the project's Node, and Python's packages compiled", async () => {
    assert.equal(await runIn(images.fetch.imageId, ["/usr/local/bin/node", "--version"]), nodeVersion);
    const compiled = await runIn(images.fetch.imageId, ["/bin/ls", "/app/site-packages/mcp_server_fetch/__pycache__"]);
    assert.match(compiled, /server\.cpython-311\.pyc/);
  });

  it("builds nothing where the tag is there", async () => {
    const started = performance.now();
    const again = await ensureImage(inputsOf(recipeOf("memory")));
    assert.deepEqual(again, { imageId: images.memory.imageId, built: [] });
    assert.ok(performance.now() - started < 1000);
  });

  it("builds a changed program layer in a second or so, on the packages that are there", async () => {
    const { tag, recipe } = inputsOf(recipeOf("memory", { user: USER + 1 }));
    const results = await Promise.all([ensureImage({ tag, recipe, labels }), ensureImage({ tag, recipe, labels })]);
    assert.deepEqual(
      results.map((result) => result.built),
      [[tag], [tag]],
    );
    assert.equal(results[0].imageId, results[1].imageId);
  });

  it("shows a removed image as gone and builds it again", async () => {
    const inputs = inputsOf(recipeOf("memory", { user: USER + 2 }));
    const state = await createImage(inputs);
    assert.deepEqual(await readImage(inputs.tag, state), { id: inputs.tag, props: state, inputs });
    await docker.getImage(inputs.tag).remove({ force: true });
    assert.deepEqual(await readImage(inputs.tag, state), {});
    assert.notEqual((await createImage(inputs)).imageId, state.imageId);
  });

  it("shows a tag that was given to something else, and gives it back", async () => {
    const inputs = inputsOf(recipeOf("memory", { user: USER + 3 }));
    const state = await createImage(inputs);
    const [repo, tag] = inputs.tag.split(":");
    // Another name keeps the image while its own is taken.
    await docker.getImage(state.imageId).tag({ repo: "mcp-estate-test/kept", tag });
    ownTags.push(`mcp-estate-test/kept:${tag ?? ""}`);
    await docker.getImage(images.fetch.imageId).tag({ repo, tag });
    const found = await readImage(inputs.tag, state);
    assert.equal((found.inputs as BuiltImageInputs).observed, images.fetch.imageId);
    assert.equal((found.props as BuiltImageState).imageId, state.imageId);
    assert.deepEqual(await restoreImage(state, inputs), state);
    assert.equal((await docker.getImage(inputs.tag).inspect()).Id, state.imageId);
  });

  it("refuses a start command whose file is not there, and leaves nothing behind", async () => {
    const inputs = inputsOf(recipeOf("memory", { command: ["/usr/local/bin/node", "/app/node_modules/absent.js"] }));
    await assert.rejects(createImage(inputs), /would not start: there is no \/app\/node_modules\/absent\.js in it/);
    const left = await docker.listContainers({ all: true, filters: { name: [inputs.tag.split(":")[1] ?? ""] } });
    assert.deepEqual(left, []);
    assert.deepEqual(await readImage(inputs.tag, { ...inputs, imageId: "" }), {});
  });

  it("refuses to put other files under an old tag", async () => {
    const root = await mkdtemp(join(tmpdir(), "mcp-estate-images-"));
    try {
      for (const path of ["components/catalogue/locks", "runtime", "package-lock.json"]) {
        await cp(path, join(root, path), { recursive: true, filter: (file) => !file.includes("node_modules") });
      }
      const { tag, recipe } = inputsOf(recipeOf("memory", { user: USER + 4 }, root));
      await writeFile(join(root, "runtime/supervisor/main.ts"), "export {};\n");
      await assert.rejects(ensureImage({ tag, recipe, labels }, { root }), /was made from other files than those in/);
      await assert.rejects(ensureImage({ tag: "mcp-estate/memory:0", recipe, labels }), /is not the tag of its recipe/);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });

  it("extends a configured base image that is there", async () => {
    const [repo, tag] = ["mcp-estate-test/debian", `slim-${process.pid}`];
    await docker.getImage(imageTag(baseRecipe("node").from ?? assert.fail())).tag({ repo, tag });
    const recipe = baseRecipe("node", { baseImage: `${repo}:${tag}` }).from ?? assert.fail();
    ownTags.push(`${repo}:${tag}`, imageTag(recipe));
    const lines: string[] = [];
    const { imageId } = await ensureImage({ tag: imageTag(recipe), recipe, labels: {} }, { log: (l) => lines.push(l) });
    const { Config: config } = await docker.getImage(imageId).inspect();
    assert.equal(config.Labels?.["mcp-estate.base-source"], `${repo}:${tag}`);
    assert.match(lines.at(-1) ?? "", /: built in \d+\.\d s$/);
  });

  it("says in one error what to install when there is no base image to be had", async () => {
    const recipe = baseRecipe("node", { baseImage: "127.0.0.1:1/absent:1" }).from ?? assert.fail();
    const path = process.env.PATH;
    const lines: string[] = [];
    process.env.PATH = "/nonexistent";
    try {
      const request = { tag: imageTag(recipe), recipe, labels: {} };
      await assert.rejects(ensureImage(request, { log: (line) => lines.push(line) }), /apt-get install .* mmdebstrap/);
    } finally {
      process.env.PATH = path;
    }
    assert.equal(lines.filter((line) => line.includes("127.0.0.1:1/absent:1 cannot be pulled or extended")).length, 1);
  });
});

/** Runs one command in a fresh container as the image's user; answers what it wrote. */
async function runIn(image: string, command: readonly string[]): Promise<string> {
  const output = new PassThrough();
  const [result, container] = (await docker.run(image, command.slice(1), output, {
    Entrypoint: command.slice(0, 1),
    Tty: true,
    HostConfig: { NetworkMode: "none" },
  })) as [{ StatusCode: number }, { remove: (options: object) => Promise<void> }];
  await container.remove({ v: true });
  const text = String(output.read() ?? "").trim();
  assert.equal(result.StatusCode, 0, text);
  return text.replaceAll("\r", "");
}

/** Speaks MCP with a server over its own stdin and stdout, hardened as the estate hardens it. */
async function listTools(
  image: string,
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string[]> {
  const container = await docker.createContainer({
    Image: image,
    Entrypoint: command.slice(0, 1),
    Cmd: command.slice(1),
    Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
    OpenStdin: true,
    StdinOnce: true,
    HostConfig: {
      NetworkMode: "none",
      ReadonlyRootfs: true,
      Tmpfs: { "/tmp": "" },
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      PidsLimit: 32,
      Memory: 256 * MEBIBYTE,
      MemorySwap: 256 * MEBIBYTE,
    },
  });
  try {
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
    const stdout = new PassThrough();
    (docker.modem as { demuxStream: (...streams: NodeJS.ReadWriteStream[]) => void }).demuxStream(
      stream,
      stdout,
      new PassThrough().resume(),
    );
    await container.start();
    const clientInfo = { name: "test", version: "1" };
    const initialize = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo };
    const say = (message: object): unknown => stream.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
    say({ id: 1, method: "initialize", params: initialize });
    for await (const line of createInterface({ input: stdout })) {
      const message = JSON.parse(line) as { id?: number; result?: { tools?: Array<{ name: string }> } };
      if (message.id === 1) {
        say({ method: "notifications/initialized" });
        say({ id: 2, method: "tools/list" });
      } else if (message.id === 2) return (message.result?.tools ?? []).map((tool) => tool.name);
    }
    return assert.fail("the server ended without an answer");
  } finally {
    await container.remove({ force: true, v: true });
  }
}

function ignoreMissing(error: unknown): void {
  if ((error as { statusCode?: number }).statusCode !== 404) throw error;
}
