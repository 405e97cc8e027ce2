import assert from "node:assert/strict";
import { catalogue } from "../../components/catalogue/index.ts";
import { ConfigError, resolveEstate } from "../../components/estateConfig.ts";
import type { SwarmServiceSpec } from "../../components/providers/swarm/inputs.ts";
import { gatewayContractSchema } from "../../runtime/contract/index.ts";
import { selfSigned } from "../e2e/certificates.ts";
import { only, recordResources, type Declared } from "./engineMocks.ts";

const CANARY = "canary-of-a-swarm";
const TLS = selfSigned("swarm.example.org");
const SWARM = {
  nodes: { a: {}, b: { host: "ssh://root@b" }, c: { host: "ssh://root@c", labels: { type: "gpu" } } },
  dataNode: "b",
  attachable: true,
  encrypted: true,
  monitorSeconds: 7,
  timeoutSeconds: 77,
};
const SETTINGS = {
  target: "swarm",
  swarm: SWARM,
  gateway: {
    bind: "192.0.2.9",
    replicas: 3,
    tls: TLS,
    placement: { constraints: ["node.role==worker"], cpuReservation: 0.5 },
  },
  servers: {
    notes: { from: "memory", secretEnv: { TOKEN: CANARY } },
    echo: { from: "everything", placement: { preferences: ["node.labels.type==gpu"] } },
  },
};

async function declareEstate(): Promise<Declared[]> {
  const { McpServer } = await import("../../components/mcpServer.ts");
  const { Gateway } = await import("../../components/gateway.ts");
  const { Edge } = await import("../../components/edge.ts");
  const { targetFor } = await import("../../components/targets/index.ts");
  const { servers, gateway: settings, health, swarm } = resolveEstate(SETTINGS, catalogue);
  return recordResources(() => {
    const target = targetFor("swarm", { estate: "mcp-estate", stack: "test" }, swarm);
    const demands = [{ component: "gateway", limits: settings.limits, replicas: settings.replicas }];
    target.checkCapacity(demands, false);
    const made = servers.map((server, i) => {
      return new McpServer(server.name, { target, server, health, readySeconds: 60, subnet: `10.1.${i}.0/26` });
    });
    const args = { target, gateway: settings, health, readySeconds: 60, subnet: "10.1.8.0/26", servers: made };
    const gateway = new Gateway("gateway", args);
    return new Edge("edge", { target, settings, health, subnet: "10.1.9.0/26", gateway });
  });
}

describe("R-TGT-01: the same components on a swarm", () => {
  let seen: Declared[];
  before(async () => {
    seen = await declareEstate();
  });
  const service = (name: string) => only(seen, "SwarmService", name).inputs;
  const specOf = (name: string) => service(name)["spec"] as SwarmServiceSpec;

  it("R-TGT-02, R-LIM-05: the gateway in replicas, where it may run, new before old", () => {
    const spec = specOf("gateway");
    assert.equal(spec.replicas, 3);
    assert.equal(spec.limits.memoryMiB, 512);
    assert.equal(spec.cpuReservation, 0.5);
    assert.deepEqual(spec.update, { order: "start-first", monitorSeconds: 7 });
    assert.deepEqual(service("gateway")["placement"], {
      constraints: ["node.role==worker"],
      preferences: [],
      labels: {},
    });
    assert.equal(service("gateway")["timeoutSeconds"], 77);
    assert.deepEqual(
      spec.networks.map(({ network }) => network),
      [
        "mcp-estate-test-gateway-encrypted-id",
        "mcp-estate-test-notes-encrypted-id",
        "mcp-estate-test-echo-encrypted-id",
      ],
    );
  });

  it("leaves it to Swarm which gateway takes the calls", () => {
    const { data } = only(seen, "ServiceConfig", "mcp-estate-test-gateway-contract").inputs;
    const text = Buffer.from(data as string, "base64").toString();
    assert.deepEqual(gatewayContractSchema.parse(JSON.parse(text)).proxy, { subnet: "10.1.8.0/26" });
  });

  it("the edge on every node, old before new, as two cannot publish one port", () => {
    const spec = specOf("edge");
    assert.equal(spec.replicas, "every-node");
    assert.deepEqual(spec.ports, [{ containerPort: 8000, hostPort: 11_000 }]);
    assert.equal(spec.update.order, "stop-first");
    const files = only(seen, "Secret", "mcp-estate-test-edge-haproxy-cfg").inputs["data"] as { value: string };
    assert.match(Buffer.from(files.value, "base64").toString(), /server-template near 9 gateway-near:8000 port 8002/);
  });

  it("what keeps data runs where its volume is, old before new; what keeps none runs where it prefers", () => {
    assert.deepEqual(service("notes")["placement"], {
      constraints: ["node.hostname==b"],
      preferences: [],
      labels: {},
    });
    assert.equal(specOf("notes").update.order, "stop-first");
    assert.deepEqual(specOf("notes").mounts, [{ volume: "mcp-estate-test-notes-data", path: "/data" }]);
    assert.equal(only(seen, "docker", "data-node").inputs["host"], "ssh://root@b");
    assert.deepEqual(service("echo")["placement"], {
      constraints: [],
      preferences: ["node.labels.type==gpu"],
      labels: Object.fromEntries(
        Object.entries(SWARM.nodes).map(([name, node]) => [name, "labels" in node ? node.labels : {}]),
      ),
    });
    assert.equal(specOf("echo").update.order, "start-first");
  });

  it("R-SEC-03: a secret is in the swarm's secret alone, which is marked as one; the contract is a config", () => {
    const { data } = only(seen, "Secret", "mcp-estate-test-notes-TOKEN").inputs;
    assert.equal(Buffer.from((data as { value: string }).value, "base64").toString(), CANARY);
    const elsewhere = seen.filter(({ name }) => name !== "mcp-estate-test-notes-TOKEN");
    const all = JSON.stringify(elsewhere);
    assert.ok(!all.includes(CANARY) && !all.includes(Buffer.from(CANARY).toString("base64")));
    const spec = specOf("notes");
    assert.deepEqual(spec.secrets, [
      { id: "mcp-estate-test-notes-TOKEN-id", name: "mcp-estate-test-notes-TOKEN", file: "TOKEN" },
    ]);
    assert.deepEqual(
      spec.configs.map(({ file }) => file),
      ["/run/secrets/contract.json"],
    );
  });

  it("networks are overlays with the addresses that are declared; servers' own reach nothing outside", () => {
    const { inputs } = only(seen, "Network", "mcp-estate-test-notes-encrypted");
    assert.equal(inputs["driver"], "overlay");
    assert.equal(inputs["internal"], true);
    assert.equal(inputs["attachable"], true);
    assert.deepEqual(inputs["options"], { encrypted: "" });
    assert.deepEqual(inputs["ipamConfigs"], [{ subnet: "10.1.0.0/26", gateway: "10.1.0.1" }]);
    assert.equal(only(seen, "Network", "mcp-estate-test-edge-encrypted").inputs["internal"], false);
  });

  it("images are brought to every node, and named by their ids", () => {
    const { inputs } = only(seen, "NodeImage", "notes");
    assert.deepEqual(inputs["nodes"], { a: "", b: "ssh://root@b", c: "ssh://root@c" });
    assert.equal(specOf("notes").image, only(seen, "NodeImage", "notes").inputs["imageId"]);
  });

  it("nodes with their labels, and each replica in the sum", () => {
    const { inputs } = only(seen, "SwarmNodes");
    assert.deepEqual(inputs["nodes"], {
      a: { host: "", labels: {} },
      b: { host: "ssh://root@b", labels: {} },
      c: { host: "ssh://root@c", labels: { type: "gpu" } },
    });
    assert.equal((inputs["demands"] as unknown[]).length, 3);
  });
});

describe("R-TGT-07: what a target cannot express is refused by name", () => {
  function refusal(change: (settings: Record<string, unknown>) => void): string {
    const settings = structuredClone(SETTINGS) as unknown as Record<string, unknown>;
    change(settings);
    try {
      resolveEstate(settings, catalogue);
    } catch (error) {
      assert.ok(error instanceof ConfigError, String(error));
      return error.message;
    }
    return "";
  }

  it("accepts the estate of these tests", () =>
    assert.equal(
      refusal(() => undefined),
      "",
    ));

  it("of plain Docker: swarm, replicas, placement", () => {
    const only = "target docker is one host; set mcp-estate:target to swarm, or take it out";
    assert.deepEqual(refusal((settings) => (settings["target"] = "docker")).split("\n"), [
      `mcp-estate:swarm: given; ${only}`,
      `mcp-estate:gateway.replicas: 3 given; ${only}`,
      `mcp-estate:gateway.placement: given; ${only}`,
      `mcp-estate:servers.echo.placement: given; ${only}`,
    ]);
  });

  it("of GPUs: plain Docker has none for who needs one; tools that ask for one of a server that does not", () => {
    const declared = (echo: object) => (settings: Record<string, unknown>) => {
      settings["servers"] = { echo: { from: "everything", ...echo } };
    };
    const onDocker = (echo: object) => (settings: Record<string, unknown>) => {
      delete settings["swarm"];
      delete settings["gateway"];
      settings["target"] = "docker";
      declared(echo)(settings);
    };
    assert.equal(
      refusal(onDocker({ gpu: "required" })),
      "mcp-estate:servers.echo.gpu: required given; target docker gives no container a GPU: set it to preferred, or mcp-estate:target to swarm",
    );
    assert.equal(refusal(onDocker({ gpu: "preferred" })), "");
    assert.equal(refusal(declared({ gpu: "required", gpuTools: ["echo"] })), "");
    assert.equal(
      refusal(declared({ gpuTools: ["echo"] })),
      "mcp-estate:servers.echo.gpuTools: echo given, and the server has no GPU: set mcp-estate:servers.echo.gpu to preferred or required",
    );
    assert.match(
      refusal(declared({ gpu: "preferred", gpuTools: ["echo"], instances: 2, sharing: "isolated" })),
      /^mcp-estate:servers\.echo\.gpuTools: echo given; calls of an isolated server go where their caller's state is: /,
    );
    assert.match(
      refusal(declared({ gpu: "some" })),
      /^mcp-estate:servers\.echo\.gpu: "some" given; .*none.*preferred.*required/,
    );
  });

  const gateway = (change: object) => (settings: Record<string, unknown>) =>
    (settings["gateway"] = { ...(settings["gateway"] as object), ...change });
  const swarm = (change: object) => (settings: Record<string, unknown>) =>
    (settings["swarm"] = { ...SWARM, ...change });

  it("of a swarm: a loopback bind, no TLS, egress, services, networks", () => {
    assert.match(
      refusal(gateway({ bind: "127.0.0.1" })),
      /^mcp-estate:gateway\.bind: 127\.0\.0\.1 given; a swarm publishes on every address/m,
    );
    assert.match(refusal(gateway({ tls: undefined })), /mcp-estate:gateway\.bind: .*tls/);
    assert.match(
      refusal((settings) => (settings["servers"] = { echo: { from: "everything", egress: ["example.org:443"] } })),
      /mcp-estate:servers\.echo\.egress: given; target swarm has no way out/,
    );
    assert.match(
      refusal((settings) => (settings["services"] = { db: { image: "postgres:16.4", limits: LIMITS } })),
      /mcp-estate:services\.db: given; target swarm runs no such services yet/,
    );
    assert.match(
      refusal((settings) => (settings["networks"] = { front: { subnet: "10.90.0.0/24" } })),
      /mcp-estate:networks\.front: given; target swarm makes no such networks yet/,
    );
  });

  it("of a swarm: data without a node of its own, a node that is none, a place that is no place, an address that is none", () => {
    assert.match(
      refusal(swarm({ dataNode: undefined })),
      /mcp-estate:swarm\.dataNode: nothing given; notes keep data .*name one of a, b, c/,
    );
    assert.match(refusal(swarm({ dataNode: "z" })), /mcp-estate:swarm\.dataNode: "z" given; allowed are a, b, c/);
    assert.match(
      refusal(gateway({ placement: { constraints: ["gpu"] } })),
      /mcp-estate:gateway\.placement\.constraints\.0: "gpu" given; node\.labels\.NAME/,
    );
    assert.match(
      refusal(swarm({ nodes: { a: { host: "b.example.org" } } })),
      /mcp-estate:swarm\.nodes\.a\.host: "b\.example\.org" given; ssh:/,
    );
  });
});

const LIMITS = {
  memoryMiB: 256,
  memoryReservationMiB: 64,
  cpus: 1,
  pids: 64,
  processes: 15,
  nofile: { soft: 1024, hard: 2048 },
  nproc: 200,
};
