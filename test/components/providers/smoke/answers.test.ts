import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { answers, toolsOf } from "../../../../components/providers/smoke/answers.ts";
import type { SmokeServer } from "../../../../components/providers/smoke/spec.ts";

interface Reply {
  status: number;
  text: string;
}

describe("the smoke suite's question to a server", () => {
  const memory: SmokeServer = {
    name: "memory",
    state: "running",
    proof: { tool: "search_nodes", arguments: { query: "x" }, expectText: "entities" },
  };
  let replies: Reply[];
  let asked: Array<{ url: string | undefined; authorization: string | undefined; body: string }>;
  let server: Server;
  let gateway: { gatewayUrl: string; token: string };

  beforeEach(async () => {
    replies = [];
    asked = [];
    server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => (body += text));
      request.on("end", () => {
        asked.push({ url: request.url, authorization: request.headers.authorization, body });
        const { status, text } = (replies.length > 1 ? replies.shift() : replies[0]) ?? { status: 404, text: "" };
        response.writeHead(status).end(text);
      });
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    gateway = { gatewayUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: "t0ken" };
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });
  const now = (): number => Date.now();

  it("is its harmless tool call, with the token, and the answer must hold what the catalogue expects", async () => {
    replies = [{ status: 200, text: '{"result":{"entities":[]}}' }];
    assert.match(await answers(gateway, memory, now()), /^search_nodes in \d+ ms$/);
    assert.deepEqual(asked, [
      {
        url: "/execute",
        authorization: "Bearer t0ken",
        body: '{"server":"memory","tool":"search_nodes","arguments":{"query":"x"}}',
      },
    ]);
  });

  it("is repeated while a server starts", async () => {
    replies = [
      { status: 503, text: "starting" },
      { status: 200, text: "entities" },
    ];
    await answers(gateway, memory, now() + 10_000);
    assert.equal(asked.length, 2);
  });

  const failures: Array<[what: string, reply: Reply, server: SmokeServer, message: RegExp]> = [
    ["an error", { status: 502, text: "broken\n  badly" }, memory, /^search_nodes is answered with 502: broken badly$/],
    ["another answer", { status: 200, text: "nothing" }, memory, /^search_nodes does not say "entities": nothing$/],
    [
      "an answer of what is declared stopped",
      { status: 200, text: "entities" },
      { ...memory, state: "stopped" },
      /^it is declared stopped and answers 200 instead of 503$/,
    ],
  ];
  for (const [what, reply, asks, message] of failures) {
    it(`fails on ${what}, once the time is over`, async () => {
      replies = [reply];
      await assert.rejects(answers(gateway, asks, now()), { message });
    });
  }

  it("takes the refusal of what is declared quarantined as right", async () => {
    replies = [{ status: 503, text: "quarantined" }];
    assert.equal(await answers(gateway, { ...memory, state: "quarantined" }, now()), "quarantined as declared");
  });

  it("says that nobody listens", async () => {
    await new Promise((closed) => server.close(closed));
    await assert.rejects(answers(gateway, memory, now()), {
      message: /^the gateway does not answer at .*ECONNREFUSED/,
    });
    assert.deepEqual(await toolsOf(gateway), {});
  });

  it("and the tools are sorted, so that two deployments compare", async () => {
    replies = [{ status: 200, text: '{"servers":[{"name":"memory","tools":["b","a"]},{"name":"new"}]}' }];
    assert.deepEqual(await toolsOf(gateway), { memory: ["a", "b"], new: [] });
  });
});
