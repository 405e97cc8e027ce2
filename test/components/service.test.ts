import assert from "node:assert/strict";
import { catalogue } from "../../components/catalogue/index.ts";
import { ConfigError, resolveEstate } from "../../components/estateConfig.ts";
import { limitClasses } from "../../components/limitClasses.ts";
import { uncovered } from "../../components/providers/pulledImage.ts";
import { only, recordResources, type Declared } from "./engineMocks.ts";

const CANARY = "canary-of-the-service-test";
const LABELS = (component: string) => [
  { label: "mcp-estate.estate", value: "mcp-estate" },
  { label: "mcp-estate.stack", value: "test" },
  { label: "mcp-estate.component", value: component },
];
const NETWORKS = {
  front: { subnet: "10.90.0.0/24" },
  back: {
    subnet: "10.91.0.0/24",
    gateway: "10.91.0.254",
    internal: true,
    dockerName: "shop_back",
    options: { a: "b" },
  },
};
/** Every setting away from its default. */
const DB = {
  image: "postgres:16.4",
  limits: { ...limitClasses.standard, nproc: 300 },
  dockerName: "shop_db",
  entrypoint: ["/entry"],
  command: ["serve", "--all"],
  workingDir: "/srv",
  user: "999:999",
  hostname: "db",
  env: { MODE: "fast" },
  secretEnv: { PASSWORD: CANARY },
  ports: [{ containerPort: 5432, hostPort: 15432, bind: "127.0.0.2", protocol: "tcp" }],
  volumes: { data: { path: "/data", dockerName: "shop_data" }, conf: { path: "/conf", readOnly: true } },
  hostPaths: [{ hostPath: "/srv/seed", path: "/seed", readOnly: false }],
  tmpfs: { "/run": "size=8m" },
  networks: { front: { aliases: ["shop"], address: "10.90.0.7" }, back: {} },
  hosts: { peer: "10.9.9.9" },
  labels: { team: "shop" },
  restart: "always",
  stopSeconds: 33,
  init: false,
  readOnly: false,
  capabilities: { add: ["NET_ADMIN"], drop: ["MKNOD"] },
  noNewPrivileges: false,
  shmMiB: 128,
  healthcheck: { test: ["CMD", "true"], intervalSeconds: 90, timeoutSeconds: 2, startSeconds: 5, failures: 4 },
} as const;

function resolve(services: Record<string, unknown>, networks: Record<string, unknown> = NETWORKS) {
  return resolveEstate({ servers: { memory: {} }, services, networks }, catalogue);
}

function refusal(services: Record<string, unknown>, networks?: Record<string, unknown>): string {
  try {
    resolve(services, networks);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  assert.fail("the settings were accepted");
}

async function declare(services: Record<string, unknown>): Promise<Declared[]> {
  const { Service } = await import("../../components/service.ts");
  const { SharedNetwork } = await import("../../components/sharedNetwork.ts");
  const { targetFor } = await import("../../components/targets/index.ts");
  const estate = resolve(services);
  return recordResources(() => {
    const target = targetFor("docker", { estate: "mcp-estate", stack: "test" }, estate.swarm);
    const networks = new Map(
      estate.networks.map((network) => [network.name, new SharedNetwork(network.name, { target, network })]),
    );
    const [made] = estate.services.map((service) => new Service(service.name, { target, service, networks }));
    assert.ok(made);
    return made;
  });
}

describe("services that are switched off", () => {
  it("are declared, named and not made", () => {
    const estate = resolve({ db: DB, later: { ...DB, ports: [], dockerName: "later", enabled: false } });
    assert.deepEqual(
      estate.services.map(({ name }) => name),
      ["db"],
    );
    assert.deepEqual(estate.switchedOff, [{ name: "later", image: "postgres:16.4" }]);
  });
});

describe("services: every argument reaches a resource input (R-ARC-05)", () => {
  let seen: Declared[];
  before(async function () {
    this.timeout(20_000);
    seen = await declare({ db: DB });
  });

  it("Service declares a container with every limit, started by nobody but ProcessLimit", () => {
    const { envs: _secret, ...inputs } = only(seen, "Container").inputs;
    assert.deepEqual(inputs, {
      entrypoints: ["/entry"],
      command: ["serve", "--all"],
      workingDir: "/srv",
      user: "999:999",
      hostname: "db",
      shmSize: 128,
      name: "shop_db",
      image: "sha256:db",
      start: false,
      mustRun: false,
      restart: "always",
      stopTimeout: 33,
      destroyGraceSeconds: 33,
      removeVolumes: false,
      memory: 512,
      memorySwap: 512,
      memoryReservation: 128,
      cpus: "1",
      ulimits: [
        { name: "nofile", soft: 1024, hard: 2048 },
        { name: "nproc", soft: 300, hard: 300 },
      ],
      init: false,
      readOnly: false,
      capabilities: { adds: ["NET_ADMIN"], drops: ["MKNOD"] },
      securityOpts: [],
      tmpfs: { "/run": "size=8m" },
      hosts: [{ host: "peer", ip: "10.9.9.9" }],
      networksAdvanced: [
        { name: "mcp-estate-test-front", aliases: ["shop"], ipv4Address: "10.90.0.7" },
        { name: "shop_back", aliases: [] },
      ],
      ports: [{ internal: 5432, external: 15432, ip: "127.0.0.2", protocol: "tcp" }],
      volumes: [
        { volumeName: "shop_data", containerPath: "/data", readOnly: false },
        { volumeName: "mcp-estate-test-db-conf", containerPath: "/conf", readOnly: true },
        { hostPath: "/srv/seed", containerPath: "/seed", readOnly: false },
      ],
      healthcheck: { tests: ["CMD", "true"], interval: "1m30s", timeout: "2s", startPeriod: "5s", retries: 4 },
      logDriver: "json-file",
      logOpts: { "max-size": "10m", "max-file": "3" },
      labels: [...LABELS("db"), { label: "team", value: "shop" }],
    });
    assert.equal(only(seen, "ProcessLimit").inputs["observedPids"], 64);
    assert.equal(only(seen, "ProcessLimit").inputs["supervised"], false);
  });

  it("its secret environment reaches the container and the watch as secrets only (R-SEC-03)", () => {
    const places = seen.flatMap(({ type, inputs }) =>
      Object.entries(inputs)
        .filter(([, value]) => JSON.stringify(value).includes(CANARY))
        .map(([key, value]) => [type.split(":").at(-1), key, isSecret(value)]),
    );
    assert.deepEqual(places.toSorted(), [
      ["Container", "envs", true],
      ["ContainerWatch", "secretEnv", true],
    ]);
    assert.match(JSON.stringify(only(seen, "Container").inputs["envs"]), /"MODE=fast"/);
  });

  it("SharedNetwork declares the network by its name, with the gateway that Docker would choose", () => {
    assert.deepEqual(only(seen, "Network", "mcp-estate-test-front").inputs, {
      name: "mcp-estate-test-front",
      driver: "bridge",
      internal: false,
      ipamConfigs: [{ subnet: "10.90.0.0/24", gateway: "10.90.0.1" }],
      options: {},
      labels: LABELS("front"),
    });
    const { inputs } = only(seen, "Network", "mcp-estate-test-back");
    assert.deepEqual(
      [inputs["name"], inputs["internal"], inputs["ipamConfigs"], inputs["options"]],
      ["shop_back", true, [{ subnet: "10.91.0.0/24", gateway: "10.91.0.254" }], { a: "b" }],
    );
  });

  it("its volumes have names that the next deployment finds again", () => {
    const names = seen.filter(({ type }) => type.endsWith(":Volume")).map(({ inputs }) => inputs["name"]);
    assert.deepEqual(names, ["shop_data", "mcp-estate-test-db-conf"]);
  });

  it("PulledImage gets the reference and every mount point", () => {
    const { inputs } = only(seen, "PulledImage");
    assert.equal(inputs["reference"], "postgres:16.4");
    assert.deepEqual(inputs["mountPoints"], ["/data", "/conf", "/seed", "/run"]);
  });

  it("R-SEC-08: what is not said is closed: read-only root, no capabilities, no new privileges", async () => {
    const { inputs } = only(await declare({ db: { image: "a", limits: DB.limits } }), "Container");
    assert.equal(inputs["readOnly"], true);
    assert.deepEqual(inputs["capabilities"], { adds: [], drops: ["ALL"] });
    assert.deepEqual(inputs["securityOpts"], ["no-new-privileges"]);
    assert.equal(inputs["name"], "mcp-estate-test-db");
  });
});

/** The engine's mark of a secret, as its mocks get it. */
function isSecret(value: unknown): boolean {
  return JSON.stringify(value).includes("1b47061264138c4ac30d75fd1eb44270");
}

describe("services: settings that cannot be deployed", () => {
  it("R-LIM-01: refuses one without limits, and one with a limit too few", () => {
    assert.match(refusal({ db: { image: "a" } }), /^mcp-estate:services\.db\.limits: nothing given; /);
    const { pids: _pids, ...rest } = DB.limits;
    assert.match(refusal({ db: { ...DB, limits: rest } }), /^mcp-estate:services\.db\.limits\.pids: nothing given/);
  });

  it("R-SEC-07: refuses the Docker socket", () => {
    const hostPaths = [{ hostPath: "/var/run/docker.sock", path: "/x" }];
    assert.match(
      refusal({ db: { ...DB, hostPaths } }),
      /services\.db\.hostPaths\.0\.hostPath: "\/var\/run\/docker\.sock" given; no container gets the Docker socket/,
    );
  });

  it("R-ARC-08: names an unknown network, a port twice, a variable twice, a name that is taken, a subnet in the range", () => {
    const { networks: _networks, ...db } = DB;
    assert.equal(
      refusal({ db: { ...db, networks: { fornt: {} } } }),
      'mcp-estate:services.db.networks.fornt: there is no network "fornt" in mcp-estate:networks; known are front, back',
    );
    assert.equal(
      refusal({ db, db2: { ...db, env: {} } }),
      "mcp-estate:services.db2.ports: host port 15432/tcp is that of service db; give another",
    );
    assert.equal(
      refusal({ db: { ...db, ports: [{ containerPort: 1, hostPort: 11000 }] } }),
      "mcp-estate:services.db.ports: host port 11000/tcp is that of the gateway; give another",
    );
    assert.match(refusal({ db: { ...db, env: { PASSWORD: "x" } } }), /env\.PASSWORD: given in secretEnv as well/);
    assert.match(refusal({ memory: db }), /services\.memory: "memory" is the name of a server/);
    assert.match(
      refusal({ db }, { front: { subnet: "10.201.4.0/24" } }),
      /networks\.front\.subnet: 10\.201\.4\.0\/24 overlaps mcp-estate:network\.range 10\.201\.0\.0\/16/,
    );
  });

  it("R-SEC-03: tells no secret in a message", () => {
    for (const db of [[DB], { ...DB, secretEnv: { PASSWORD: [CANARY] } }, { ...DB, secretEnv: CANARY }]) {
      assert.doesNotMatch(refusal({ db }), new RegExp(CANARY));
    }
  });

  it("R-VOL-01: refuses an image whose volume would have no name", () => {
    const inputs = { component: "db", reference: "postgres:16.4", mountPoints: ["/data"] };
    assert.deepEqual(uncovered(inputs, ["/data"]), []);
    assert.match(
      uncovered(inputs, ["/cache", "/data"])[0]?.reason ?? "",
      /^db: image postgres:16\.4 keeps data in \/cache/,
    );
  });
});
