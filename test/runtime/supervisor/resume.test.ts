import { equal, match } from "node:assert/strict";
import { contractOf, fixture, RawClient, startSupervisor, stateIs, type RunningSupervisor } from "../support.ts";

describe("resumable streams (Last-Event-ID)", () => {
  let running: RunningSupervisor;
  before(async () => {
    running = await startSupervisor(contractOf(fixture("good")));
    await stateIs(running, "healthy");
  });
  after(() => running.stop());

  it("a client that lost its connection gets what it missed, the answer included", async () => {
    const client = new RawClient(`${running.url}/mcp`);
    await client.open();
    const whole = await client.request("tools/call", { name: "progress", arguments: {}, _meta: { progressToken: 1 } });
    const first = /^id: (\S+)/m.exec(whole.text)?.[1] ?? "";
    match(first, /^[a-z0-9]+_1$/);
    const headers = { accept: "text/event-stream", "mcp-session-id": client.session ?? "", "last-event-id": first };
    const resumed = await (await fetch(`${running.url}/mcp`, { headers })).text();
    match(resumed, /notifications\/progress[^]*after progress/);
    equal((await fetch(`${running.url}/mcp`, { headers: { ...headers, "last-event-id": "zz_1" } })).status, 404);
  });
});
