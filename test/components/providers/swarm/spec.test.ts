import assert from "node:assert/strict";
import { limitClasses } from "../../../../components/limitClasses.ts";
import { differences, factsOf } from "../../../../components/providers/swarm/facts.ts";
import type { SwarmServiceSpec } from "../../../../components/providers/swarm/inputs.ts";
import { serviceSpec, type ServiceSpec } from "../../../../components/providers/swarm/spec.ts";

const MIB = 1024 * 1024;
const SECOND = 1e9;

const declared: SwarmServiceSpec = {
  name: "mcp-estate-test-memory",
  component: "memory",
  image: "sha256:1234",
  replicas: 2,
  hostname: "memory",
  user: 100_007,
  group: 100_008,
  limits: { ...limitClasses.light, cpus: 0.5 },
  cpuReservation: 0.25,
  networks: [{ network: "net1", aliases: ["memory"] }],
  ports: [{ containerPort: 8000, hostPort: 11_000 }],
  mounts: [{ volume: "mcp-estate-test-memory-data", path: "/data" }],
  scratchMiB: { "/tmp": 64 },
  probe: { command: ["/usr/bin/curl", "x"], intervalSeconds: 10, timeoutSeconds: 5, failures: 3, startSeconds: 30 },
  labels: { "mcp-estate.stack": "test" },
  secrets: [{ id: "s1", name: "token-1", file: "TOKEN" }],
  configs: [{ id: "c1", name: "contract-1", file: "/run/secrets/contract.json" }],
  closed: true,
  knowsNode: false,
  stopSeconds: 10,
  update: { order: "start-first", monitorSeconds: 30 },
};

const ANYWHERE = { constraints: [], gpuId: "" };

describe("R-LIM-14: a service's specification has all that is declared, in one piece", () => {
  const spec = serviceSpec(declared, { constraints: ["node.role==worker"], gpuId: "" });
  const container = spec.TaskTemplate.ContainerSpec;

  it("R-TGT-03: names the GPU that it is to have, and reserves none", () => {
    const withGpu = serviceSpec(declared, { constraints: [], gpuId: "GPU-1" });
    assert.deepEqual(withGpu.TaskTemplate.ContainerSpec.Env, ["DOCKER_RESOURCE_GPU=GPU-1"]);
    assert.ok(!("GenericResources" in withGpu.TaskTemplate.Resources.Reservations));
    const without = serviceSpec(declared, ANYWHERE);
    assert.deepEqual(differences(factsOf(withGpu), factsOf(without)), { environment: [] });
    const both = serviceSpec({ ...declared, knowsNode: true }, { constraints: [], gpuId: "GPU-1" });
    assert.equal(both.TaskTemplate.ContainerSpec.Env?.length, 2);
  });

  it("every limit, pids and ulimits among them", () => {
    assert.deepEqual(spec.TaskTemplate.Resources, {
      Limits: { NanoCPUs: 0.5e9, MemoryBytes: 256 * MIB, Pids: 32 },
      Reservations: { NanoCPUs: 0.25e9, MemoryBytes: 64 * MIB },
    });
    assert.deepEqual(container.Ulimits, [
      { Name: "nofile", Soft: 1024, Hard: 2048 },
      { Name: "nproc", Soft: 100, Hard: 100 },
    ]);
  });

  it("R-SEC-08: read-only, no capability, an account of its own, no name server for who is closed", () => {
    assert.equal(container.ReadOnly, true);
    assert.deepEqual(container.CapabilityDrop, ["ALL"]);
    assert.equal(container.User, "100007:100008");
    assert.deepEqual(container.DNSConfig.Nameservers, ["127.0.0.1"]);
    assert.deepEqual(serviceSpec({ ...declared, closed: false }, ANYWHERE).TaskTemplate.ContainerSpec.DNSConfig, {});
  });

  it("the name of its node, for who asks for it", () => {
    assert.equal(container.Env, undefined);
    const { Env } = serviceSpec({ ...declared, knowsNode: true }, ANYWHERE).TaskTemplate.ContainerSpec;
    assert.deepEqual(Env, ["MCP_ESTATE_NODE={{.Node.Hostname}}"]);
  });

  it("R-SEC-02: secrets and configs as files of root that its group may read", () => {
    const file = { UID: "0", GID: "100008", Mode: 0o440 };
    assert.deepEqual(container.Secrets, [{ SecretID: "s1", SecretName: "token-1", File: { Name: "TOKEN", ...file } }]);
    assert.deepEqual(container.Configs, [
      { ConfigID: "c1", ConfigName: "contract-1", File: { Name: "/run/secrets/contract.json", ...file } },
    ]);
  });

  it("R-TGT-05: one task at a time, watched, Docker goes back by itself", () => {
    assert.deepEqual(spec.UpdateConfig, {
      Parallelism: 1,
      Delay: 0,
      FailureAction: "rollback",
      Monitor: 30 * SECOND,
      MaxFailureRatio: 0,
      Order: "start-first",
    });
    assert.equal(spec.RollbackConfig.FailureAction, "pause");
  });

  it("networks, ports of the host, mounts, scratch space, probe, placement, log bounds, time to end", () => {
    assert.deepEqual(spec.TaskTemplate.Networks, [{ Target: "net1", Aliases: ["memory"] }]);
    assert.deepEqual(spec.EndpointSpec, {
      Mode: "dnsrr",
      Ports: [{ Protocol: "tcp", TargetPort: 8000, PublishedPort: 11_000, PublishMode: "host" }],
    });
    assert.deepEqual(container.Mounts, [
      { Type: "volume", Source: "mcp-estate-test-memory-data", Target: "/data" },
      { Type: "tmpfs", Target: "/tmp", TmpfsOptions: { SizeBytes: 64 * MIB, Mode: 0o777 } },
    ]);
    assert.deepEqual(container.Healthcheck, {
      Test: ["CMD", "/usr/bin/curl", "x"],
      Interval: 10 * SECOND,
      Timeout: 5 * SECOND,
      StartPeriod: 30 * SECOND,
      Retries: 3,
    });
    assert.deepEqual(spec.TaskTemplate.Placement.Constraints, ["node.role==worker"]);
    assert.deepEqual(spec.TaskTemplate.LogDriver.Options, { "max-size": "10m", "max-file": "3" });
    assert.equal(container.StopGracePeriod, 10 * SECOND);
    assert.deepEqual(spec.Mode, { Replicated: { Replicas: 2 } });
    assert.deepEqual(serviceSpec({ ...declared, replicas: "every-node" }, ANYWHERE).Mode, { Global: {} });
  });
});

describe("R-DRF-01: what Docker has of a service against what is declared", () => {
  const spec = serviceSpec(declared, ANYWHERE);
  /** As Docker gives it back: defaults of its own filled in, what is empty left out. */
  const asInspected = (change: (given: Loose) => void = () => undefined): ServiceSpec => {
    const given = structuredClone(spec) as unknown as Loose;
    const task = given["TaskTemplate"] as Loose;
    const container = task["ContainerSpec"] as Loose;
    Object.assign(container, { Isolation: "default" });
    delete container["Init"];
    Object.assign(task, { Runtime: "container", ForceUpdate: 3, Placement: { Platforms: [] } });
    change(given);
    return given as unknown as ServiceSpec;
  };
  type Loose = Record<string, unknown>;
  const at = (given: Loose, ...path: string[]): Loose => path.reduce((inner, key) => inner[key] as Loose, given);
  const found = (change: (given: Loose) => void) => differences(factsOf(spec), factsOf(asInspected(change)));

  it("is the same, whatever Docker fills in or leaves out", () => {
    assert.deepEqual(
      found(() => undefined),
      {},
    );
  });

  const container = ["TaskTemplate", "ContainerSpec"] as const;
  const changes: Record<string, (given: Loose) => void> = {
    image: (given) => (at(given, ...container)["Image"] = "sha256:9"),
    replicas: (given) => (at(given, "Mode", "Replicated")["Replicas"] = 1),
    pids: (given) => delete at(given, "TaskTemplate", "Resources", "Limits")["Pids"],
    memory: (given) => (at(given, "TaskTemplate", "Resources", "Limits")["MemoryBytes"] = 1024 * MIB),
    cpus: (given) => (at(given, "TaskTemplate", "Resources", "Limits")["NanoCPUs"] = 2e9),
    memoryReservation: (given) => delete at(given, "TaskTemplate", "Resources", "Reservations")["MemoryBytes"],
    cpuReservation: (given) => delete at(given, "TaskTemplate", "Resources", "Reservations")["NanoCPUs"],
    reserved: (given) =>
      (at(given, "TaskTemplate", "Resources", "Reservations")["GenericResources"] = [
        { NamedResourceSpec: { Kind: "GPU", Value: "GPU-1" } },
      ]),
    nofile: (given) => (at(given, ...container)["Ulimits"] = [{ Name: "nproc", Soft: 100, Hard: 100 }]),
    nproc: (given) => (at(given, ...container)["Ulimits"] = [{ Name: "nofile", Soft: 1024, Hard: 2048 }]),
    user: (given) => (at(given, ...container)["User"] = "0:0"),
    hostname: (given) => delete at(given, ...container)["Hostname"],
    readOnly: (given) => delete at(given, ...container)["ReadOnly"],
    init: (given) => (at(given, ...container)["Init"] = true),
    entrypoint: (given) => (at(given, ...container)["Command"] = ["sh"]),
    command: (given) => (at(given, ...container)["Args"] = ["-c"]),
    capabilities: (given) => (at(given, ...container)["CapabilityAdd"] = ["CAP_NET_ADMIN"]),
    environment: (given) => (at(given, ...container)["Env"] = ["A=secret"]),
    labels: (given) => (at(given, ...container)["Labels"] = {}),
    serviceLabels: (given) => (given["Labels"] = {}),
    mounts: (given) => (at(given, ...container)["Mounts"] = []),
    secrets: (given) => (at(given, ...container)["Secrets"] = []),
    configs: (given) => (at(given, ...container)["Configs"] = []),
    nameServer: (given) => delete at(given, ...container)["DNSConfig"],
    stopGrace: (given) => (at(given, ...container)["StopGracePeriod"] = SECOND),
    healthcheck: (given) => (at(given, ...container, "Healthcheck")["Test"] = ["CMD", "true"]),
    constraints: (given) => (at(given, "TaskTemplate", "Placement")["Constraints"] = ["node.role==worker"]),
    networks: (given) => (at(given, "TaskTemplate")["Networks"] = []),
    ports: (given) => (at(given, "EndpointSpec")["Ports"] = []),
    endpointMode: (given) => (at(given, "EndpointSpec")["Mode"] = "vip"),
    restart: (given) => (at(given, "TaskTemplate", "RestartPolicy")["Condition"] = "none"),
    logging: (given) => delete at(given, "TaskTemplate")["LogDriver"],
    updateConfig: (given) => (at(given, "UpdateConfig")["Order"] = "stop-first"),
    rollbackConfig: (given) => delete given["RollbackConfig"],
    more: (given) => (at(given, ...container)["Sysctls"] = { "net.core.somaxconn": "9" }),
  };

  it("looks at every property", () => {
    const looked = new Set(Object.keys(factsOf(spec)));
    assert.deepEqual(
      [...looked].filter((key) => !(key in changes)),
      [],
    );
  });

  for (const [property, change] of Object.entries(changes)) {
    it(`sees a change of ${property}`, () => assert.deepEqual(Object.keys(found(change)), [property]));
  }

  it("tells the name, never the value of a variable that somebody added", () => {
    assert.deepEqual(found(changes["environment"] ?? (() => undefined)), { environment: ["A=…"] });
  });
});
