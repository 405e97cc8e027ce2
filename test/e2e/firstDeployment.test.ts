import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { Client } from "@modelcontextprotocol/client";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { parseCgroups, readKernelLimits } from "../../components/providers/kernelLimits.ts";
import { catalogue } from "../../components/catalogue/index.ts";
import { proxyLimits, limitClasses } from "../../components/limitClasses.ts";
import { hashToken } from "../../runtime/contract/index.ts";
import { systemCalls, systemCallsByDefault } from "./systemCalls.ts";
import { docker, eventually, TestEstate } from "./testEstate.ts";
import { listToolsOverStdio } from "./stdioTools.ts";

const NAMES = ["everything", "fetch", "filesystem", "memory", "sequential-thinking"];
const MIB = 1024 * 1024;

/** How often the kernel refused a fork in the container: `pids.events` says `max N`. */
async function refusedForks(id: string): Promise<number> {
  const { State } = await docker.getContainer(id).inspect();
  const path = parseCgroups(await readFile(`/proc/${State.Pid}/cgroup`, "utf8"));
  const folder = path.has("pids") ? `/sys/fs/cgroup/pids${path.get("pids")}` : `/sys/fs/cgroup${path.get("")}`;
  return Number(/max (\d+)/.exec(await readFile(`${folder}/pids.events`, "utf8"))?.[1]);
}

describe("First deployment of five servers, end to end", function () {
  this.timeout(600_000);
  const estate = new TestEstate("e2efirst", {
    config: { "mcp-estate:servers": Object.fromEntries(NAMES.map((name) => [name, {}])) },
  });

  before(async () => {
    await estate.create();
    await estate.succeed("up", ["--yes"]);
  });
  after(() => estate.dispose());

  it("R-GW-07: /servers lists five healthy servers with the tools of a direct stdio tools/list", async () => {
    const listed = await estate.servers();
    assert.deepEqual(listed.map((server) => server.name).sort(), NAMES);
    for (const server of listed) {
      const entry = catalogue.get(server.name);
      assert.ok(entry);
      assert.equal(server.state, "healthy", server.name);
      assert.equal(server.transport, "stdio");
      assert.equal(server.version, entry.package.version);
      const info = await (await estate.container(server.name)).inspect();
      const direct = await listToolsOverStdio(info.Image, entry, info.Config.User);
      assert.ok(direct.length > 0);
      assert.deepEqual([...server.tools].sort(), direct.sort(), server.name);
    }
  });

  it("R-GW-02: /execute writes an entity into memory and reads it back", async () => {
    const entity = { name: "first-entity", entityType: "test", observations: ["written by /execute"] };
    assert.equal((await estate.execute("memory", "create_entities", { entities: [entity] })).status, 200);
    const { status, body } = await estate.execute("memory", "open_nodes", { names: ["first-entity"] });
    assert.equal(status, 200);
    assert.match(JSON.stringify(body), /written by \/execute/);
  });

  it("/execute takes `command` for `tool` and serves under /api/v1/mcp too (R-GW-03)", async () => {
    const { status, body } = await estate.request("/api/v1/mcp/execute", {
      method: "POST",
      body: JSON.stringify({ server: "filesystem", command: "list_directory", arguments: { path: "/files" } }),
    });
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal((await estate.request("/api/v1/mcp/servers")).status, 200);
    assert.equal((await estate.request("/api/v1/mcp/status")).status, 200);
  });

  it("fetches a page from the server's own network", async () => {
    const network = (await estate.networks()).find((each) => each.Name.includes("-fetch-"));
    const fetchImage = (await (await estate.container("fetch")).inspect()).Image;
    const page = await docker.createContainer({
      Image: fetchImage,
      Entrypoint: ["/usr/local/bin/node", "-e"],
      Cmd: [
        "http.createServer((q,s)=>s.writeHead(q.url=='/robots.txt'?404:200,{'content-type':'text/html'}).end('<p>page 4711</p>')).listen(8080)",
      ],
      HostConfig: { NetworkMode: network?.Id ?? "", AutoRemove: true },
      NetworkingConfig: { EndpointsConfig: { [network?.Id ?? ""]: { Aliases: ["page"] } } },
    });
    await page.start();
    try {
      const { status, body } = await eventually(async () => {
        const answer = await estate.execute("fetch", "fetch", { url: "http://page:8080/" });
        assert.equal(answer.status, 200, JSON.stringify(answer.body));
        return answer;
      }, 15_000);
      assert.equal(status, 200);
      assert.match(JSON.stringify(body), /page 4711/);
    } finally {
      await page.remove({ force: true });
    }
  });

  it("R-GW-16: an official client lists all tools on /mcp and calls one", async () => {
    const client = new Client({ name: "test", version: "1.0.0" });
    const transport = new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${estate.port}/mcp`), {
      requestInit: { headers: { authorization: `Bearer ${await estate.token()}` } },
    });
    await client.connect(transport);
    try {
      const names = (await client.listTools()).tools.map((tool) => tool.name);
      const expected = (await estate.servers()).flatMap((server) =>
        server.tools.map((tool) => `${server.name}__${tool}`),
      );
      assert.deepEqual(names.sort(), expected.sort());
      const result = await client.callTool({ name: "everything__echo", arguments: { message: "hello" } });
      assert.match(JSON.stringify(result.content), /hello/);
    } finally {
      await client.close();
    }
  });

  it("R-SEC-08: calls of the kernel that no server needs are refused, which Docker's own profile lets through", async () => {
    const EPERM = 1;
    const { AF_INET, AF_UNIX, ...refused } = await systemCalls(estate, "fetch");
    assert.deepEqual([AF_INET, AF_UNIX], [0, 0]);
    assert.deepEqual([...new Set(Object.values(refused))], [EPERM], JSON.stringify(refused));
    const byDefault = await systemCallsByDefault(estate, "fetch");
    // Both are for some versions of Docker to refuse and for others not.
    const { AF_VSOCK: _vsock, process_vm_readv: _readv, ...others } = byDefault;
    assert.ok(!Object.values(others).includes(EPERM), JSON.stringify(byDefault));
  });

  it("R-GW-14: every path but /health wants the token", async () => {
    const bare = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${estate.port}${path}`, init);
    assert.equal((await bare("/health")).status, 200);
    for (const path of ["/servers", "/status", "/metrics", "/api/v1/mcp/servers", "/mcp", "/servers/memory/mcp"]) {
      assert.equal((await bare(path)).status, 401, path);
    }
    assert.equal((await bare("/execute", { method: "POST", body: "{}" })).status, 401);
  });

  it("R-GW-06: 404 for an unknown server or tool, 400 naming the field", async () => {
    const unknown = await estate.execute("nobody", "x", {});
    assert.equal(unknown.status, 404);
    assert.match(JSON.stringify(unknown.body), /nobody/);
    assert.equal((await estate.execute("memory", "no_such_tool", {})).status, 404);
    const bad = await estate.request("/execute", {
      method: "POST",
      body: JSON.stringify({ server: "memory", tool: 5 }),
    });
    assert.equal(bad.status, 400);
    assert.match(JSON.stringify(bad.body), /tool/);
  });

  it("R-DRF-09: a second up reports no change, also after a refresh", async () => {
    await estate.succeed("up", ["--yes", "--expect-no-changes"]);
    await estate.succeed("refresh", ["--yes", "--expect-no-changes"]);
    await estate.succeed("up", ["--yes", "--expect-no-changes"]);
  });

  for (const component of [...NAMES, "gateway", "edge"]) {
    it(`R-LIM-06: the kernel enforces on ${component} what is declared`, async () => {
      const limits =
        component === "edge" ? proxyLimits : limitClasses[catalogue.get(component)?.limitClass ?? "standard"];
      const info = await (await estate.container(component)).inspect();
      assert.deepEqual(await readKernelLimits(info.State.Pid), {
        memoryBytes: limits.memoryMiB * MIB,
        memorySwapBytes: limits.memoryMiB * MIB,
        cpus: limits.cpus,
        pids: limits.pids,
        nofile: limits.nofile,
        nproc: limits.nproc,
      });
      const status = (await estate.exec(component, ["cat", "/proc/self/status"])).output;
      assert.match(status, /NoNewPrivs:\t1\n/);
      assert.match(status, /CapEff:\t0000000000000000\n/);
      assert.match(status, new RegExp(`Uid:\\t${info.Config.User.split(":")[0]}\\t`));
      const write = await estate.exec(component, ["sh", "-c", "echo x > /opt/x"]);
      assert.notEqual(write.code, 0);
      assert.match(write.output, /Read-only file system/);
      assert.equal(info.HostConfig.MemoryReservation, limits.memoryReservationMiB * MIB);
      assert.deepEqual(info.HostConfig.LogConfig, {
        Type: "json-file",
        Config: { "max-file": "3", "max-size": "10m" },
      });
    });
  }

  it("R-LIM-07: a fork loop stops at the pids limit while the other servers answer", async () => {
    const container = await estate.container("everything");
    const limit = limitClasses.light.pids;
    const loop = spawn("docker", ["exec", container.id, "sh", "-c", "while :; do sleep 20 & done"], {
      stdio: "ignore",
    });
    try {
      let most = 0;
      const end = Date.now() + 5000;
      while (Date.now() < end) {
        most = Math.max(most, (await container.stats({ stream: false, "one-shot": true })).pids_stats?.current ?? 0);
        const { status } = await estate.execute("memory", "read_graph", {});
        assert.equal(status, 200);
      }
      assert.ok(most <= limit && most > limit / 2, `${most} tasks`);
      assert.ok((await refusedForks(container.id)) > 0, "the kernel refused a fork");
    } finally {
      loop.kill("SIGKILL");
      await container.restart();
    }
    await eventually(async () => {
      const server = (await estate.servers()).find((each) => each.name === "everything");
      assert.equal(server?.state, "healthy");
    }, 30_000);
  });

  it("R-NET-04: a server reaches neither another server nor a 0.0.0.0 port of the host", async () => {
    const listener = createServer((socket) => socket.end("reached"));
    await new Promise<void>((resolve) => listener.listen(0, "0.0.0.0", resolve));
    const { port } = listener.address() as { port: number };
    try {
      const hostAddresses = Object.values(networkInterfaces())
        .flat()
        .filter((each) => each?.family === "IPv4" && !each.internal)
        .map((each) => each?.address ?? "");
      assert.ok(hostAddresses.length > 0);
      const targets = hostAddresses.map((address) => `${address}:${port}`);
      // The bridge's own address would be the first of the server's block.
      for (const network of await estate.networks()) {
        const subnet = network.IPAM?.Config?.[0]?.Subnet ?? "";
        targets.push(`${subnet.replace(/\d+\/\d+$/, (last) => String(Number.parseInt(last ?? "0", 10) + 1))}:${port}`);
      }
      for (const other of await estate.containers()) {
        const component = other.Labels["mcp-estate.component"] ?? "";
        if (component === "memory" || component === "gateway") continue;
        targets.push(`${component}:8000`);
        for (const endpoint of Object.values(other.NetworkSettings.Networks))
          targets.push(`${endpoint.IPAddress}:8000`);
      }
      const script = targets
        .map((target) => `curl -s -m 1 -o /dev/null http://${target}/; echo ${target} $?`)
        .join("\n");
      const { output } = await estate.exec("memory", ["sh", "-c", script]);
      const answers = output.trim().split("\n");
      assert.equal(answers.length, targets.length, output);
      // 7 refused or no route, 6 unknown name, 28 timed out; anything else had somebody at the other end.
      assert.deepEqual(
        answers.filter((answer) => !/ (6|7|28)$/.test(answer)),
        [],
      );
      const self = await estate.exec("memory", [
        "curl",
        "-s",
        "-m",
        "2",
        "-o",
        "/dev/null",
        "http://memory:8000/health",
      ]);
      assert.equal(self.code, 0, "the probe itself works");
    } finally {
      listener.close();
    }
  });

  it("changes a memory limit in place, and the kernel and the supervisor show it", async () => {
    const before = await estate.container("memory");
    estate.configure((config) => {
      (config["mcp-estate:servers"] as Record<string, unknown>)["memory"] = { limits: { memoryMiB: 320 } };
    });
    await estate.succeed("up", ["--yes"]);
    const after = await estate.container("memory");
    assert.equal(after.id, before.id);
    const info = await after.inspect();
    assert.equal((await readKernelLimits(info.State.Pid)).memoryBytes, 320 * MIB);
    await eventually(async () => {
      const { output } = await estate.exec("memory", ["curl", "-s", "http://127.0.0.1:8000/limits"]);
      const limits = JSON.parse(output) as { declared: { memoryMiB: number } };
      assert.equal(limits.declared.memoryMiB, 320);
    }, 5000);
  });

  it("replaces the container for a health check change", async () => {
    const before = await estate.container("filesystem");
    estate.configure((config) => {
      config["mcp-estate:health"] = { intervalSeconds: 7, timeoutSeconds: 5, failures: 3 };
    });
    await estate.succeed("up", ["--yes"]);
    const after = await estate.container("filesystem");
    assert.notEqual(after.id, before.id);
    assert.equal((await after.inspect()).Config.Healthcheck?.Interval, 7e9);
  });

  it("R-DRF-10: a killed server shows within 10 s, gives 503 by name, and the next up brings it back", async () => {
    await (await estate.container("memory")).kill();
    await eventually(async () => {
      const server = (await estate.servers()).find((each) => each.name === "memory");
      assert.notEqual(server?.state, "healthy");
    }, 10_000);
    const { status, body } = await estate.execute("memory", "read_graph", {});
    assert.equal(status, 503);
    assert.match(JSON.stringify(body), /memory/);
    const others = new Map((await estate.containers()).map((each) => [each.Labels["mcp-estate.component"], each.Id]));
    await estate.succeed("up", ["--yes"]);
    const { body: graph, status: found } = await estate.execute("memory", "read_graph", {});
    assert.equal(found, 200);
    assert.match(JSON.stringify(graph), /first-entity/, "its data is still there");
    for (const each of await estate.containers()) {
      assert.equal(each.Id, others.get(each.Labels["mcp-estate.component"]), "nothing else was touched");
    }
  });

  it("R-SEC-03: the token is nowhere in clear", async () => {
    const token = await estate.token();
    assert.equal(token.length, 48);
    const places: Record<string, string> = { state: await estate.stateText() };
    for (const { Id, Labels } of await estate.containers()) {
      const container = docker.getContainer(Id);
      const component = Labels["mcp-estate.component"] ?? "";
      places[`inspect of ${component}`] = JSON.stringify(await container.inspect());
      places[`log of ${component}`] = (await container.logs({ stdout: true, stderr: true })).toString();
      const environ = await estate.exec(component, ["sh", "-c", "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline"]);
      places[`processes of ${component}`] = environ.output;
    }
    for (const image of await estate.images()) {
      places[`image ${image.RepoTags?.join()}`] =
        JSON.stringify(await docker.getImage(image.Id).inspect()) +
        JSON.stringify(await docker.getImage(image.Id).history());
    }
    places["output of up"] = (await estate.succeed("up", ["--yes"])).output;
    assert.deepEqual(
      Object.entries(places)
        .filter(([, text]) => text.includes(token))
        .map(([place]) => place),
      [],
    );
    // The gateway itself has hashes only, in the one file that it reads.
    const files = await estate.exec("gateway", ["sh", "-c", "cat /run/secrets/*"]);
    assert.ok(files.output.includes(hashToken(token)) && !files.output.includes(token));
  });

  it("down leaves no container and no network, keeps images and volumes, and up finds the data again", async () => {
    const images = (await estate.images()).length;
    await estate.succeed("down", ["--yes"]);
    assert.equal((await estate.containers()).length, 0);
    assert.equal((await estate.networks()).length, 0);
    assert.equal((await estate.images()).length, images);
    const volumes = (await estate.volumes()).map((each) => each.Name);
    assert.equal(volumes.length, 2, volumes.join());
    await estate.succeed("up", ["--yes"]);
    const { body } = await estate.execute("memory", "open_nodes", { names: ["first-entity"] });
    assert.match(JSON.stringify(body), /written by \/execute/);
    await estate.succeed("down", ["--yes", "--volumes", "--images"]);
    assert.equal((await estate.volumes()).length, 0);
    assert.equal((await estate.images()).length, 0);
  });
});
