import assert from "node:assert/strict";
import { catalogue } from "../../components/catalogue/index.ts";
import { ConfigError, resolveEstate } from "../../components/estateConfig.ts";
import { limitClasses } from "../../components/limitClasses.ts";

/** The message of the refusal, as a user sees it. */
function refusal(settings: unknown): string {
  try {
    resolveEstate(settings, catalogue);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  assert.fail("the settings were accepted");
}

describe("resolveEstate", () => {
  it("answers every open question from the catalogue", () => {
    const estate = resolveEstate({ servers: { memory: {} } }, catalogue);
    assert.equal(estate.target, "docker");
    assert.equal(estate.gateway.port, 11000);
    assert.equal(estate.gateway.bind, "127.0.0.1");
    assert.deepEqual(estate.servers[0]?.limits, limitClasses.light);
    assert.equal(estate.servers[0]?.entry.package.name, "@modelcontextprotocol/server-memory");
  });

  it("lays single limits over the class", () => {
    const [server] = resolveEstate(
      { servers: { memory: { limitClass: "standard", limits: { pids: 40 } } } },
      catalogue,
    ).servers;
    assert.deepEqual(server?.limits, { ...limitClasses.standard, pids: 40 });
  });

  it("deploys a catalogue entry under another name", () => {
    const [server] = resolveEstate({ servers: { notes: { from: "memory" } } }, catalogue).servers;
    assert.equal(server?.name, "notes");
    assert.equal(server?.entry.name, "memory");
  });

  it("R-GW-12: which tools are repeatable comes from the catalogue, or from the settings", () => {
    const of = (settings: object) =>
      resolveEstate({ servers: { memory: settings } }, catalogue).servers[0]?.repeatableTools;
    assert.deepEqual(of({}), ["read_graph", "search_nodes", "open_nodes"]);
    assert.deepEqual(of({ repeatableTools: [] }), []);
  });

  it("R-LIM-02: the hub class has the plan's own figures", () => {
    assert.deepEqual(limitClasses.hub, {
      memoryMiB: 4096,
      memoryReservationMiB: 1024,
      cpus: 2,
      pids: 25,
      processes: 15,
      nofile: { soft: 1024, hard: 2048 },
      nproc: 100,
    });
  });

  it("light is 256 MiB and 32 pids", () => {
    assert.equal(limitClasses.light.memoryMiB, 256);
    assert.equal(limitClasses.light.pids, 32);
  });

  const refusals: Array<[name: string, settings: unknown, message: string]> = [
    [
      "an unknown server",
      { servers: { memroy: {} } },
      `mcp-estate:servers.memroy: there is no server "memroy" in the catalogue; known are ${[...catalogue.keys()].join(", ")}; program: declares another`,
    ],
    [
      "no server at all",
      { servers: {} },
      `mcp-estate:servers: no server is declared; name at least one of ${[...catalogue.keys()].join(", ")}`,
    ],
    [
      "R-NET-07: a peer on the container's own loopback",
      { servers: { http: { env: { REST_BASE_URL: "http://localhost:10010/api" } } } },
      "mcp-estate:servers.http.env.REST_BASE_URL: addresses localhost, which in a container is the container itself; name the service or host that is meant",
    ],
    [
      "R-NET-07: the same in a secret, which is not shown",
      { servers: { postgres: { secretEnv: { DATABASE_URL: "amqp://reader:canary@127.0.0.1:5672/x" } } } },
      "mcp-estate:servers.postgres.secretEnv.DATABASE_URL: addresses 127.0.0.1, which in a container is the container itself; name the service or host that is meant",
    ],
    [
      "a server that is not to be had",
      { servers: { gong: {} } },
      'mcp-estate:servers.gong: "gong" is not to be had: no package for Gong answers MCP; take it out',
    ],
    [
      "a server without the account that it needs",
      { servers: { repositories: { from: "github" } } },
      "mcp-estate:servers.repositories.secretEnv.GITHUB_PERSONAL_ACCESS_TOKEN: nothing given, and it does not start without; it is a token of the account that it acts for: npm run pulumi -- config set --secret --path 'mcp-estate:servers.repositories.secretEnv.GITHUB_PERSONAL_ACCESS_TOKEN', or state: stopped",
    ],
    ["no servers key", {}, "mcp-estate:servers: nothing given; Invalid input: expected record, received undefined"],
    [
      "R-LIM-01: a limit taken away",
      { servers: { memory: { limits: { pids: null } } } },
      "mcp-estate:servers.memory.limits.pids: null given; Invalid input: expected number, received null",
    ],
    [
      "R-LIM-01: no pids",
      { servers: { memory: { limits: { pids: 0 } } } },
      "mcp-estate:servers.memory.limits.pids: 0 given; Too small: expected number to be >=8",
    ],
    [
      "negative memory",
      { servers: { memory: { limits: { memoryMiB: -5 } } } },
      "mcp-estate:servers.memory.limits.memoryMiB: -5 given; Too small: expected number to be >=16",
    ],
    [
      "a unit in a string",
      { servers: { memory: { limits: { memoryMiB: "4g" } } } },
      'mcp-estate:servers.memory.limits.memoryMiB: "4g" given; Invalid input: expected number, received string',
    ],
    [
      "a reservation over the limit",
      { servers: { memory: { limits: { memoryReservationMiB: 300 } } } },
      "mcp-estate:servers.memory.limits.memoryReservationMiB: 300 is more than memoryMiB 256; reserve at most the limit",
    ],
    [
      "nproc under pids",
      { servers: { memory: { limits: { nproc: 20 } } } },
      "mcp-estate:servers.memory.limits.nproc: 20 is less than twice pids 32; it counts per uid on the whole host and must not bite before pids does",
    ],
    [
      "an unknown class",
      { servers: { memory: { limitClass: "huge" } } },
      'mcp-estate:servers.memory.limitClass: "huge" given; Invalid option: expected one of "light"|"standard"|"browser"|"language-server"|"gpu"|"hub"',
    ],
    [
      "an unknown key of a server",
      { servers: { memory: { memory: 5 } } },
      "mcp-estate:servers.memory.memory: unknown key; allowed are from, program, limitClass, limits, args, env, secretEnv, egress, hostPaths, sharing, instances, repeatableTools, state, placement, gpu, gpuTools",
    ],
    [
      "a variable that is secret and is not",
      { servers: { memory: { env: { TOKEN: "x" }, secretEnv: { TOKEN: "canary" } } } },
      "mcp-estate:servers.memory.env.TOKEN: given in secretEnv as well; take one of the two out",
    ],
    [
      "a secret that is no text",
      { servers: { memory: { secretEnv: { TOKEN: ["canary"] } } } },
      "mcp-estate:servers.memory.secretEnv.TOKEN: a secret given; Invalid input: expected string, received array",
    ],
    [
      "an unknown key at the top",
      { servers: { memory: {} }, gatway: {} },
      "mcp-estate:gatway: unknown key; allowed are target, swarm, hosts, network, gateway, allowOvercommit, orphans, volumes, health, gate, monitoring, policy, servers, coreServices, services, networks",
    ],
    [
      "a range that is none",
      { servers: { memory: {} }, network: { range: "10.0.0.0" } },
      'mcp-estate:network.range: "10.0.0.0" given; an IPv4 range from /8 to /24, for example 10.201.0.0/16',
    ],
    [
      "a port that is none",
      { servers: { memory: {} }, gateway: { port: 70000 } },
      "mcp-estate:gateway.port: 70000 given; Too big: expected number to be <=65535",
    ],
    [
      "R-GW-10: two containers on one volume",
      { servers: { memory: { instances: 2 } } },
      "mcp-estate:servers.memory.instances: 2 given; it keeps data in the volume data, which two containers must not write at once: allowed is 1",
    ],
    [
      "more instances than its network has addresses",
      { servers: { everything: { instances: 5 } } },
      "mcp-estate:servers.everything.instances: 5 given; Too big: expected number to be <=3",
    ],
    [
      "a principal with the owner's name",
      { servers: { memory: {} }, gateway: { principals: ["owner"] } },
      'mcp-estate:gateway.principals: "owner" is the caller with the stack\'s own token (gatewayToken); give another name',
    ],
    [
      "a principal given twice",
      { servers: { memory: {} }, gateway: { principals: ["alice", "alice"] } },
      'mcp-estate:gateway.principals: "alice" is given twice; each name is one caller',
    ],
    [
      "R-SEC-09: a token given twice",
      { servers: { memory: {} }, gateway: { principals: { alice: { tokens: [{ name: "1" }, { name: "1" }] } } } },
      'mcp-estate:gateway.principals.alice.tokens: "1" is given twice; each name is one token',
    ],
    [
      "R-SEC-09: a principal without a token",
      { servers: { memory: {} }, gateway: { principals: { alice: { tokens: [] } } } },
      "mcp-estate:gateway.principals.alice.tokens: [] given; Too small: expected array to have >=1 items",
    ],
    [
      "R-SEC-09: an end that is no date",
      { servers: { memory: {} }, gateway: { tokens: [{ name: "1", expires: "tomorrow" }] } },
      'mcp-estate:gateway.tokens.0.expires: "tomorrow" given; a date such as 2026-12-31 (its begin in UTC), or with time and zone such as 2026-12-31T18:00:00Z',
    ],
    [
      "an unknown key of a principal",
      { servers: { memory: {} }, gateway: { principals: { alice: { token: "x" } } } },
      "mcp-estate:gateway.principals.alice.token: unknown key; allowed are tokens, expires, scopes, admin, rateLimit",
    ],
    [
      "an unknown key of a token",
      { servers: { memory: {} }, gateway: { principals: { alice: { tokens: [{ name: "1", value: "x" }] } } } },
      "mcp-estate:gateway.principals.alice.tokens.0.value: unknown key; allowed are name, expires",
    ],
    [
      "principals that are neither names nor settings",
      { servers: { memory: {} }, gateway: { principals: "alice" } },
      'mcp-estate:gateway.principals: "alice" given; a list of names, or names with settings such as {alice: {expires: 2026-12-31}}',
    ],
    [
      "R-GW-14: a scope of a server that is not declared",
      { servers: { memory: {} }, gateway: { principals: { alice: { scopes: { memroy: "*" } } } } },
      'mcp-estate:gateway.principals.alice.scopes.memroy: no server "memroy" is declared; allowed are memory, "*"',
    ],
    [
      "R-GW-14: a scope without tools",
      { servers: { memory: {} }, gateway: { principals: { alice: { scopes: { memory: [] } } } } },
      'mcp-estate:gateway.principals.alice.scopes.memory: [] given; name at least one tool, or "*" for the whole server',
    ],
    [
      "R-GW-14: a scope that is neither all nor tools",
      { servers: { memory: {} }, gateway: { principals: { alice: { scopes: { memory: "read_graph" } } } } },
      'mcp-estate:gateway.principals.alice.scopes.memory: "read_graph" given; "*" for the whole server, or a list of tools such as [read_graph, search_*]',
    ],
    [
      "R-GW-14: a tool with a star in the middle",
      { servers: { memory: {} }, gateway: { principals: { alice: { scopes: { memory: ["r*d"] } } } } },
      'mcp-estate:gateway.principals.alice.scopes.memory.0: "r*d" given; a tool, or the begin of some with "*" at the end: search_*',
    ],
    [
      "R-GW-14: scopes without a server",
      { servers: { memory: {} }, gateway: { principals: { alice: { scopes: {} } } } },
      "mcp-estate:gateway.principals.alice.scopes: {} reaches no server; leave it out for all of them, or set admin: true for one that reads the metrics alone",
    ],
    [
      "a rate of nothing",
      { servers: { memory: {} }, gateway: { principals: { alice: { rateLimit: { requestsPerSecond: 0 } } } } },
      "mcp-estate:gateway.principals.alice.rateLimit.requestsPerSecond: 0 given; Too small: expected number to be >0",
    ],
    [
      "a server with the gateway's name",
      { servers: { gateway: {} } },
      'mcp-estate:servers.gateway: "gateway" is the estate\'s own; give the server another name and set from: gateway',
    ],
    [
      "a target that is none",
      { servers: { memory: {} }, target: "cloud" },
      'mcp-estate:target: "cloud" given; Invalid option: expected one of "docker"|"swarm"',
    ],
  ];
  for (const [name, settings, message] of refusals) {
    it(`refuses ${name} in one clear line`, () => assert.equal(refusal(settings), message));
  }

  it("R-SEC-09: principals are names, or names with tokens; the owner comes first", () => {
    const callersOf = (gateway: object) =>
      resolveEstate({ servers: { memory: {} }, gateway }, catalogue).gateway.callers.map(({ name, tokens }) => ({
        name,
        tokens,
      }));
    const first = [{ name: "1" }];
    assert.deepEqual(callersOf({ principals: ["alice"] }), [
      { name: "owner", tokens: first },
      { name: "alice", tokens: first },
    ]);
    assert.deepEqual(
      callersOf({ tokens: [{ name: "1", expires: "2026-12-01" }, { name: "2" }], principals: { alice: {} } }),
      [
        { name: "owner", tokens: [{ name: "1", expires: "2026-12-01T00:00:00.000Z" }, { name: "2" }] },
        { name: "alice", tokens: first },
      ],
    );
  });

  it("a caller that reads the metrics alone may have no scope", () => {
    const gateway = { principals: { prometheus: { admin: true, scopes: {} } } };
    const [, caller] = resolveEstate({ servers: { memory: {} }, gateway }, catalogue).gateway.callers;
    assert.deepEqual(caller?.rights, { name: "prometheus", admin: true, scopes: {} });
  });

  it("names every fault at once", () => {
    const lines = refusal({ servers: { memroy: {}, fetch: { limits: { memoryReservationMiB: 9999 } } } }).split("\n");
    assert.equal(lines.length, 2);
  });
});
