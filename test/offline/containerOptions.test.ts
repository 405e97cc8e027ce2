import assert from "node:assert/strict";
import { isInput } from "../../offline/plugins/bridged/schema.ts";
import type { Properties } from "../../offline/plugins/bridged/schema.ts";
import { container } from "../../offline/plugins/docker/container.ts";
import { containerInputs, createOptions } from "../../offline/plugins/docker/containerOptions.ts";
import { goDuration, nanoCpus, nanoseconds } from "../../offline/plugins/docker/units.ts";
import { dockerProperties } from "../../offline/plugins/docker/properties.ts";
import { network } from "../../offline/plugins/docker/network.ts";
import { volume } from "../../offline/plugins/docker/volume.ts";
import type { ResourceType } from "../../offline/plugins/resourceType.ts";
import type { Value, ValueMap } from "../../offline/plugins/values.ts";
import fc from "fast-check";
import { recordedSchema } from "./golden.ts";

/** A value for each input, and the place in Docker's request where it has to arrive. */
const ARRIVES: Readonly<Record<string, readonly [Value, string, unknown]>> = {
  capabilities: [{ adds: ["NET_RAW"], drops: ["ALL"] }, "HostConfig.CapDrop", ["ALL"]],
  cgroupParent: ["/x", "HostConfig.CgroupParent", "/x"],
  cgroupnsMode: ["private", "HostConfig.CgroupnsMode", "private"],
  command: [["a"], "Cmd", ["a"]],
  cpuPeriod: [100000, "HostConfig.CpuPeriod", 100000],
  cpuQuota: [50000, "HostConfig.CpuQuota", 50000],
  cpuSet: ["0-1", "HostConfig.CpusetCpus", "0-1"],
  cpuShares: [512, "HostConfig.CpuShares", 512],
  cpus: ["1.5", "HostConfig.NanoCpus", 1_500_000_000],
  deviceReadBps: [[{ path: "/dev/sda", rate: 1 }], "HostConfig.BlkioDeviceReadBps", [{ Path: "/dev/sda", Rate: 1 }]],
  deviceReadIops: [[{ path: "/dev/sda", rate: 1 }], "HostConfig.BlkioDeviceReadIOps", [{ Path: "/dev/sda", Rate: 1 }]],
  deviceRequests: [
    [{ driver: "cdi", deviceIds: ["x"] }],
    "HostConfig.DeviceRequests",
    [{ Driver: "cdi", DeviceIDs: ["x"] }],
  ],
  deviceWriteBps: [[{ path: "/dev/sda", rate: 1 }], "HostConfig.BlkioDeviceWriteBps", [{ Path: "/dev/sda", Rate: 1 }]],
  deviceWriteIops: [
    [{ path: "/dev/sda", rate: 1 }],
    "HostConfig.BlkioDeviceWriteIOps",
    [{ Path: "/dev/sda", Rate: 1 }],
  ],
  devices: [
    [{ hostPath: "/dev/a" }],
    "HostConfig.Devices",
    [{ PathOnHost: "/dev/a", PathInContainer: "/dev/a", CgroupPermissions: "rwm" }],
  ],
  dns: [["1.1.1.1"], "HostConfig.Dns", ["1.1.1.1"]],
  dnsOpts: [["ndots:1"], "HostConfig.DnsOptions", ["ndots:1"]],
  dnsSearches: [["x.y"], "HostConfig.DnsSearch", ["x.y"]],
  domainname: ["d", "Domainname", "d"],
  entrypoints: [["e"], "Entrypoint", ["e"]],
  envs: [["A=1"], "Env", ["A=1"]],
  gpus: ["2", "HostConfig.DeviceRequests", [{ Driver: "", Count: 2, Capabilities: [["gpu"]] }]],
  groupAdds: [["1"], "HostConfig.GroupAdd", ["1"]],
  healthcheck: [{ tests: ["CMD", "x"], interval: "1m30s" }, "Healthcheck", { Test: ["CMD", "x"], Interval: 90e9 }],
  hostname: ["h", "Hostname", "h"],
  hosts: [[{ host: "h", ip: "1.2.3.4" }], "HostConfig.ExtraHosts", ["h:1.2.3.4"]],
  image: ["i", "Image", "i"],
  init: [true, "HostConfig.Init", true],
  ipcMode: ["host", "HostConfig.IpcMode", "host"],
  labels: [[{ label: "a", value: "b" }], "Labels", { a: "b" }],
  logDriver: ["local", "HostConfig.LogConfig", { Type: "local", Config: {} }],
  logOpts: [{ "max-size": "1m" }, "HostConfig.LogConfig", { Type: "", Config: { "max-size": "1m" } }],
  maxRetryCount: [3, "HostConfig.RestartPolicy", { Name: "no", MaximumRetryCount: 3 }],
  memory: [64, "HostConfig.Memory", 67108864],
  memoryReservation: [32, "HostConfig.MemoryReservation", 33554432],
  memorySwap: [-1, "HostConfig.MemorySwap", -1],
  mounts: [
    [{ type: "tmpfs", target: "/t", tmpfsOptions: { sizeBytes: 9, mode: 448 } }],
    "HostConfig.Mounts",
    [{ Type: "tmpfs", Target: "/t", TmpfsOptions: { SizeBytes: 9, Mode: 448 } }],
  ],
  networkMode: ["host", "HostConfig.NetworkMode", "host"],
  networksAdvanced: [
    [{ name: "n", aliases: ["a"], ipv4Address: "10.0.0.2" }, { name: "m" }],
    "NetworkingConfig.EndpointsConfig",
    { n: { Aliases: ["a"], IPAMConfig: { IPv4Address: "10.0.0.2" } } },
  ],
  pidMode: ["host", "HostConfig.PidMode", "host"],
  ports: [
    [{ internal: 80, external: 8080, ip: "127.0.0.1" }],
    "HostConfig.PortBindings",
    { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "8080" }] },
  ],
  privileged: [true, "HostConfig.Privileged", true],
  publishAllPorts: [true, "HostConfig.PublishAllPorts", true],
  readOnly: [true, "HostConfig.ReadonlyRootfs", true],
  restart: ["always", "HostConfig.RestartPolicy", { Name: "always", MaximumRetryCount: 0 }],
  rm: [true, "HostConfig.AutoRemove", true],
  runtime: ["runsc", "HostConfig.Runtime", "runsc"],
  securityOpts: [["no-new-privileges"], "HostConfig.SecurityOpt", ["no-new-privileges"]],
  shmSize: [128, "HostConfig.ShmSize", 134217728],
  stdinOpen: [true, "OpenStdin", true],
  stopSignal: ["SIGINT", "StopSignal", "SIGINT"],
  stopTimeout: [7, "StopTimeout", 7],
  storageOpts: [{ size: "1G" }, "HostConfig.StorageOpt", { size: "1G" }],
  sysctls: [{ a: "1" }, "HostConfig.Sysctls", { a: "1" }],
  tmpfs: [{ "/tmp": "size=1m" }, "HostConfig.Tmpfs", { "/tmp": "size=1m" }],
  tty: [true, "Tty", true],
  ulimits: [[{ name: "nproc", soft: 1, hard: 2 }], "HostConfig.Ulimits", [{ Name: "nproc", Soft: 1, Hard: 2 }]],
  user: ["1:1", "User", "1:1"],
  usernsMode: ["host", "HostConfig.UsernsMode", "host"],
  volumes: [[{ volumeName: "v", containerPath: "/c", readOnly: true }], "HostConfig.Binds", ["v:/c:ro"]],
  workingDir: ["/w", "WorkingDir", "/w"],
};

/** Inputs that steer the plugin itself or stand in the request's address; lifecycle.e2e.test.ts and goldenState.e2e.test.ts show what they do. */
const STEER = [
  "attach",
  "containerReadRefreshTimeoutMilliseconds",
  "destroyGraceSeconds",
  "logs",
  "mustRun",
  "name",
  "platform",
  "removeVolumes",
  "start",
  "uploads",
  "wait",
  "waitTimeout",
];

describe("inputs of a container", () => {
  it("all arrive in Docker's request or steer the plugin", () => {
    const inputs = Object.entries(dockerProperties.container).filter(([, property]) => isInput(property));
    assert.deepEqual(inputs.map(([name]) => name).sort(), [...Object.keys(ARRIVES), ...STEER].sort());
  });

  for (const [name, [value, place, expected]] of Object.entries(ARRIVES)) {
    it(`${name} arrives as ${place}`, () => {
      const options = createOptions(containerInputs({ name: "n", image: "i", [name]: value })) as unknown;
      const found = place.split(".").reduce((object, key) => (object as Record<string, unknown>)[key], options);
      assert.deepEqual(JSON.parse(JSON.stringify(found)), expected);
    });
  }

  it("are refused by name where Docker would not do what they say", () => {
    assert.match(refusal(container, { memory: "4g" }), /^memory: memory is "4g": give a whole number, without a unit/);
    assert.match(
      refusal(container, { memory: 64, memoryReservation: 128 }),
      /^memoryReservation: .* give at most memory, which is 64/,
    );
    assert.match(refusal(container, { memory: -5 }), /^memory: memory is -5 MiB: give at least 6/);
    assert.match(refusal(container, { cpus: "half" }), /^cpus: cpus is "half": give a decimal number/);
    assert.match(
      refusal(container, { healthcheck: { tests: ["CMD"], interval: "5" } }),
      /^healthcheck\.interval: .*give a duration/,
    );
    assert.match(
      refusal(container, { volumes: [{ hostPath: "data", containerPath: "/d" }] }),
      /^volumes\[0\]\.hostPath: .*absolute path/,
    );
    assert.match(refusal(container, { wait: true, start: false }), /^wait: /);
    assert.match(refusal(container, { networkMode: "host", networksAdvanced: [{ name: "n" }] }), /^networkMode: /);
    assert.match(refusal(container, { pidsLimit: 25 }), /^pidsLimit: .*no such input/);
    assert.match(refusal(volume, { cluster: { scope: "single" } }), /^cluster: .*not offered/);
    assert.match(refusal(network, { ingress: true }), /^ingress: .*overlay/);
  });
});

describe("the schema of the docker types", () => {
  const SDK_NAMES: Readonly<Record<string, string>> = {
    envs: "env",
    hosts: "host",
    ulimits: "ulimit",
    uploads: "upload",
    entrypoints: "entrypoint",
  };
  /** Type of ours → of the recording. */
  const TYPES = {
    container: "docker_container",
    network: "docker_network",
    volume: "docker_volume",
    secret: "docker_secret",
    service: "docker_service",
    serviceConfig: "docker_config",
  } as const;
  for (const type of Object.keys(TYPES) as (keyof typeof TYPES)[]) {
    it(`of ${type} is the recorded one`, () => {
      const recorded = recordedSchema()[TYPES[type]] as { properties: Record<string, Recorded> };
      assert.deepEqual(terraformForm(dockerProperties[type]), recordedForm(recorded.properties));
    });
  }

  interface Recorded {
    type: string;
    elem?: string | Record<string, Recorded>;
    maxItems?: number;
    deprecated?: string;
    required?: boolean;
    optional?: boolean;
    computed?: boolean;
    replaceOnChange?: boolean;
    default?: unknown;
  }

  function recordedForm(properties: Record<string, Recorded>): unknown {
    return Object.fromEntries(
      Object.entries(properties).map(
        ([name, { type, elem, maxItems, replaceOnChange, deprecated: _deprecated, ...flags }]) => {
          const collection = type === "TypeList" || type === "TypeSet";
          const kind = maxItems === 1 ? "object" : type.slice("Type".length).toLowerCase();
          const element = collection ? (typeof elem === "object" ? recordedForm(elem) : "string") : undefined;
          return [
            name,
            {
              kind,
              ...(element === undefined ? {} : { element }),
              ...flags,
              ...(replaceOnChange ? { replace: true } : {}),
            },
          ];
        },
      ),
    );
  }

  function terraformForm(properties: Properties): unknown {
    return Object.fromEntries(
      Object.entries(properties).map(([name, { terraformName, element, ...rest }]) => {
        const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
        if (SDK_NAMES[name] !== undefined && terraformName !== undefined) assert.equal(terraformName, SDK_NAMES[name]);
        return [
          terraformName ?? snake,
          {
            ...rest,
            ...(element === undefined
              ? {}
              : { element: typeof element === "object" ? terraformForm(element) : element }),
          },
        ];
      }),
    );
  }
});

describe("durations and CPUs", () => {
  it("a duration survives being printed as Go prints it", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 100 * 3600 * 1000 }),
        (ms) => nanoseconds(goDuration(ms * 1e6)) === ms * 1e6,
      ),
    );
  });

  it("CPUs are exact to a billionth", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 64_000 }), (milli) => nanoCpus((milli / 1000).toFixed(3)) === milli * 1e6),
    );
    assert.throws(() => nanoCpus("1,5"), /give a decimal number/);
  });
});

function refusal(type: ResourceType, inputs: ValueMap): string {
  const given = type === container ? { image: "i", ...inputs } : inputs;
  const { failures } = type.check(given, { name: "x", oldInputs: undefined, autoName: () => "x-0000000" });
  return failures.map(({ property, reason }) => `${property}: ${reason}`).join("\n");
}
