import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type Docker from "dockerode";
import { docker, TestEstate } from "./testEstate.ts";

const require = createRequire(import.meta.url);
const STACK = "e2eorphan";
const mark = (stack: string) => ({
  "mcp-estate.estate": "mcp-estate",
  "mcp-estate.stack": stack,
  "mcp-estate.component": "memory",
});
/** R-DRF-03: the four that ran unseen, under the names that the daemon had invented for them. */
const FOUND = [
  ["bold_williamson", "e2eorphan-mcp/fetch"],
  ["naughty_wozniak", "e2eorphan-mcp/fetch"],
  ["jovial_bohr", "e2eorphan-mcp/duckduckgo"],
  ["optimistic_gagarin", "e2eorphan-mcp/sequentialthinking"],
] as const;
/** Other MCP servers of this machine are none of this test's business. */
const POLICY = { patterns: ["e2eorphan-mcp/*"], hostProcesses: "ignore" };
const PREFIX = "e2eorphan_";

describe("Orphans, end to end (A-13, A-18, R-DRF-02 to 04)", function () {
  this.timeout(600_000);
  const estate = new TestEstate(STACK, {
    config: { "mcp-estate:servers": { memory: {} }, "mcp-estate:orphans": POLICY },
  });
  const made: Docker.Container[] = [];
  const images: string[] = [];
  const volumes: Docker.Volume[] = [];
  const strangers: Docker.Volume[] = [];
  const networks: Docker.Network[] = [];
  let image = "";
  const wrappers = join(estate.folder, "wrappers");

  async function start(name: string, from: string, labels: Record<string, string> = {}): Promise<Docker.Container> {
    const container = await docker.createContainer({
      _query: { name: `${PREFIX}${name}` },
      _body: {
        Image: from,
        Entrypoint: ["/usr/bin/sleep", "100000"],
        Labels: labels,
        HostConfig: { Memory: 33554432 },
      },
    } as unknown as Docker.ContainerCreateOptions);
    await container.start();
    made.push(container);
    return container;
  }

  /** A folder of start scripts with one in it, beside what is none. */
  function putScripts(): string {
    mkdirSync(wrappers, { recursive: true });
    writeFileSync(join(wrappers, "README"), "#! is no script here", { mode: 0o644 });
    writeFileSync(join(wrappers, "data.bin"), "\x7fELF", { mode: 0o755 });
    const script = join(wrappers, "memory.sh");
    writeFileSync(script, "#!/bin/sh\nexec npx -y @modelcontextprotocol/server-memory\n", { mode: 0o755 });
    return script;
  }

  async function exists(container: Docker.Container): Promise<boolean> {
    return container.inspect().then(
      () => true,
      () => false,
    );
  }

  before(async () => {
    await estate.create();
    await estate.succeed("up", ["--yes"]);
    // An image without anybody's mark: a stack's own image would hand its labels down.
    const own = await (await estate.container("memory")).inspect();
    const base = await docker.getImage(own.Image).inspect();
    image =
      (await docker.listImages()).find(({ RepoTags }) => RepoTags?.some((tag) => tag.startsWith("mcp-estate/debian:")))
        ?.Id ?? base.Id;
    for (const [, tag] of FOUND) {
      const [repo = ""] = tag.split(":");
      await docker.getImage(image).tag({ repo, tag: "latest" });
      images.push(`${repo}:latest`);
    }
  });
  after(async () => {
    for (const container of made) await container.remove({ force: true }).catch(() => undefined);
    for (const network of networks) await network.remove().catch(() => undefined);
    for (const volume of [...volumes, ...strangers]) await volume.remove().catch(() => undefined);
    for (const tag of new Set(images))
      await docker
        .getImage(tag)
        .remove()
        .catch(() => undefined);
    await estate.dispose();
  });

  it("names each in the preview, removes ours, reports the rest, spares decoys, and is clean the second time", async () => {
    const patterned = await Promise.all(FOUND.map(([name, tag]) => start(name, tag)));
    const twin = await start("twin", image, mark(STACK));
    const decoys = [
      await start("foreign", image),
      await start("other-stack", image, mark("another")),
      await start("other-estate", image, { ...mark(STACK), "mcp-estate.estate": "theirs" }),
    ];
    const orphanNetwork = await docker.createNetwork({ Name: `${PREFIX}net`, Labels: mark(STACK) });
    const foreignNetwork = await docker.createNetwork({ Name: `${PREFIX}foreign`, Labels: mark("another") });
    networks.push(orphanNetwork, foreignNetwork);
    // Named like a volume of ours with secrets, and nobody's.
    const foreignVolume = `mcp-estate-${STACK}-x-secrets-0a1b2c3`;
    await docker.createVolume({ Name: foreignVolume });
    strangers.push(docker.getVolume(foreignVolume));
    for (const name of ["left", "behind"]) {
      await docker.createVolume({ Name: `${PREFIX}${name}`, Labels: mark(STACK) });
      volumes.push(docker.getVolume(`${PREFIX}${name}`));
    }

    const preview = (await estate.succeed("preview")).stdout;
    for (const [name, tag] of FOUND) {
      assert.match(
        preview,
        new RegExp(`container ${PREFIX}${name} .*is reported.*${tag}.* old, \\d+ MiB, matches the pattern`),
      );
    }
    assert.match(preview, new RegExp(`container ${PREFIX}twin .*will be removed`));
    assert.match(preview, new RegExp(`network ${PREFIX}net .*will be removed`));
    assert.match(preview, new RegExp(`volume ${PREFIX}left .*is reported`));
    assert.match(preview, new RegExp(`volume ${PREFIX}behind .*is reported`));
    assert.doesNotMatch(preview, /foreign|other-/);
    assert.ok(await exists(twin), "a preview changes nothing");

    await estate.succeed("up", ["--yes"]);
    assert.equal(await exists(twin), false);
    await assert.rejects(orphanNetwork.inspect(), { statusCode: 404 });
    for (const container of [...patterned, ...decoys]) assert.ok(await exists(container));
    await foreignNetwork.inspect();
    for (const volume of [...volumes, ...strangers]) await volume.inspect();
    assert.equal((await estate.output<string[]>("orphans")).length, FOUND.length + volumes.length);

    const again = (await estate.succeed("preview")).stdout;
    assert.match(again, /No drift/);
    await estate.succeed("up", ["--yes", "--expect-no-changes"]);
  });

  it("R-ARC-08: a preview refuses a range that another network has, by setting, value, network and way out", async () => {
    const foreign = await docker.createNetwork({
      Name: `${PREFIX}range`,
      IPAM: { Driver: "default", Config: [{ Subnet: "10.236.0.0/16" }] },
    });
    networks.push(foreign);
    const range = (value: string) => estate.configure((config) => (config["mcp-estate:network"] = { range: value }));
    range("10.236.0.0/17");
    const { code, output } = await estate.command("preview");
    range("10.233.0.0/16");
    assert.equal(code, 1);
    assert.match(
      output,
      /mcp-estate:network\.range is 10\.236\.0\.0\/17: network \S+ would have \S+ of it, and network e2eorphan_range has 10\.236\.0\.0\/16, .* set mcp-estate:network\.range to a range that nobody has, for example 10\.\d+\.0\.0\/16/,
    );
  });

  it("removes what matches a pattern where the stack says so, and nothing else", async () => {
    const decoy = made.find((container) => container.id === made[5]?.id);
    estate.configure((config) => {
      config["mcp-estate:orphans"] = { ...POLICY, patterned: "remove" };
    });
    const preview = (await estate.succeed("preview")).stdout;
    for (const [name] of FOUND)
      assert.match(preview, new RegExp(`delete +container ${PREFIX}${name} +policy: matches`));
    assert.doesNotMatch(preview, /foreign|other-/);
    await estate.succeed("up", ["--yes"]);
    for (const container of made.slice(0, FOUND.length)) assert.equal(await exists(container), false);
    assert.ok(decoy && (await exists(decoy)));
    for (const volume of volumes) await volume.inspect();
  });

  it("A-12, R-DRF-08: a server and a start script on the host are in the next preview, the outputs and the metrics", async () => {
    estate.configure((config) => {
      config["mcp-estate:orphans"] = { ...POLICY, hostProcesses: "report", startScriptPaths: [wrappers] };
    });
    await estate.succeed("up", ["--yes"]);
    const script = putScripts();
    const before = (await estate.succeed("preview")).stdout;
    assert.match(before, new RegExp(`script ${script} .*no, is reported.*starts servers on the host`));
    assert.doesNotMatch(before, /README|data\.bin/);
    const main = require.resolve("@modelcontextprotocol/server-everything/dist/index.js");
    const server = spawn(process.execPath, [main, "stdio"], { stdio: ["pipe", "ignore", "ignore"] });
    try {
      const { stdout } = await estate.succeed("preview");
      assert.match(
        stdout,
        new RegExp(
          `process ${server.pid} .*is reported.*@modelcontextprotocol/server-everything, \\d+ min old, \\d+ MiB`,
        ),
      );
      const file = join(estate.folder, "drift.prom");
      const { code } = await estate.command("drift", ["--metrics", file]);
      assert.equal(code, 2);
      const metrics = readFileSync(file, "utf8");
      const whose = `estate="mcp-estate",stack="${STACK}"`;
      assert.ok(metrics.includes(`mcp_estate_orphans{kind="volume",${whose}} ${volumes.length}\n`), metrics);
      assert.ok(
        metrics.includes(`mcp_estate_orphan{kind="process",name="${server.pid}",action="report",${whose}} 1\n`),
      );
      assert.ok(metrics.includes(`mcp_estate_orphan{kind="script",name="${script}",action="report",${whose}} 1\n`));
      const { volume, container } = await estate.output<Record<string, number>>("orphanCounts");
      assert.deepEqual([volume, container], [volumes.length, 0]);
    } finally {
      server.kill("SIGKILL");
    }
  });

  it("R-DRF-07: disables start scripts where the stack says so, and gives them back", async () => {
    const script = putScripts();
    estate.configure((config) => {
      config["mcp-estate:orphans"] = { ...POLICY, startScriptPaths: [wrappers], startScripts: "disable" };
    });
    assert.match(
      (await estate.succeed("preview")).stdout,
      new RegExp(`delete +script ${script} +policy: starts servers`),
    );
    assert.ok(existsSync(script), "a preview changes nothing");
    await estate.succeed("up", ["--yes"]);
    assert.deepEqual(readdirSync(wrappers), ["README", "data.bin", "memory.sh.disabled"]);
    assert.equal(statSync(`${script}.disabled`).mode & 0o111, 0);
    assert.match((await estate.succeed("preview")).stdout, /No drift[^]*would change nothing/);

    const { output } = await estate.succeed("enable-scripts");
    assert.match(output, /memory\.sh can be started again/);
    assert.match(output, /the next update disables them again: set mcp-estate:orphans\.startScripts to report/);
    assert.deepEqual(readdirSync(wrappers), ["README", "data.bin", "memory.sh"]);
    assert.equal(statSync(script).mode & 0o777, 0o755);
  });
});
