import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { hashToken } from "../../runtime/contract/index.ts";
import { docker, eventually, TestEstate } from "./testEstate.ts";

interface Listed {
  name: string;
  state: string;
  sharing: string;
  instances: Array<{ name: string; state: string }>;
}

describe("Instances and named callers, end to end (R-GW-10, R-GW-12, R-GW-13, R-GW-14)", function () {
  this.timeout(600_000);
  const servers: Record<string, Record<string, unknown>> = {
    echo: { from: "everything", instances: 2 },
    "sequential-thinking": {},
  };
  const estate = new TestEstate("e2einst", {
    config: { "mcp-estate:servers": servers },
  });
  let tokens: Record<string, string> = {};
  let owner = "";

  before(async () => {
    estate.configure((config) => {
      config["mcp-estate:gateway"] = { port: estate.port, principals: ["alice", "bob"] };
    });
    await estate.create();
    await estate.succeed("up", ["--yes"]);
    tokens = await estate.output("gatewayTokens");
    owner = await estate.token();
  });
  after(() => estate.dispose());

  const call = async (token: string, path: string, body?: object) => {
    const response = await fetch(`http://127.0.0.1:${estate.port}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${token}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text() };
  };
  const longCall = (seconds: number) =>
    call(owner, "/execute", {
      server: "echo",
      tool: "trigger-long-running-operation",
      arguments: { duration: seconds, steps: 1 },
    });
  const listed = async (name: string): Promise<Listed | undefined> =>
    (JSON.parse((await call(owner, "/servers")).text) as { servers: Listed[] }).servers.find(
      (server) => server.name === name,
    );
  const named = async (name: string) => {
    const found = (await estate.containers("echo")).find(({ Names }) =>
      Names[0]?.startsWith(`/mcp-estate-e2einst-${name}-`),
    );
    assert.ok(found, name);
    return docker.getContainer(found.Id);
  };
  /** The standing stream of a new session on `/mcp`. */
  const openStream = async (token: string): Promise<{ ended: () => boolean }> => {
    const url = `http://127.0.0.1:${estate.port}/mcp`;
    const headers = {
      authorization: `Bearer ${token}`,
      accept: "application/json, text/event-stream",
      "content-type": "application/json",
    };
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } };
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params });
    const session = (await fetch(url, { method: "POST", headers, body })).headers.get("mcp-session-id") ?? "";
    const answer = await fetch(url, { headers: { ...headers, "mcp-session-id": session } });
    assert.equal(answer.status, 200);
    let ended = false;
    void answer
      .text()
      .catch(() => "")
      .finally(() => (ended = true));
    return { ended: () => ended };
  };
  /** Keeps calling until told to stop: how many of each status came. */
  const load = (callers: readonly string[] = [owner]) => {
    const seen = new Map<number, number>();
    let over = false;
    const worker = async (_: unknown, index: number): Promise<void> => {
      while (!over) {
        const { status } = await call(callers[index % callers.length] ?? "", "/execute", {
          server: "echo",
          tool: "echo",
          arguments: { message: "x" },
        });
        seen.set(status, (seen.get(status) ?? 0) + 1);
      }
    };
    const workers = Array.from({ length: 4 }, worker);
    return async () => {
      over = true;
      await Promise.all(workers);
      return seen;
    };
  };

  it("each instance is a container with limits of its own, read back, and its host is asked for both", async () => {
    assert.equal((await estate.containers("echo")).length, 2);
    const outputs =
      await estate.output<Record<string, { effective: Record<string, { docker: { pids: number } }> }>>("servers");
    const effective = outputs["echo"]?.effective ?? {};
    assert.deepEqual(Object.keys(effective).sort(), ["echo", "echo--2"]);
    for (const { docker: limits } of Object.values(effective)) assert.equal(limits.pids, 32);
    assert.match(await estate.stateText(), /"component": ?"echo--2"/);
    const echo = await listed("echo");
    assert.deepEqual(
      echo?.instances.map(({ name, state }) => [name, state]),
      [
        ["echo", "healthy"],
        ["echo--2", "healthy"],
      ],
    );
  });

  it("a second container of a stack's server is declared, no orphan", async () => {
    await estate.pulumi("preview", "--expect-no-changes");
    assert.deepEqual(await estate.output("orphans"), []);
  });

  it("principals have tokens of their own, secret in the state, and children of their own", async () => {
    assert.deepEqual(Object.keys(tokens).sort(), ["alice", "bob"]);
    const state = await estate.stateText();
    for (const token of [...Object.values(tokens), owner]) assert.ok(!state.includes(token));
    const think = (token: string) =>
      call(token, "/execute", {
        server: "sequential-thinking",
        tool: "sequentialthinking",
        arguments: { thought: "t", nextThoughtNeeded: true, thoughtNumber: 1, totalThoughts: 2 },
      });
    const lengths = [];
    for (const name of ["alice", "bob", "alice"]) {
      const { status, text } = await think(tokens[name] ?? "");
      assert.equal(status, 200, text);
      lengths.push(/thoughtHistoryLength\\": (\d+)/.exec(text)?.[1]);
    }
    assert.deepEqual(lengths, ["1", "1", "2"]);
    assert.equal((await listed("sequential-thinking"))?.sharing, "isolated");
  });

  it("R-SEC-09 tokens are rotated under load: no call, stream or container is lost, and the old ones end", async () => {
    const old = tokens["alice"] ?? "";
    const gatewayId = async (): Promise<string> => (await estate.container("gateway")).id;
    const before = await gatewayId();
    const rotate = async (...args: string[]): Promise<void> => {
      await estate.succeed("rotate-token", args);
      await estate.succeed("up", ["--yes"]);
      tokens = await estate.output("gatewayTokens");
      assert.equal(await gatewayId(), before);
    };
    const stream = await openStream(old);
    const end = load([owner, old]);
    await rotate("alice");
    const seen = await end();
    assert.deepEqual([...seen.keys()], [200]);
    assert.deepEqual(Object.keys(tokens).sort(), ["alice", "alice/1", "bob"]);
    assert.equal(tokens["alice/1"], old);
    assert.notEqual(tokens["alice"], old);
    for (const token of [old, tokens["alice"] ?? ""]) assert.equal((await call(token, "/servers")).status, 200);
    assert.equal(stream.ended(), false);

    await rotate("alice", "--grace", "0");
    await eventually(async () => assert.equal((await call(old, "/servers")).status, 401), 5000);
    await eventually(async () => assert.ok(await Promise.resolve(stream.ended())), 5000);
    const oldOwner = owner;
    await rotate("owner", "--grace", "0");
    owner = await estate.token();
    await eventually(async () => assert.equal((await call(oldOwner, "/servers")).status, 401), 5000);
    for (const token of [owner, tokens["alice"] ?? "", tokens["bob"] ?? ""])
      assert.equal((await call(token, "/servers")).status, 200);

    const files = await estate.exec("gateway", ["sh", "-c", "cat /run/secrets/*"]);
    assert.ok(files.output.includes(hashToken(owner)));
    for (const gone of [old, oldOwner]) assert.ok(!files.output.includes(hashToken(gone)));
    for (const token of [old, oldOwner, owner, ...Object.values(tokens)]) assert.ok(!files.output.includes(token));
  });

  it("R-GW-14 a scope in the settings is in force with the update, and its caller reaches nothing else", async () => {
    estate.configure((config) => {
      config["mcp-estate:gateway"] = {
        port: estate.port,
        // as the rotations have left them
        tokens: [{ name: "2" }],
        principals: {
          alice: { tokens: [{ name: "3" }] },
          bob: { scopes: { echo: ["echo"] }, expires: "2099-12-31" },
        },
      };
    });
    await estate.succeed("up", ["--yes"]);
    const bob = tokens["bob"] ?? "";
    const { servers: seen } = JSON.parse((await call(bob, "/servers")).text) as { servers: Array<{ tools: string[] }> };
    assert.deepEqual(
      seen.map(({ tools }) => tools),
      [["echo"]],
    );
    const statuses = [];
    for (const [server, tool] of [
      ["echo", "echo"],
      ["echo", "get-env"],
      ["sequential-thinking", "sequentialthinking"],
    ]) {
      statuses.push((await call(bob, "/execute", { server, tool, arguments: { message: "x" } })).status);
    }
    assert.deepEqual(statuses, [200, 404, 404]);
    assert.equal((await call(bob, "/metrics")).status, 404);
  });

  it("docker stop of one instance loses no call: it ends what it has begun, the rest goes to the other", async () => {
    const end = load();
    const long = [longCall(2), longCall(2)];
    await sleep(500);
    await (await named("echo--2")).stop();
    for (const answer of await Promise.all(long)) assert.equal(answer.status, 200, answer.text);
    const seen = await end();
    assert.deepEqual([...seen.keys()], [200]);
    await eventually(async () => assert.equal((await listed("echo"))?.state, "degraded"), 15_000);
    await estate.succeed("up", ["--yes"]);
    assert.equal((await listed("echo"))?.state, "healthy");
  });

  it("SIGKILL of one in mid-call: its repeatable call is answered by the other", async () => {
    const long = [longCall(3), longCall(3)];
    await sleep(700);
    await (await named("echo")).kill();
    for (const answer of await Promise.all(long)) assert.equal(answer.status, 200, answer.text);
    await estate.succeed("up", ["--yes"]);
  });

  it("updates that add and remove instances lose no call", async () => {
    const end = load();
    for (const instances of [3, 1, 2]) {
      servers["echo"] = { from: "everything", instances };
      estate.configure((config) => (config["mcp-estate:servers"] = servers));
      await estate.succeed("up", ["--yes"]);
      assert.equal((await estate.containers("echo")).length, instances);
    }
    const seen = await end();
    assert.deepEqual([...seen.keys()], [200]);
  });
});
