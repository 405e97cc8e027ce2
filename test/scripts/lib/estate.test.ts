import assert from "node:assert/strict";
import { estateTable, readOutputs, waitUntilHealthy, type EstateOutputs } from "../../../scripts/lib/estate.ts";
import type { Prepared } from "../../../scripts/lib/prepare.ts";
import { cleanUp, fakeProgram, fakeServer, listener, temporaryFolder } from "../support.ts";

const outputs = (gatewayUrl: string): EstateOutputs => ({
  gatewayUrl,
  gatewayCertificate: "",
  gatewayToken: "secret",
  prometheusUrl: "",
  alertmanagerUrl: "",
  servers: { memory: { url: `${gatewayUrl}/servers/memory/mcp`, limits: { memoryMiB: 256, pids: 32 } } },
});

describe("estate", () => {
  afterEach(cleanUp);

  it("waits until every declared server is healthy and says each change once", async () => {
    const states = ["starting", "starting", "healthy"];
    const gateway = await fakeServer({
      "/servers": () => ({ servers: [{ name: "memory", state: states.shift() ?? "healthy", tools: ["read"] }] }),
    });
    const { said, say } = listener();
    const found = await waitUntilHealthy(outputs(gateway), { say, intervalMs: 5 });
    assert.deepEqual(found, [{ name: "memory", state: "healthy", tools: ["read"], provedBy: "call" }]);
    assert.deepEqual(
      said.map((line) => line.replace(/ \(.*/, "")),
      ["memory is starting", "memory is healthy"],
    );
  });

  it("R-ARC-07: waits for no server that is declared not to run", async () => {
    for (const state of ["stopped", "quarantined"]) {
      const gateway = await fakeServer({ "/servers": () => ({ servers: [{ name: "memory", state }] }) });
      const [found] = await waitUntilHealthy(outputs(gateway), { say: () => undefined, timeoutMs: 20, intervalMs: 5 });
      assert.equal(found?.state, state);
    }
  });

  it("waits for one that was contained, until the gateway has heard that it runs", async () => {
    const states = ["quarantined", "quarantined", "healthy"];
    const gateway = await fakeServer({
      "/servers": () => ({ servers: [{ name: "memory", state: states.shift() ?? "healthy" }] }),
    });
    const deployed = outputs(gateway);
    const memory = deployed.servers["memory"] ?? assert.fail();
    const declared = { ...deployed, servers: { memory: { ...memory, state: "running" } } };
    const [found] = await waitUntilHealthy(declared, { say: () => undefined, timeoutMs: 2000, intervalMs: 5 });
    assert.equal(found?.state, "healthy");
  });

  it("names what is not healthy when the time is over", async () => {
    const gateway = await fakeServer({ "/servers": () => ({ servers: [] }) });
    await assert.rejects(waitUntilHealthy(outputs(gateway), { say: () => undefined, timeoutMs: 20, intervalMs: 5 }), {
      name: "UserError",
      message: `the estate is not healthy after 0.0 s (not healthy: memory (unknown)); look at ${gateway}/servers and at docker logs of the container`,
    });
  });

  it("says why the gateway does not answer", async () => {
    const wait = waitUntilHealthy(outputs("http://127.0.0.1:1"), {
      say: () => undefined,
      timeoutMs: 20,
      intervalMs: 5,
    });
    await assert.rejects(wait, /the gateway does not answer at http:\/\/127\.0\.0\.1:1\/servers: /);
    const other = await fakeServer({});
    await assert.rejects(
      waitUntilHealthy(outputs(other), { say: () => undefined, timeoutMs: 20, intervalMs: 5 }),
      /the gateway answers 404/,
    );
  });

  it("lists limits and addresses", () => {
    const table = estateTable(outputs("http://g"), [
      { name: "memory", state: "healthy", tools: ["a", "b"], provedBy: "call" },
      { name: "memory", state: "healthy", tools: [], provedBy: "list" },
    ]);
    assert.deepEqual(table.split("\n")[2]?.split(/ {2,}/), [
      "memory",
      "healthy",
      "2",
      "256 MiB",
      "32",
      "http://g/servers/memory/mcp",
    ]);
    assert.match(table.split("\n")[3] ?? "", /^memory +lists only +0/);
  });

  it("reads the outputs of the stack, and knows one that has none", async () => {
    const folder = temporaryFolder();
    const engine = (script: string): Prepared => ({
      engine: { file: fakeProgram(folder, "pulumi", script), version: "3.255.0", origin: "PATH", official: true },
      env: process.env,
    });
    // JSON leaves `release` out, as an older program did.
    const answer = JSON.stringify({ ...outputs("http://g"), orphans: [] });
    assert.deepEqual(await readOutputs(engine(`echo '${answer}'`), folder, "dev"), outputs("http://g"));
    assert.equal(await readOutputs(engine("echo '{}'"), folder, "dev"), undefined);
    await assert.rejects(
      readOutputs(engine("echo no stack >&2; exit 1"), folder, "dev"),
      /outputs of stack "dev" cannot be read: no stack/,
    );
  });
});
