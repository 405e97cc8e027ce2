import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { OtlpReceiver, type ReceivedSpan } from "../collector/otlpReceiver.ts";
import { authOf, serverOf, startGateway, type RunningGateway } from "../gatewaySupport.ts";
import { contractOf, FAST, fixture, startSupervisor, type RunningSupervisor } from "../support.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";
/** OTLP's words. */
const KIND_SERVER = 2;
const STATUS_ERROR = 2;

describe("R-GW-15 traces of requests", () => {
  const receiver = new OtlpReceiver();
  let supervisor: RunningSupervisor;
  let running: RunningGateway;
  let url = "";

  before(async () => {
    url = `${await receiver.listen()}/v1/traces`;
    supervisor = await startSupervisor(contractOf(fixture("good"), { name: "good", tuning: FAST }));
    running = await startGateway([serverOf("good", [supervisor.url])], { traces: { url, share: 0 } });
    await running.allHealthy();
  });
  after(async () => {
    await running.stop();
    await supervisor.stop();
    await receiver.close();
  });

  const execute = (tool: string, traceparent?: string, share?: number): Promise<Response> => {
    if (share !== undefined) running.gateway.reload({ ...running.contract, traces: { url, share } });
    return fetch(`${running.url}/execute`, {
      method: "POST",
      headers: { ...authOf("alice"), ...(traceparent ? { traceparent } : {}) },
      body: JSON.stringify({ server: "good", tool, arguments: {} }),
    });
  };
  /** All that has come once what waits has been sent: a reload with another place does. */
  async function spans(): Promise<ReceivedSpan[]> {
    running.gateway.reload({ ...running.contract, traces: { url, share: Math.random() } });
    await sleep(500);
    return receiver.spans.splice(0);
  }

  it("has a span below the caller's with server, tool, status and duration, and hands its own on", async () => {
    const answer = await execute("meta", `00-${TRACE}-${PARENT}-01`, 0.1);
    const body = await answer.text();
    const [span, ...more] = await spans();
    ok(span);
    deepEqual(more, []);
    deepEqual([span.traceId, span.parentSpanId, span.name, span.kind], [TRACE, PARENT, "tools/call meta", KIND_SERVER]);
    deepEqual(span.attributes, {
      "http.request.method": "POST",
      "http.route": "/execute",
      "http.response.status_code": 200,
      "mcp.method.name": "tools/call",
      "gen_ai.tool.name": "meta",
      "mcp.server.name": "good",
      "enduser.id": "alice",
    });
    deepEqual(span.resource["service.name"], "mcp-gateway");
    ok(span.milliseconds > 0 && span.milliseconds < 5000, String(span.milliseconds));
    match(body, new RegExp(`00-${TRACE}-${span.spanId}-01`), "the server is told of the gateway's span");
  });

  it("says of a failure which it was", async () => {
    equal((await execute("no-such-tool", `00-${TRACE}-${PARENT}-01`, 0.2)).status, 404);
    await supervisor.stop();
    let status = 0;
    for (let left = 50; status < 500 && left > 0; left--) {
      status = (await execute("meta", `00-${TRACE}-${PARENT}-01`)).status;
      await sleep(100);
    }
    equal(status, 503);
    const found = await spans();
    deepEqual([found[0]?.attributes["error.type"], found[0]?.status], ["not-found", 0]);
    deepEqual([found.at(-1)?.attributes["error.type"], found.at(-1)?.status], ["unavailable", STATUS_ERROR]);
  });

  it("traces nothing that its caller does not want traced, and of the others the share", async () => {
    await execute("meta", `00-${TRACE}-${PARENT}-00`, 1);
    deepEqual(await spans(), []);
    await execute("meta", undefined, 0);
    deepEqual(await spans(), []);
    await execute("meta", undefined, 1);
    const [root] = await spans();
    ok(root);
    equal(root.parentSpanId, undefined);
    notEqual(root.traceId, TRACE);
  });

  it("traces no probe and no scrape", async () => {
    running.gateway.reload({ ...running.contract, traces: { url, share: 1 } });
    for (const path of ["/health", "/ready", "/metrics", "/servers"])
      await fetch(`${running.url}${path}`, { headers: authOf("owner") });
    deepEqual(await spans(), []);
  });
});
