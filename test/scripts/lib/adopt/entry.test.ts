import assert from "node:assert/strict";
import type Docker from "dockerode";
import { adoptionOf } from "../../../../scripts/lib/adopt/entry.ts";
import { toKey, type Adoption } from "../../../../scripts/lib/adopt/found.ts";
import { foreignHostSettings, ownFiles } from "../../../../scripts/lib/adopt/neutral.ts";
import { isSecretName, isSecretValue } from "../../../../scripts/lib/adopt/secrets.ts";
import { dockerProvider, resourcesOf } from "../../../../scripts/lib/adopt/state.ts";

const ID = "0123456789ab".padEnd(64, "c");
/** What Docker 20.10 says of `docker run -d IMAGE`. */
const HOST = {
  Binds: null,
  LogConfig: { Type: "json-file", Config: {} },
  NetworkMode: "default",
  PortBindings: {},
  RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
  AutoRemove: false,
  CapAdd: null,
  CgroupnsMode: "host",
  Dns: [],
  IpcMode: "private",
  OomScoreAdj: 0,
  Privileged: false,
  SecurityOpt: null,
  ShmSize: 67108864,
  Runtime: "runc",
  ConsoleSize: [0, 0],
  Memory: 0,
  NanoCpus: 0,
  MemorySwappiness: null,
  PidsLimit: null,
  Ulimits: null,
  MaskedPaths: ["/proc/acpi"],
};

function adopt(
  overrides: { host?: object; config?: object; networks?: object; mounts?: object[]; changes?: string[] } = {},
): Adoption {
  const info = {
    Id: ID,
    Name: "/shop_db",
    Image: "sha256:1",
    State: { Running: true },
    HostConfig: { ...HOST, ...overrides.host },
    Config: {
      Hostname: ID.slice(0, 12),
      Env: ["PATH=/bin"],
      Cmd: ["serve"],
      Entrypoint: null,
      User: "",
      WorkingDir: "",
      Labels: {},
      ...overrides.config,
    },
    Mounts: overrides.mounts ?? [],
    NetworkSettings: { Networks: overrides.networks ?? { bridge: {} }, Ports: { "80/tcp": [{ HostPort: "32768" }] } },
  } as unknown as Docker.ContainerInspectInfo;
  const image = { Config: { Env: ["PATH=/bin"], Cmd: ["serve"], Labels: {} } } as unknown as Docker.ImageInspectInfo;
  return adoptionOf({
    info,
    image,
    reference: "shop:1",
    changes: overrides.changes ?? [],
    usage: { memoryMiB: 300, pids: 40, nofile: { soft: 1024, hard: 2048 } },
    networkKeys: new Map([["shop_front", "front"]]),
  });
}

describe("adoption: the entry of a container (R-DRF-11)", () => {
  it("repeats nothing that the image brings, and sets limits above what it uses", () => {
    assert.deepEqual(adopt().entry, {
      image: "shop:1",
      dockerName: "shop_db",
      restart: "no",
      init: false,
      readOnly: false,
      capabilities: { add: [], drop: [] },
      noNewPrivileges: false,
      limits: {
        memoryMiB: 640,
        memoryReservationMiB: 160,
        cpus: 1,
        pids: 160,
        processes: 160,
        nofile: { soft: 1024, hard: 2048 },
        nproc: 4096,
      },
    });
    assert.deepEqual(adopt().losses, []);
  });

  it("keeps the limits that it has", () => {
    const host = {
      Memory: 2 ** 30,
      MemoryReservation: 2 ** 29,
      CpuQuota: 150_000,
      PidsLimit: 50,
      Ulimits: [{ Name: "nofile", Soft: 500, Hard: -1 }],
    };
    const { memoryMiB, memoryReservationMiB, cpus, pids, nofile } = adopt({ host }).entry["limits"] as Record<
      string,
      unknown
    >;
    assert.deepEqual(
      [memoryMiB, memoryReservationMiB, cpus, pids, nofile],
      [1024, 512, 1.5, 50, { soft: 500, hard: 1_048_576 }],
    );
  });

  it("R-SEC-03: takes what looks secret out of the clear entry", () => {
    const Env = ["PATH=/bin", "MODE=a=b", "API_TOKEN=t", "DB=postgres://u:p@h/x", "PWD=/srv"];
    const { entry, secretEnv } = adopt({ config: { Env } });
    assert.deepEqual(entry["env"], { MODE: "a=b", PWD: "/srv" });
    assert.deepEqual(secretEnv, { API_TOKEN: "t", DB: "postgres://u:p@h/x" });
    const names = [
      "DB_PASSWORD",
      "AWS_SECRET_ACCESS_KEY",
      "KEY",
      "SSH_AUTH",
      "GITHUB_TOKEN",
      "MYSQL_PWD",
      "PGPASSWORD",
    ];
    assert.deepEqual(names.filter(isSecretName), names);
    assert.deepEqual(["PWD", "KEYBOARD", "MODE", "AUTHOR", "MONKEY"].filter(isSecretName), []);
    assert.equal(isSecretValue("https://host/path"), false);
  });

  it("turns a program without an entrypoint into one", () => {
    const Cmd = ["python", "-m", "x"];
    assert.deepEqual(adopt({ config: { Entrypoint: ["/tini"], Cmd } }).entry["entrypoint"], ["/tini"]);
    assert.deepEqual(adopt({ config: { Cmd } }).entry["command"], Cmd);
  });

  it("maps mounts, ports, networks and hosts", () => {
    const { entry, volumes, notes } = adopt({
      host: {
        NetworkMode: "shop_front",
        PortBindings: {
          "80/tcp": [{ HostIp: "", HostPort: "" }],
          "53/udp": [{ HostIp: "127.0.0.1", HostPort: "5353" }],
        },
        ExtraHosts: ["peer:10.9.9.9"],
        Tmpfs: { "/run": "size=4m" },
      },
      networks: { shop_front: { Aliases: ["db", ID.slice(0, 12)], IPAMConfig: { IPv4Address: "10.1.2.3" } } },
      mounts: [
        { Type: "volume", Name: "shop", Source: "", Destination: "/var/lib/data", RW: true, Driver: "local" },
        { Type: "volume", Name: ID, Source: "", Destination: "/srv/data", RW: false, Driver: "local" },
        { Type: "bind", Source: "/srv/seed", Destination: "/seed", RW: false, Propagation: "rprivate" },
      ],
    });
    assert.deepEqual(entry["volumes"], {
      data: { path: "/var/lib/data", readOnly: false, dockerName: "shop" },
      "data-2": { path: "/srv/data", readOnly: true, dockerName: ID },
    });
    assert.deepEqual(volumes, { data: "shop", "data-2": ID });
    assert.deepEqual(entry["hostPaths"], [{ hostPath: "/srv/seed", path: "/seed", readOnly: true }]);
    assert.deepEqual(entry["ports"], [
      { containerPort: 80, hostPort: 32768, bind: "0.0.0.0", protocol: "tcp" },
      { containerPort: 53, hostPort: 5353, bind: "127.0.0.1", protocol: "udp" },
    ]);
    assert.deepEqual(entry["networks"], { front: { aliases: ["db"], address: "10.1.2.3" } });
    assert.deepEqual([entry["hosts"], entry["tmpfs"]], [{ peer: "10.9.9.9" }, { "/run": "size=4m" }]);
    assert.match(notes.join("\n"), /port 80\/tcp keeps 32768/);
  });

  const losses: [name: string, overrides: Parameters<typeof adopt>[0], expected: RegExp][] = [
    ["privileges", { host: { Privileged: true } }, /^Privileged true$/],
    ["a device", { host: { Devices: [{ PathOnHost: "/dev/kvm" }] } }, /^Devices .*kvm/],
    ["a setting that nobody knows yet", { host: { FutureThing: "on" } }, /^FutureThing "on"$/],
    ["the host's network", { host: { NetworkMode: "host" }, networks: {} }, /^the network mode host$/],
    ["a network of another kind", { networks: { other: {} } }, /^the network other$/],
    [
      "the Docker socket",
      { mounts: [{ Type: "bind", Source: "/var/run/docker.sock", Destination: "/x" }] },
      /^the Docker socket/,
    ],
    [
      "a secret on the command line",
      { config: { Cmd: ["redis", "--requirepass", "hunter2"] } },
      /^the secrecy of --requirepass on/,
    ],
    ["a terminal", { config: { Tty: true } }, /^a terminal/],
    ["a foreign log driver", { host: { LogConfig: { Type: "syslog" } } }, /^the log driver syslog$/],
    ["a foreign ulimit", { host: { Ulimits: [{ Name: "core", Soft: 0, Hard: 0 }] } }, /^the ulimit core$/],
    [
      "files in its own layer",
      { changes: ["/etc/app.conf"] },
      /^1 files in its own layer, on no volume: \/etc\/app\.conf$/,
    ],
  ];
  for (const [name, overrides, expected] of losses) {
    it(`names ${name} as lost, and tells no secret`, () => {
      const found = adopt(overrides).losses;
      assert.equal(found.length, 1, found.join("; "));
      assert.match(found[0] ?? "", expected);
      assert.doesNotMatch(found.join(), /hunter2/);
    });
  }

  it("hands a container of Docker Compose over, and says so", () => {
    const Labels = { "com.docker.compose.project": "shop", "com.docker.compose.service": "db", team: "x" };
    const { entry, notes } = adopt({ config: { Labels } });
    assert.deepEqual(entry["labels"], { team: "x" });
    assert.match(notes.join("\n"), /Docker Compose \(project shop\) no longer knows it/);
  });

  it("takes no fleeting file and no mount point for data", () => {
    const changes = ["/tmp", "/tmp/x", "/run/app.pid", "/var/lib", "/var/lib/data", "/etc", "/etc/app.conf"];
    assert.deepEqual(ownFiles(changes, ["/var/lib/data"]), ["/etc/app.conf"]);
  });

  it("finds nothing foreign in what docker run sets by itself", () => {
    assert.deepEqual(foreignHostSettings(HOST), []);
  });

  it("makes names that the settings take", () => {
    assert.deepEqual(["shop_db", "/Shop.DB-", "9front", "___"].map(toKey), ["shop-db", "shop-db", "front", ""]);
  });
});

describe("adoption: entries of the state", () => {
  const owner = { estate: "mcp-estate", stack: "dev" };

  it("needs a stack that was deployed", () => {
    assert.throws(() => dockerProvider([], "dev"), /stack "dev" has no state .* npm run up -- --stack dev/);
    const urn = "urn:pulumi:dev::mcp-estate::pulumi:providers:docker::default_5_2_0";
    assert.equal(dockerProvider([{ urn, type: "pulumi:providers:docker", id: "x" }], "dev"), `${urn}::x`);
  });

  it("protects everything, ends the container in order, and never removes its volumes", () => {
    const volumes = { data: { dockerName: "shop", labels: { team: "x" } } };
    const container = { service: "db", id: ID, dockerName: "shop_db", image: "sha256:1", stopSeconds: 33, volumes };
    const resources = resourcesOf(owner, { networks: [], containers: [container] }, "provider");
    const parents = new Set(["urn:pulumi:dev::mcp-estate::pulumi:pulumi:Stack::mcp-estate-dev"]);
    for (const { urn, parent } of resources) {
      assert.ok(parents.has(String(parent)), `${urn} comes after its parent`);
      parents.add(urn);
    }
    const objects = resources.filter(({ custom }) => custom);
    assert.deepEqual(
      objects.map(({ type, protect, provider }) => [type, protect, provider]),
      [
        ["docker:index/volume:Volume", true, "provider"],
        ["docker:index/container:Container", true, "provider"],
      ],
    );
    assert.equal(objects[0]?.["retainOnDelete"], true);
    const { destroyGraceSeconds, removeVolumes } = objects[1]?.["outputs"] as Record<string, unknown>;
    assert.deepEqual([destroyGraceSeconds, removeVolumes], [33, false]);
    assert.deepEqual(objects[1]?.["additionalSecretOutputs"], ["envs"]);
  });
});
