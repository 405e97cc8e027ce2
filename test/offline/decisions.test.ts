import assert from "node:assert/strict";
import { commandPlugin } from "../../offline/plugins/command/plugin.ts";
import { dockerPlugin } from "../../offline/plugins/docker/plugin.ts";
import { randomPlugin } from "../../offline/plugins/random/plugin.ts";
import type { ResourceType } from "../../offline/plugins/resourceType.ts";
import { UNKNOWN } from "../../offline/plugins/values.ts";
import type { ValueMap } from "../../offline/plugins/values.ts";
import { decide as decideFor, kindsOf, nameOf, sorted, typeOf } from "./deciding.ts";
import { recordedChanges, recordedResource } from "./golden.ts";

const TYPES: Readonly<Record<string, ResourceType>> = {
  ...dockerPlugin.types,
  ...randomPlugin.types,
  ...commandPlugin.types,
};

const decide = (name: string, change: ValueMap) => decideFor(TYPES, recordedResource(name), change);

/** What each recorded change set in the program, per resource. The recording has the answers, not the questions. */
const CHANGES: Readonly<Record<string, Readonly<Record<string, ValueMap>>>> = {
  "container.memory": { web: { memory: 128, memorySwap: 128 } },
  "container.memoryReservation": { web: { memoryReservation: 16 } },
  "container.cpus": { web: { cpus: "0.25" } },
  "container.cpuShares": { web: { cpuShares: 512 } },
  "container.restart": { web: { restart: "always" } },
  "container.envs": { web: { envs: ["A=2"] } },
  "container.image": { web: { image: "other:1" } },
  "container.command": { web: { command: ["sleep", "200000"] } },
  "container.labels": { web: { labels: [{ label: "golden", value: "2" }] } },
  "container.ports": { web: { ports: [{ internal: 8080, external: 18081, ip: "127.0.0.1" }] } },
  "container.healthcheck": {
    web: { healthcheck: { tests: ["CMD", "false"], interval: "5s", timeout: "2s", retries: 3, startPeriod: "1s" } },
  },
  "container.ulimits": { web: { ulimits: [{ name: "nproc", soft: 50, hard: 50 }] } },
  "container.readOnly": { web: { readOnly: false } },
  "container.user": { web: { user: "1001:1001" } },
  "container.capabilities": { web: { capabilities: { drops: ["NET_RAW"] } } },
  "container.tmpfs": { web: { tmpfs: { "/tmp": "rw,size=32m" } } },
  "container.hostname": { web: { hostname: "web2" } },
  "container.logOpts": { web: { logOpts: { "max-size": "20m" } } },
  "container.stopTimeout": { web: { stopTimeout: 5 } },
  "container.destroyGraceSeconds": { web: { destroyGraceSeconds: 5 } },
  "container.networkAliases": { web: { networksAdvanced: [{ name: "net-5e323f5", aliases: ["web2"] }] } },
  "container.name": { web: { name: "given" } },
  "container.wait": { web: { wait: true, waitTimeout: 30 } },
  "container.gpus": { web: { gpus: "all" } },
  "container.init": { web: { init: false } },
  "cfg.uploads": { cfg: { uploads: [{ file: "/etc/golden.conf", content: "x=2\n" }] } },
  "network.internal": { net: { internal: true }, web: { networksAdvanced: [{ name: UNKNOWN, aliases: ["web"] }] } },
  "network.labels": {
    net: { labels: [{ label: "golden", value: "2" }] },
    web: { networksAdvanced: [{ name: "net-0000000", aliases: ["web"] }] },
  },
  "network.subnet": {
    net: { ipamConfigs: [{ subnet: "172.30.0.0/24", gateway: "172.30.0.1" }] },
    web: { networksAdvanced: [{ name: UNKNOWN, aliases: ["web"] }] },
  },
  "volume.labels": {
    data: { labels: [{ label: "golden", value: "2" }] },
    web: { volumes: [{ volumeName: "data-0000000", containerPath: "/data" }] },
  },
  "password.length": { pw: { length: 24 } },
  "randomId.keepers": { id: { keepers: { a: "2" } } },
  "command.create": { cmd: { create: "echo other" } },
  "command.update": { cmd: { update: "echo other" } },
  "command.environment": { cmd: { environment: { X: "2" } } },
  "command.triggers": { cmd: { triggers: ["other"] } },
  "image.src": { web: { image: UNKNOWN }, cfg: { image: UNKNOWN } },
};

describe("replace or update, as the official plugins decide", () => {
  const changes = recordedChanges();

  it("knows every recorded change", () => {
    assert.deepEqual(Object.keys(CHANGES).sort(), Object.keys(changes).sort());
  });

  for (const [change, steps] of Object.entries(changes)) {
    for (const step of steps.filter(({ resource }) => TYPES[typeOf(resource)] !== undefined)) {
      const name = nameOf(step.resource);
      it(`${change}: ${step.op} of ${name}`, () => {
        const replacedWithContainer = name === "cmd" && CHANGES[change]?.["cmd"] === undefined;
        const diff = decide(name, replacedWithContainer ? { triggers: UNKNOWN } : (CHANGES[change]?.[name] ?? {}));
        assert.equal(diff.replaces.length > 0 ? "replace" : "update", step.op);
        // What goes because its container goes before is replaced without a reason of its own: the engine keeps none.
        if (replacedWithContainer) return;
        assert.deepEqual([...diff.changed].sort(), sorted(step.diffReasons));
        assert.deepEqual([...diff.replaces].sort(), sorted(step.replaceReasons));
        assert.deepEqual(diff.detailed ?? null, kindsOf(step));
      });
    }
  }

  for (const name of ["web", "cfg", "net", "data", "pw", "id", "str", "cmd"]) {
    it(`nothing for ${name} when nothing changes`, () => {
      const { changed, replaces, detailed } = decide(name, {});
      assert.deepEqual({ changed, replaces, detailed: detailed ?? {} }, { changed: [], replaces: [], detailed: {} });
    });
  }

  it("a container goes before its replacement comes, a network with an automatic name after", () => {
    assert.equal(decide("web", { cpus: "1" }).deleteBeforeReplace, true);
    assert.equal(decide("net", { internal: true }).deleteBeforeReplace, false);
    assert.equal(decide("net", { name: "given" }).deleteBeforeReplace, true);
  });

  it("a create that failed half way is replaced, because of its entry points", () => {
    const { inputs } = recordedResource("cfg");
    const failed = { ...recordedResource("cfg").outputs, entrypoints: null, networkDatas: null };
    const diff = TYPES["docker:index/container:Container"].diff({ oldInputs: inputs, oldOutputs: failed, inputs });
    assert.deepEqual(diff.detailed, { entrypoints: "add-replace", networkDatas: "add" });
    assert.deepEqual(diff.replaces, ["entrypoints"]);
  });
});
