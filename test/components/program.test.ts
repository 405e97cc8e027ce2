import assert from "node:assert/strict";
import { catalogue } from "../../components/catalogue/index.ts";
import { resolveEstate } from "../../components/estateConfig.ts";
import { SECCOMP_OPTION } from "../../components/seccomp.ts";
import { gatewayContractSchema, hashToken, serverContractSchema } from "../../runtime/contract/index.ts";
import { duration } from "../../components/targets/dockerArgs.ts";
import { only, recordResources, type Declared } from "./engineMocks.ts";

const owner = { estate: "mcp-estate", stack: "test" };
const LABELS = (component: string) => [
  { label: "mcp-estate.estate", value: "mcp-estate" },
  { label: "mcp-estate.stack", value: "test" },
  { label: "mcp-estate.component", value: component },
];

/** Stands for a secret value. */
const CANARY = "canary-of-notes";

/** What the engine would refuse to remove; its mocks do not tell. */
const protectedNames: string[] = [];

/** One server with every setting away from its default, and the gateway in front of it. */
async function declareEstate(): Promise<Declared[]> {
  const { McpServer } = await import("../../components/mcpServer.ts");
  const { Gateway } = await import("../../components/gateway.ts");
  const { Edge } = await import("../../components/edge.ts");
  const { targetFor } = await import("../../components/targets/index.ts");
  const estate = resolveEstate(
    {
      gateway: {
        port: 12345,
        bind: "127.0.0.2",
        limits: { pids: 48 },
        principals: {
          alice: {
            tokens: [{ name: "1", expires: "2026-12-01" }, { name: "2" }],
            expires: "2027-01-01T12:30:00+02:00",
            scopes: { notes: ["read_graph", "search_*"], "*": "*" },
            admin: true,
            rateLimit: { requestsPerSecond: 2.5 },
          },
        },
      },
      health: { intervalSeconds: 90, timeoutSeconds: 2.5, failures: 4 },
      servers: {
        notes: {
          from: "memory",
          limits: {
            memoryMiB: 300,
            memoryReservationMiB: 100,
            cpus: 0.25,
            pids: 20,
            nofile: { soft: 500, hard: 600 },
            nproc: 77,
          },
          args: ["--extra"],
          env: { COLOR: "blue" },
          secretEnv: { TOKEN: CANARY },
          sharing: "isolated",
          state: "quarantined",
          repeatableTools: ["open_nodes"],
        },
        echo: { from: "everything", instances: 2 },
      },
    },
    catalogue,
  );
  const [server, twice] = estate.servers;
  assert.ok(server && twice);
  return recordResources(() => {
    const target = targetFor("docker", owner, estate.swarm);
    const notes = new McpServer(
      "notes",
      { target, server, health: estate.health, readySeconds: 60, subnet: "10.1.2.8/29", protectVolumes: true },
      {
        transformations: [
          ({ name, type, opts }) => {
            if (opts.protect && !type.startsWith("mcp:")) protectedNames.push(name);
            return undefined;
          },
        ],
      },
    );
    const echo = new McpServer("echo", {
      target,
      server: twice,
      health: estate.health,
      readySeconds: 60,
      subnet: "10.1.2.16/29",
    });
    const gateway = new Gateway("gateway", {
      target,
      gateway: estate.gateway,
      health: estate.health,
      subnet: "10.1.2.24/29",
      readySeconds: 60,
      servers: [notes, echo],
    });
    return new Edge("edge", {
      target,
      settings: estate.gateway,
      health: estate.health,
      subnet: "10.1.2.0/29",
      gateway,
    });
  });
}

describe("components: every argument reaches a resource input", () => {
  let seen: Declared[];
  before(async function () {
    this.timeout(20_000);
    seen = await declareEstate();
  });

  it("McpServer declares a container with every limit, started by nobody but ProcessLimit", () => {
    const { inputs } = only(seen, "Container", "mcp-estate-test-notes");
    const user = inputs["user"] as string;
    assert.match(user, /^(\d+):\1$/);
    assert.deepEqual(inputs, {
      image: "sha256:notes",
      hostname: "notes",
      user,
      start: false,
      mustRun: false,
      restart: "unless-stopped",
      destroyGraceSeconds: 10,
      memory: 300,
      memorySwap: 300,
      memoryReservation: 100,
      cpus: "0.25",
      ulimits: [
        { name: "nofile", soft: 500, hard: 600 },
        { name: "nproc", soft: 77, hard: 77 },
      ],
      readOnly: true,
      capabilities: { drops: ["ALL"] },
      securityOpts: ["no-new-privileges", SECCOMP_OPTION],
      dns: ["127.0.0.1"],
      dnsOpts: ["attempts:1", "timeout:1"],
      tmpfs: { "/tmp": "rw,noexec,nosuid,nodev,size=64m,mode=1777" },
      networksAdvanced: [{ name: "mcp-estate-test-notes", aliases: ["notes"] }],
      ports: [],
      volumes: [
        { volumeName: "mcp-estate-test-notes-secrets", containerPath: "/run/secrets" },
        { volumeName: "mcp-estate-test-notes-data", containerPath: "/data" },
      ],
      healthcheck: {
        tests: ["CMD", "/usr/bin/curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1:8000/ready"],
        interval: "1m30s",
        timeout: "2.5s",
        startPeriod: "30s",
        retries: 4,
      },
      logDriver: "json-file",
      logOpts: { "max-size": "10m", "max-file": "3" },
      labels: LABELS("notes"),
    });
  });

  it("ProcessLimit gets the container and all limits, and says what it expects to observe", () => {
    const { inputs } = only(seen, "ProcessLimit", "notes");
    assert.equal(inputs["containerId"], "mcp-estate-test-notes-id");
    assert.equal(inputs["component"], "notes");
    assert.equal(inputs["observedPids"], 20);
    assert.equal(inputs["observedState"], "running");
    assert.equal(inputs["supervised"], true);
    assert.equal((inputs["limits"] as { nproc: number }).nproc, 77);
  });

  it("R-SEC-03: a secret of a server is in no input but its own SecretFiles' files", () => {
    const holders = seen.filter(({ inputs }) => JSON.stringify(inputs).includes(CANARY));
    assert.deepEqual(
      holders.map(({ name }) => name),
      ["notes"],
    );
    const { files, ...rest } = only(seen, "SecretFiles", "notes").inputs;
    // In the wrapping that tells the engine that it is secret.
    assert.deepEqual((files as { value: unknown }).value, { TOKEN: CANARY });
    assert.doesNotMatch(JSON.stringify(rest), new RegExp(CANARY));
  });

  it("SecretFiles gets the contract of the server, which the supervisor accepts", () => {
    const { inputs } = only(seen, "SecretFiles", "notes");
    assert.equal(inputs["containerId"], "mcp-estate-test-notes-id");
    assert.equal(
      `${Number(inputs["gid"])}:${Number(inputs["gid"])}`,
      only(seen, "Container", "mcp-estate-test-notes").inputs["user"],
    );
    const contract = serverContractSchema.parse(JSON.parse(inputs["contract"] as string));
    assert.equal(contract.name, "notes");
    assert.equal(contract.estate, "mcp-estate");
    assert.equal(contract.stack, "test");
    assert.equal(contract.command.at(-1), "--extra");
    assert.equal(contract.env["COLOR"], "blue");
    assert.deepEqual(contract.secretEnv, { TOKEN: "TOKEN" });
    assert.equal(contract.env["MEMORY_FILE_PATH"], "/data/memory.jsonl");
    assert.equal(contract.sharing, "isolated");
    assert.equal(contract.limits.pids, 20);
    assert.deepEqual(contract.health, { intervalSeconds: 90, timeoutSeconds: 2.5, failures: 4 });
    assert.equal(contract.proof?.tool, "search_nodes");
    assert.equal(contract.desiredState, "quarantined");
    assert.equal(contract.maxChildren, 1);
  });

  it("ContainerWatch compares all that the container declares, and takes the container with it", () => {
    const { inputs } = only(seen, "ContainerWatch", "notes");
    assert.deepEqual(inputs["declared"], only(seen, "Container", "mcp-estate-test-notes").inputs);
    assert.deepEqual(inputs["found"], {});
    assert.equal(inputs["namePrefix"], "mcp-estate-test-notes-");
  });

  it("EstateNetwork: a server's network is internal and gives the host no address (design decision 14)", () => {
    assert.deepEqual(only(seen, "Network", "mcp-estate-test-notes").inputs, {
      driver: "bridge",
      internal: true,
      ipamConfigs: [{ subnet: "10.1.2.8/29", gateway: "10.1.2.9" }],
      options: { "com.docker.network.bridge.inhibit_ipv4": "true" },
      labels: LABELS("notes"),
    });
  });

  it("EstateNetwork: the edge is an ordinary network", () => {
    assert.deepEqual(only(seen, "Network", "mcp-estate-test-edge").inputs, {
      driver: "bridge",
      internal: false,
      ipamConfigs: [{ subnet: "10.1.2.0/29", gateway: "10.1.2.1" }],
      options: {},
      labels: LABELS("edge"),
    });
  });

  it("StateVolume has a name that the next deployment finds again, and alone is protected (R-VOL-08)", () => {
    const { inputs } = only(seen, "Volume", "mcp-estate-test-notes-data");
    assert.deepEqual(inputs, { name: "mcp-estate-test-notes-data", labels: LABELS("notes") });
    assert.deepEqual(protectedNames, ["mcp-estate-test-notes-data"]);
  });

  it("BuiltImage gets the recipe of the server's runtime, package, user and mount points", () => {
    const { inputs } = only(seen, "BuiltImage", "notes");
    const text = JSON.stringify(inputs["recipe"]);
    assert.match(text, /components\/catalogue\/locks\/memory/);
    assert.match(text, /"mountPoints":\["\/data"\]/);
    assert.ok(
      text.includes((only(seen, "Container", "mcp-estate-test-notes").inputs["user"] as string).split(":")[0] ?? "-"),
    );
    assert.match(inputs["tag"] as string, /^mcp-estate\/notes:[0-9a-f]{12}$/);
  });

  it("Edge publishes the port, joins a network of its own and the gateway's, and takes calls to the gateway's name", () => {
    const { inputs } = only(seen, "Container", "mcp-estate-test-edge");
    assert.deepEqual(inputs["ports"], [{ internal: 8000, external: 12345, ip: "127.0.0.2" }]);
    assert.equal("dns" in inputs, false);
    assert.deepEqual(inputs["networksAdvanced"], [
      { name: "mcp-estate-test-edge", aliases: ["edge"] },
      { name: "mcp-estate-test-gateway", aliases: ["edge"] },
    ]);
    const config = (only(seen, "SecretFiles", "edge").inputs["files"] as { value: Record<string, string> }).value;
    assert.match(JSON.stringify(config), /server-template gateway 3 gateway:8000/);
  });

  it("Gateway publishes nothing, joins its own and every server's network, and holds the token as a secret file", () => {
    const { inputs } = only(seen, "Container", "mcp-estate-test-gateway");
    assert.deepEqual(inputs["ports"], []);
    assert.equal(inputs["destroyGraceSeconds"], 35);
    assert.deepEqual(inputs["networksAdvanced"], [
      { name: "mcp-estate-test-gateway", aliases: ["gateway"] },
      { name: "mcp-estate-test-notes", aliases: ["gateway"] },
      { name: "mcp-estate-test-echo", aliases: ["gateway"] },
    ]);
    assert.equal((only(seen, "ProcessLimit", "gateway").inputs["limits"] as { pids: number }).pids, 48);
    const files = only(seen, "SecretFiles", "gateway").inputs;
    const contract = gatewayContractSchema.parse(JSON.parse(files["contract"] as string));
    assert.deepEqual(contract.servers[0], {
      name: "notes",
      instances: [{ name: "notes", url: "http://notes:8000" }],
      transport: "stdio",
      serverVersion: "2026.8.31",
      sharing: "isolated",
      repeatableTools: ["open_nodes"],
    });
    assert.deepEqual(contract.servers[1]?.instances, [
      { name: "echo", url: "http://echo:8000" },
      { name: "echo--2", url: "http://echo--2:8000" },
    ]);
    const { subnet } =
      (only(seen, "Network", "mcp-estate-test-gateway").inputs["ipamConfigs"] as { subnet: string }[])[0] ?? {};
    assert.deepEqual(contract.proxy, { subnet, gatewayName: "gateway.mcp-estate-test-gateway" });
    assert.equal(contract.tokensFile, "gateway-tokens.json");
    assert.equal(contract.callTimeoutSeconds, 30);
  });

  it("R-SEC-02 tokens are RandomPasswords of 48 letters and digits; the gateway gets their hashes and ends alone", () => {
    const made = ["gateway-token", "gateway-token-alice", "gateway-token-alice--2"];
    for (const name of made)
      assert.deepEqual(only(seen, "RandomPassword", name).inputs, { length: 48, special: false });
    const { files, contract } = only(seen, "SecretFiles", "gateway").inputs;
    const [content, ...others] = Object.values((files as { value: Record<string, string> }).value);
    // what session ids are signed with is no token
    assert.deepEqual(others, ["secret of gateway-session-key"]);
    const [owner, first, second] = made.map((name) => hashToken(`secret of ${name}`));
    assert.deepEqual(JSON.parse(content ?? ""), {
      version: 1,
      tokens: [
        { principal: "owner", sha256: owner },
        { principal: "alice", sha256: first, expires: "2026-12-01T00:00:00.000Z" },
        { principal: "alice", sha256: second, expires: "2027-01-01T10:30:00.000Z" },
      ],
    });
    const rights = {
      name: "alice",
      admin: true,
      scopes: { notes: ["read_graph", "search_*"], "*": "*" },
      rateLimit: { requestsPerSecond: 2.5, burst: 3 },
    };
    const { principals, tokensFile } = gatewayContractSchema.parse(JSON.parse(contract as string));
    assert.deepEqual([principals, tokensFile], [[rights], "gateway-tokens.json"]);
  });

  it("two instances are two containers with a name each on one network, of one image, and with a uid each", () => {
    const [first, second] = ["echo", "echo--2"].map((name) => {
      const { inputs } = only(seen, "Container", `mcp-estate-test-${name}`);
      assert.equal(inputs["hostname"], name);
      assert.deepEqual(inputs["networksAdvanced"], [{ name: "mcp-estate-test-echo", aliases: [name] }]);
      assert.deepEqual(inputs["labels"], LABELS("echo"));
      assert.equal(only(seen, "ProcessLimit", name).inputs["component"], "echo");
      return inputs;
    });
    assert.equal(first?.["image"], second?.["image"]);
    const [[user, group], [otherUser, otherGroup]] = [first, second].map((one) => String(one?.["user"]).split(":"));
    assert.notEqual(user, otherUser);
    // the image gives the folder of the secrets to one group
    assert.deepEqual([group, otherGroup], [user, user]);
    assert.equal(String(only(seen, "SecretFiles", "echo--2").inputs["gid"]), group);
    assert.deepEqual(first?.["ulimits"], second?.["ulimits"]);
    assert.notDeepEqual(first?.["volumes"], second?.["volumes"]);
  });
});

describe("duration", () => {
  it("spells seconds as Docker does", () => {
    assert.deepEqual([0.5, 5, 2.5, 60, 90, 300].map(duration), ["500ms", "5s", "2.5s", "1m0s", "1m30s", "5m0s"]);
  });
});
