import assert from "node:assert/strict";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Gateway } from "../../../runtime/gateway/gateway.ts";
import { createNearServer } from "../../../runtime/gateway/nearServer.ts";

describe("a gateway tells a proxy whether both run on one node", () => {
  let state = "healthy";
  let server: Server;
  before((done) => {
    const gateway = { readiness: () => ({ state }) } as unknown as Gateway;
    server = createNearServer(gateway, "node-1").listen(0, "127.0.0.1", done);
  });
  after(() => server.close());

  async function statusFor(headers: Record<string, string>): Promise<number> {
    const { port } = server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/ready`, { headers });
    await response.text();
    return response.status;
  }

  it("200 to one on its own node alone", async () => {
    assert.equal(await statusFor({ "x-node": "node-1" }), 200);
    assert.equal(await statusFor({ "x-node": "node-2" }), 404);
    assert.equal(await statusFor({}), 404);
  });

  for (const other of ["starting", "draining", "superseded"]) {
    it(`404 while it is ${other}`, async () => {
      state = other;
      assert.equal(await statusFor({ "x-node": "node-1" }), 404);
      state = "healthy";
    });
  }
});
