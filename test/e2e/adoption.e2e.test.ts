import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { docker, eventually, TestEstate } from "./testEstate.ts";

const run = promisify(execFile);
const STACK = "e2eadopt";
const PREFIX = "e2eadopt_";
const PORT = 11862;
const IMAGE = "e2eadopt-shop:1";
const CANARY = "canary-of-the-adopted-password";
/** Answers with all that must survive, and counts its own starts and orderly ends on its volume. */
const PROGRAM = `
const fs = require("fs"), http = require("http");
fs.appendFileSync("/data/starts", "x");
process.on("SIGTERM", () => { fs.appendFileSync("/data/ends", "x"); process.exit(0); });
http.createServer((request, response) => {
  if (request.method === "POST") for (const dir of ["/data", "/cache"]) fs.appendFileSync(dir + "/log", request.url);
  const read = (file) => fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
  response.end(JSON.stringify({
    data: read("/data/log"), cache: read("/cache/log"), seed: read("/seed/package.json").length,
    mode: process.env.MODE, password: process.env.DB_PASSWORD, starts: read("/data/starts"), ends: read("/data/ends"),
  }));
}).listen(8080);`;

interface Answer {
  data: string;
  cache: string;
  seed: number;
  mode: string;
  password: string;
  starts: string;
  ends: string;
}

describe("Adoption, end to end (R-DRF-11)", function () {
  this.timeout(600_000);
  const estate = new TestEstate(STACK, {
    config: { "mcp-estate:servers": { memory: {} } },
  });
  const dockerCli = async (...args: string[]) => (await run("docker", args)).stdout.trim();
  const answer = (method = "GET", path = "/") =>
    eventually(async () => {
      const response = await fetch(`http://127.0.0.1:${PORT}${path}`, { method, signal: AbortSignal.timeout(2_000) });
      return (await response.json()) as Answer;
    }, 20_000);
  const inspect = () => docker.getContainer(`${PREFIX}shop`).inspect();
  const settings = () => readFileSync(join(estate.folder, `Pulumi.${STACK}.yaml`), "utf8");

  async function removeAll(): Promise<void> {
    for (const name of ["shop", "peer"]) await dockerCli("rm", "-f", "-v", PREFIX + name).catch(() => undefined);
    for (const name of ["front", "back"]) await dockerCli("network", "rm", PREFIX + name).catch(() => undefined);
    for (const name of ["data", "other"]) await dockerCli("volume", "rm", PREFIX + name).catch(() => undefined);
    await dockerCli("rmi", IMAGE).catch(() => undefined);
  }

  before(async () => {
    await removeAll();
    await estate.create();
    await estate.succeed("up", ["--yes"]);
    const packages = (await docker.listImages()).find(({ RepoTags }) =>
      RepoTags?.some((tag) => tag.startsWith("mcp-estate/memory-packages:")),
    );
    assert.ok(packages);
    await dockerCli("tag", packages.Id, IMAGE);
    await dockerCli("network", "create", `${PREFIX}front`);
    await dockerCli("network", "create", "--internal", "--subnet", "10.235.7.0/24", `${PREFIX}back`);
    await dockerCli("volume", "create", "--label", "team=shop", `${PREFIX}data`);
    await dockerCli("volume", "create", `${PREFIX}other`);
    const peer = ["--name", `${PREFIX}peer`, "--network", `${PREFIX}front`, "-v", `${PREFIX}other:/x`];
    await dockerCli("run", "-d", ...peer, "--entrypoint", "/bin/sleep", IMAGE, "100000");
    await dockerCli(
      ...["run", "-d", "--name", `${PREFIX}shop`, "--network", `${PREFIX}front`, "--network-alias", "shop"],
      ...[
        "-p",
        `127.0.0.1:${PORT}:8080`,
        "-e",
        "MODE=fast mode",
        "-e",
        `DB_PASSWORD=${CANARY}`,
        "--label",
        "team=shop",
      ],
      ...["-v", `${PREFIX}data:/data`, "-v", "/cache", "-v", `${estate.folder}:/seed:ro`, "--tmpfs", "/run:size=4m"],
      ...["--restart", "always", "--memory", "200m", "--cap-drop", "NET_RAW", "--add-host", "peer:10.9.9.9"],
      ...["--entrypoint", "node", IMAGE, "-e", PROGRAM],
    );
    await dockerCli("network", "connect", `${PREFIX}back`, `${PREFIX}shop`);
    await answer("POST", "/first-order");
  });
  after(async () => {
    await dockerCli("rm", "-f", "-v", `${PREFIX}peer`).catch(() => undefined);
    try {
      await estate.dispose();
    } finally {
      await removeAll();
    }
  });

  it("names what it cannot keep, and changes nothing without consent", async () => {
    await dockerCli("exec", `${PREFIX}shop`, "sh", "-c", "echo note > /srv/note.txt");
    const [file, before] = [settings(), await inspect()];
    const { code, output } = await estate.command("adopt", [`${PREFIX}shop`]);
    assert.equal(code, 1);
    assert.match(
      output,
      /error: nothing was changed: one thing cannot be kept \(e2eadopt-shop: 1 files in its own layer, on no volume: \/srv\/note\.txt\)/,
    );
    assert.equal(settings(), file);
    const after = await inspect();
    assert.deepEqual([after.Id, after.State.StartedAt], [before.Id, before.State.StartedAt]);
    await dockerCli("exec", `${PREFIX}shop`, "rm", "/srv/note.txt");
  });

  it("same data, one orderly restart, limits in force, next preview clean", async () => {
    const ids = async () =>
      [
        (await docker.getNetwork(`${PREFIX}front`).inspect()) as { Id: string },
        (await docker.getNetwork(`${PREFIX}back`).inspect()) as { Id: string },
      ].map(({ Id }) => Id);
    const [before, was, networks] = [await answer(), await inspect(), await ids()];
    const cache = was.Mounts.find(({ Destination }) => Destination === "/cache")?.Name ?? "";
    const peer = await docker.getContainer(`${PREFIX}peer`).inspect();
    const { output } = await estate.succeed("adopt", [`${PREFIX}shop`, "--yes", "--as", "shop"]);
    assert.match(output, /shop: pids had no limit and gets 128 \(it uses \d+\)/);
    assert.match(output, /shop: the volume at \/cache has no name of its own/);

    const after = await answer();
    assert.deepEqual(after, { ...before, starts: "xx", ends: "x" });
    assert.equal(after.data, "/first-order");
    assert.equal(after.cache, "/first-order");
    assert.equal(after.password, CANARY);

    const is = await inspect();
    assert.notEqual(is.Id, was.Id);
    assert.equal(is.Image, was.Image);
    assert.deepEqual(await ids(), networks);
    assert.equal(is.Mounts.find(({ Destination }) => Destination === "/cache")?.Name, cache);
    assert.deepEqual(
      [is.HostConfig.Memory, is.HostConfig.MemorySwap, is.HostConfig.PidsLimit, is.HostConfig.RestartPolicy?.Name],
      [200 * 1024 ** 2, 200 * 1024 ** 2, 128, "always"],
    );
    assert.deepEqual(is.HostConfig.CapDrop, ["NET_RAW"]);
    assert.equal(is.Config.Labels["team"], "shop");
    assert.equal(is.Config.Labels["mcp-estate.component"], "shop");
    assert.deepEqual(Object.keys(is.NetworkSettings.Networks).sort(), [`${PREFIX}back`, `${PREFIX}front`]);
    const { State } = await docker.getContainer(`${PREFIX}peer`).inspect();
    assert.equal(State.StartedAt, peer.State.StartedAt);
    assert.match(await dockerCli("exec", `${PREFIX}peer`, "curl", "-s", "http://shop:8080/"), /first-order/);

    assert.match((await estate.succeed("preview")).stdout, /No drift[^]*would change nothing/);
    await estate.succeed("up", ["--yes", "--expect-no-changes"]);
    assert.equal((await inspect()).Id, is.Id);
  });

  it("R-SEC-03: its password stands nowhere in clear", async () => {
    assert.match(settings(), /DB_PASSWORD:\s+secure: v1:/);
    assert.match(settings(), /MODE: fast mode/);
    assert.doesNotMatch(settings() + (await estate.stateText()), new RegExp(CANARY));
  });

  it("what is changed by hand on an adopted container shows, and is put right on the same data", async () => {
    await dockerCli("update", "--pids-limit", "99", `${PREFIX}shop`);
    await dockerCli("stop", `${PREFIX}shop`);
    const { stdout } = await estate.command("drift");
    assert.match(stdout, /container shop +pids +128 +99/);
    assert.match(stdout, /container shop +state +running +exited/);
    assert.doesNotMatch(stdout, new RegExp(CANARY));
    await estate.succeed("up", ["--yes"]);
    assert.equal((await answer()).data, "/first-order");
    assert.equal((await inspect()).HostConfig.PidsLimit, 128);
  });

  it("R-VOL-08: its volumes are backed up and survive down and up; a network that others use stays for them", async () => {
    await estate.succeed("backup", [`${PREFIX}data`]);
    const { output } = await estate.succeed("down", ["--yes"]);
    assert.match(output, new RegExp(`network ${PREFIX}front stays: container ${PREFIX}peer is on it`));
    await assert.rejects(docker.getNetwork(`${PREFIX}back`).inspect(), { statusCode: 404 });
    await assert.rejects(inspect(), { statusCode: 404 });
    await docker.getVolume(`${PREFIX}data`).inspect();
    await estate.succeed("up", ["--yes"]);
    const { data, cache } = await answer();
    assert.deepEqual([data, cache], ["/first-order", "/first-order"]);
    assert.match((await estate.succeed("preview")).stdout, /No drift[^]*would change nothing/);

    await answer("POST", "/second");
    await estate.succeed("restore", [`${PREFIX}data`]);
    assert.equal((await answer()).data, "/first-order");
  });

  it("R-VOL-04: an update that takes it out of the settings backs its volumes up first, and leaves them", async () => {
    const read = parse(settings()) as { config: Record<string, unknown> };
    estate.configure((config) => (config["mcp-estate:networks"] = read.config["mcp-estate:networks"]));
    const { output } = await estate.succeed("up", ["--yes"]);
    assert.match(output, new RegExp(`takes .*${PREFIX}data.* out of the stack: backing up first`));
    await docker.getVolume(`${PREFIX}data`).inspect();
    await docker.getVolume(`${PREFIX}other`).inspect();
  });
});
