import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { Registry } from "prom-client";
import { authOf, serverOf, startGateway, TOKENS, type RunningGateway } from "./gatewaySupport.ts";
import { contractOf, fixture, startSupervisor, until, type RunningSupervisor } from "./support.ts";

const CANARY = "argument-canary-4711";
/** What no client chooses, and so nobody can grow. */
const LABELS = new Set([
  "action",
  "instance_name",
  "level",
  "limit",
  "method",
  "outcome",
  "route",
  "server",
  "source",
  "state",
  "status",
]);

describe("R-GW-15 what gateway and supervisor say about calls", () => {
  let supervisor: RunningSupervisor;
  let running: RunningGateway;

  before(async () => {
    supervisor = await startSupervisor(contractOf(fixture("good")));
    running = await startGateway([serverOf("good", [supervisor.url])]);
    await running.allHealthy();
    // every way in which a call can go, with the same argument
    const secret = { message: CANARY, size: CANARY };
    const aggregate = await running.connect("/mcp", "alice");
    const single = await running.connect("/servers/good/mcp", "bob");
    for (const tool of ["echo", "fail", "nothing", "printNothing"]) {
      await running.execute("good", tool, secret);
      await aggregate.call(`good__${tool}`, secret);
      await single.call(tool, secret);
    }
    await single.request(`method-${CANARY}`, secret);
    await fetch(`${running.url}/servers/good/mcp?${CANARY}`, { method: "POST", headers: authOf("bob"), body: CANARY });
  });
  after(async () => {
    await running.stop();
    await supervisor.stop();
  });

  const registries = (): Record<string, Registry> => ({
    gateway: running.gateway.metrics.registry,
    supervisor: supervisor.supervisor.metrics.registry,
  });

  for (const who of ["gateway", "supervisor"]) {
    it(`the ${who}'s metrics are named in Prometheus' conventions: prefix, base unit, _total, help`, async () => {
      const metrics = (await registries()[who]?.getMetricsAsJSON()) ?? [];
      ok(metrics.length >= 8);
      for (const { name, help, type } of metrics) {
        match(name, who === "gateway" ? /^mcp_gateway_[a-z_]+$/ : /^mcp_[a-z_]+$/);
        equal(name.endsWith("_total"), String(type) === "counter", `${name} is a ${String(type)}`);
        match(
          name,
          /^(?!.*(_ms|_milliseconds|_mib|_kib|_minutes|_percent)(_|$))/,
          "base units: seconds, bytes, ratios",
        );
        if (/duration|age/.test(name)) match(name, /_seconds$/);
        if (/memory/.test(name)) match(name, /_bytes$/);
        ok(help.length > 10 && help.endsWith("."), `${name}: ${help}`);
      }
    });

    it(`the ${who}'s labels are none that a client chooses`, async () => {
      const text = (await registries()[who]?.metrics()) ?? "";
      const labels = new Set([...text.matchAll(/[{,]([a-z_]+)="/g)].map(([, label]) => label ?? ""));
      deepEqual(
        [...labels].filter((label) => label !== "le" && !LABELS.has(label)),
        [],
      );
      ok(!text.includes(CANARY));
    });
  }

  it("neither log has an argument, an answer or a token, on any path", async () => {
    await until(() => running.logText().includes('"route":"/servers/NAME/mcp","method":"tools/call"'));
    for (const text of [running.logText(), supervisor.logText()]) {
      ok(!text.includes(CANARY));
      for (const token of Object.values(TOKENS)) ok(!text.includes(token));
    }
  });

  it("the access log has one line per call: route, principal, server, tool, status, duration", () => {
    const lines = running
      .logText()
      .split("\n")
      .filter((line) => line.includes('"event":"call"'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const seen = lines
      .filter(({ tool }) => tool === "echo")
      .map(({ route, principal, server, status, ms }) => {
        equal(typeof ms, "number");
        return [route, principal, server, status];
      });
    deepEqual(seen, [
      ["/execute", "owner", "good", 200],
      ["/mcp", "alice", "good", 200],
      ["/servers/NAME/mcp", "bob", "good", 200],
    ]);
  });
});
