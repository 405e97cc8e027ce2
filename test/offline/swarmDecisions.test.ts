import assert from "node:assert/strict";
import { dockerPlugin } from "../../offline/plugins/docker/plugin.ts";
import { isMap, UNKNOWN, type ValueMap } from "../../offline/plugins/values.ts";
import { decide as decideFor, kindsOf, nameOf, programInputs, sorted, typeOf } from "./deciding.ts";
import { recordedSwarmCases, recordedSwarmChanges, recordedSwarmState } from "./golden.ts";

/** What each recorded change set in the program, per resource: the recording has the answers alone. */
const CHANGES: Readonly<Record<string, Readonly<Record<string, ValueMap>>>> = {
  "secret.data": { sec: { data: "czNjcmV0LTI=" } },
  "secret.data+name": { sec: { data: "czNjcmV0LTI=", name: "recsecret-2" } },
  "secret.labels": { sec: { labels: [{ label: "rec", value: "2" }] } },
  "secret.name": { sec: { name: "recsecret-2" } },
  "config.data": { conf: { data: "eD0yCg==" } },
  "config.data+name": { conf: { data: "eD0yCg==", name: "recconf-2" } },
  "config.name": { conf: { name: "recconf-2" } },
  "network.labels": { net: { labels: [{ label: "rec", value: "2" }] } },
  "network.attachable": { net: { attachable: false } },
  "network.ipam": { net: { ipamConfigs: [{ subnet: "10.88.0.0/24" }] } },
};

/** Ciphertexts cannot be read here: of the secret's data it is known only that it was another. */
const OLD_DATA = { sec: { data: "czNjcmV0LTE=" } } as const;

function recorded(name: string) {
  const found = recordedSwarmState().find(({ urn }) => urn.endsWith(`::${name}`));
  assert.ok(found, name);
  const { data } = OLD_DATA[name as keyof typeof OLD_DATA] ?? {};
  if (data === undefined) return found;
  return { ...found, inputs: { ...found.inputs, data }, outputs: { ...found.outputs, data } };
}
const decide = (name: string, change: ValueMap) => decideFor(dockerPlugin.types, recorded(name), change);

/** The program of the recording lays each case over its service: what is null is taken out, lists are put in place. */
function laidOver(base: ValueMap, change: ValueMap): ValueMap {
  const entries = Object.entries(change).map(([key, value]) => {
    const known = base[key];
    return [key, isMap(value) && isMap(known) ? laidOver(known, value) : value];
  });
  const merged = { ...base, ...(Object.fromEntries(entries) as ValueMap) };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
}

/** What else the program does in a case, beside the service's own settings. */
const BESIDES: Readonly<Record<string, (task: ValueMap, container: ValueMap) => void>> = {
  "service.networkRemoved": (task) => delete task["networksAdvanceds"],
  "service.mountsRefsRemoved": (_task, container) => {
    delete container["secrets"];
    delete container["configs"];
  },
};

describe("replace or update of a service, as the official plugin decides", () => {
  const cases = recordedSwarmCases();
  const own = Object.entries(recordedSwarmChanges()).filter(([change]) => /^(service|explicit)\./.test(change));
  const base = programInputs(recorded("svc").inputs);

  /** Only of the service: what follows from another network or secret has its own rows. */
  for (const [change, steps] of own.filter(([change]) => change !== "service.modeGlobal")) {
    it(change, () => {
      const { service = {} } = cases[change] ?? {};
      const inputs = laidOver(base, service as ValueMap);
      const task = structuredClone(inputs["taskSpec"]) as ValueMap;
      BESIDES[change]?.(task, task["containerSpec"] as ValueMap);
      if (change.startsWith("explicit.minimalRefs")) withoutOwners(task["containerSpec"] as ValueMap);
      const diff = decideFor(dockerPlugin.types, recorded("svc"), { ...inputs, taskSpec: task }, true);
      const [step] = steps;
      if (step === undefined) {
        assert.deepEqual(diff.changed, []);
        return;
      }
      assert.equal(diff.replaces.length > 0 ? "replace" : "update", step.op);
      assert.deepEqual(diff.detailed ?? null, kindsOf(step));
      assert.deepEqual([...diff.changed].sort(), sorted(step.diffReasons));
      assert.deepEqual([...diff.replaces].sort(), sorted(step.replaceReasons));
    });
  }

  it("refuses to wait for a global service, in the recorded words", () => {
    const { service: type } = { service: dockerPlugin.types["docker:index/service:Service"] };
    assert.ok(type);
    const inputs = laidOver(base, { mode: { global: true } });
    const { failures } = type.check(
      { ...inputs, mode: { global: true } },
      { name: "svc", oldInputs: undefined, autoName: () => "svc-0000000" },
    );
    const words = (recordedSwarmChanges()["service.modeGlobal"]?.[0] as unknown as { error: string[] }).error.join("");
    assert.equal(failures.length, 2);
    for (const { reason } of failures) assert.ok(words.includes(reason), reason);
  });
});

/** What a service gets of another secret, config or network: an id that is not known yet, and its name. */
function serviceChange(change: string): ValueMap {
  const task = structuredClone(programInputs(recorded("svc").inputs)["taskSpec"]) as ValueMap;
  const [kind] = change.split(".");
  if (kind === "network") return { taskSpec: { ...task, networksAdvanceds: [{ id: UNKNOWN, aliases: ["app"] }] } };
  const [one] = (task["containerSpec"] as ValueMap)[`${kind}s`] as ValueMap[];
  assert.ok(one);
  one[`${kind}Id`] = UNKNOWN;
  if (change.endsWith("name")) one[`${kind}Name`] = `rec${kind === "secret" ? "secret" : "conf"}-2`;
  return { taskSpec: task };
}

function withoutOwners(container: ValueMap): void {
  for (const key of ["secrets", "configs"]) {
    container[key] = (container[key] as ValueMap[]).map(({ fileUid: _u, fileGid: _g, fileMode: _m, ...rest }) => rest);
  }
}

describe("replace or update of a swarm's objects, as the official plugin decides", () => {
  const own = Object.entries(recordedSwarmChanges()).filter(([change]) => /^(secret|config|network)\./.test(change));

  it("knows every recorded change of a secret, a config and an overlay network", () => {
    assert.deepEqual(own.map(([change]) => change).sort(), Object.keys(CHANGES).sort());
  });

  for (const [change, steps] of own) {
    for (const step of steps.filter(({ resource }) => typeOf(resource) in dockerPlugin.types)) {
      const name = nameOf(step.resource);
      it(`${change}: ${step.op} of ${name}`, () => {
        const diff = decide(name, name === "svc" ? serviceChange(change) : (CHANGES[change]?.[name] ?? {}));
        assert.equal(diff.replaces.length > 0 ? "replace" : "update", step.op);
        assert.deepEqual([...diff.changed].sort(), sorted(step.diffReasons));
        assert.deepEqual([...diff.replaces].sort(), sorted(step.replaceReasons));
        assert.deepEqual(diff.detailed ?? null, kindsOf(step));
      });
    }
  }

  for (const name of ["sec", "conf", "net"]) {
    it(`nothing for ${name} when nothing changes`, () => {
      const { changed, replaces, detailed } = decide(name, {});
      assert.deepEqual({ changed, replaces, detailed: detailed ?? {} }, { changed: [], replaces: [], detailed: {} });
    });
  }

  it("one with a name of the program's own goes before the next comes; one with an automatic name after", () => {
    assert.equal(decide("sec", { data: "eA==" }).deleteBeforeReplace, true);
    const type = dockerPlugin.types["docker:index/secret:Secret"];
    assert.ok(type);
    const context = { name: "sec", oldInputs: undefined, autoName: () => "sec-0000000" };
    const { inputs } = type.check({ data: "eA==" }, context);
    const diff = type.diff({ oldInputs: inputs, oldOutputs: inputs, inputs: { ...inputs, data: "eQ==" } });
    assert.equal(diff.deleteBeforeReplace, false);
  });

  it("refuses data that is not base64, without telling it", () => {
    const type = dockerPlugin.types["docker:index/secret:Secret"];
    assert.ok(type);
    const context = { name: "sec", oldInputs: undefined, autoName: () => "sec-0000000" };
    const { failures } = type.check({ data: "in clear!" }, context);
    assert.deepEqual(
      failures.map(({ property, reason }) => [property, reason.includes("in clear")]),
      [["data", false]],
    );
    assert.deepEqual(type.check({ data: UNKNOWN }, context).failures, []);
  });
});
