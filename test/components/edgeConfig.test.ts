import assert from "node:assert/strict";
import { edgeConfig } from "../../components/edgeConfig.ts";

const args = { alias: "gateway", gateways: 3, callTimeoutSeconds: 30 };

describe("the edge's configuration", () => {
  it("R-GW-04: ends a call whose gateway is gone a little after its time", () => {
    assert.match(edgeConfig(args), /^ {2}timeout server 35s$/m);
  });

  it("R-DRF-10: is not unwell because a gateway that it had is gone", () => {
    const probe = /^frontend probe$[^]*?(?=^backend)/m.exec(edgeConfig(args))?.[0] ?? "";
    assert.match(probe, /set-var\(proc\.reached\) bool\(true\) if reaches$/m);
    assert.match(probe, /return status 200 if \{ path \/health \} reached$/m);
    assert.doesNotMatch(probe, /monitor fail/);
  });

  it("of one node, asks all gateways the same", () => {
    const config = edgeConfig(args);
    assert.match(config, /^ {2}server-template gateway 9 gateway:8000$/m);
    assert.doesNotMatch(config, /near|backup|x-node/);
  });

  it("R-TGT-02: of several nodes, prefers the gateway on its own", () => {
    const config = edgeConfig({ ...args, nearAlias: "gateway-near" });
    assert.match(config, /hdr x-node "\$\{MCP_ESTATE_NODE\}"$/m);
    assert.match(config, /^ {2}server-template near 9 gateway-near:8000 port 8002$/m);
    assert.match(config, /^ {2}server-template far 9 gateway:8000 backup$/m);
  });
});
