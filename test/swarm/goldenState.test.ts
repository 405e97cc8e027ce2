import assert from "node:assert/strict";
import type { ValueMap } from "../../offline/plugins/values.ts";
import { Lab } from "../lab/lab.ts";
import {
  comparable,
  recordedMinimalState,
  recordedSwarmProgram,
  recordedSwarmState,
  type RecordedResource,
} from "../offline/golden.ts";
import { ensureImage, Project } from "../offline/support.ts";

/** The recorded run had the program in an earlier form: these are what it said then. */
const OVER = {
  service: {
    taskSpec: {
      containerSpec: {
        mounts: [{ type: "tmpfs", target: "/tmp", tmpfsOptions: { sizeBytes: 16_777_216, mode: 0o1777 } }],
        stopGracePeriod: "2s",
      },
      placement: { maxReplicas: 2 },
    },
    endpointSpec: {
      ports: [{ name: "http", protocol: "tcp", publishMode: "host", publishedPort: 18_080, targetPort: 8080 }],
    },
  },
};

/** The second recorded run: of each resource as little as it can have. */
const MINIMAL = {
  noSecretName: true,
  minimalRefs: true,
  net: { name: "recnet2" },
  conf: { name: null },
  service: {
    name: "recsvc2",
    taskSpec: {
      containerSpec: {
        ...{ env: null, user: null, readOnly: null, capDrops: null, labels: null },
        ...{ stopGracePeriod: null, healthcheck: null, mounts: null },
      },
      ...{ resources: null, restartPolicy: null, placement: null, logDriver: null },
    },
    ...{ mode: null, endpointSpec: null, updateConfig: null, rollbackConfig: null, labels: null },
    convergeConfig: { timeout: "20s" },
  },
};

/** What differs from one deployment to the next, and why. Nothing else is left out of the comparison. */
const EXCLUDED: Readonly<Record<string, string>> = {
  id: "made by Docker",
  secretId: "made by Docker",
  configId: "made by Docker",
  ciphertext: "encrypted anew; compared by length",
  subnet: "Docker chose it",
  gateway: "Docker chose it",
  "com.docker.network.driver.overlay.vxlanid_list": "Docker chose it",
};

describe("the swarm's recorded program under the stand-ins, with the real engine and two real nodes", function () {
  this.timeout(180_000);
  const lab = new Lab("golden", { hosts: 2 });
  const manager = lab.host(1);
  let project: Project;

  before(async () => {
    await lab.up();
    await lab.swarm();
    for (const { docker } of lab.hosts) {
      await ensureImage(docker, "app:v1", { "usr/bin/tini": '#!/bin/sh\nshift\nexec "$@"\n' });
    }
    for (const { name } of lab.hosts)
      await manager.on("docker", "-H", manager.dockerHost, "node", "update", "--label-add", "zone=a", name);
    const program = recordedSwarmProgram().replace("unix:///var/run/manager.sock", manager.dockerHost);
    project = await Project.create("swarmgolden", program);
    await project.must("config", "set", "over", JSON.stringify(OVER));
    await project.must("up", "--yes", "--skip-preview");
  });
  after(async () => {
    try {
      await project?.dispose();
    } finally {
      await lab.down();
    }
  });

  for (const name of ["net", "sec", "conf", "svc"]) {
    it(`leaves the state of ${name} that the official plugin leaves, field by field`, () =>
      assertRecorded(project, recordedSwarmState(), name));
  }

  it("finds nothing to do on a second look", async () => {
    await project.must("preview", "--expect-no-changes");
  });

  it("is changed in place, as the program stands in the recording's end", async () => {
    // With a port of the host on every node, a new task has no place beside the old one.
    await project.must("config", "set", "over", "{}");
    await project.must("up", "--yes", "--skip-preview", "--refresh");
    await project.must("preview", "--expect-no-changes", "--refresh");
  });

  it("sees replicas and environment by hand, and puts them back", async () => {
    const docker = ["docker", "-H", manager.dockerHost, "service", "update", "--detach"];
    await manager.on(...docker, "--replicas", "1", "--env-add", "B=2", "recsvc");
    const steps = await project.previewSteps("--refresh");
    assert.equal(steps["svc"]?.op, "update");
    assert.ok(steps["svc"].detailed.includes("mode.replicated.replicas"), steps["svc"].detailed.join());
    assert.ok(steps["svc"].detailed.includes("taskSpec.containerSpec.env.B"), steps["svc"].detailed.join());
    await project.must("up", "--yes", "--skip-preview", "--refresh");
    const { Spec } = (await manager.docker.getService("recsvc").inspect()) as {
      Spec: { Mode: { Replicated: { Replicas: number } }; TaskTemplate: { ContainerSpec: { Env: string[] } } };
    };
    assert.equal(Spec.Mode.Replicated.Replicas, 2);
    assert.deepEqual(Spec.TaskTemplate.ContainerSpec.Env, ["A=1"]);
  });

  it("a failed update says so in the recorded words, and the next preview after a refresh is true", async () => {
    const failing = { service: { taskSpec: { containerSpec: { healthcheck: { tests: ["CMD", "false"] } } } } };
    await project.must("config", "set", "over", JSON.stringify(failing));
    const { code, text } = await project.pulumi("up", "--yes", "--skip-preview");
    assert.notEqual(code, 0);
    assert.match(text, /service rollback completed: rollback completed/);
    assert.ok((await project.resource("svc")).initErrors?.length, "the reason stands beside it");
    const { svc } = await project.previewSteps("--refresh");
    assert.equal(svc?.op, "update");
    assert.ok(svc.detailed.includes("taskSpec.containerSpec.healthcheck.tests[1]"), svc.detailed.join());
    await project.must("config", "set", "over", "{}");
    await project.must("up", "--yes", "--skip-preview", "--refresh");
  });

  it("leaves the state that the official plugin leaves of resources with next to no settings", async () => {
    const program = recordedSwarmProgram().replace("unix:///var/run/manager.sock", manager.dockerHost);
    const minimal = await Project.create("swarmminimal", program);
    try {
      await minimal.must("config", "set", "over", JSON.stringify(MINIMAL));
      await minimal.must("up", "--yes", "--skip-preview");
      for (const name of ["net", "sec", "conf", "svc"]) await assertRecorded(minimal, recordedMinimalState(), name);
      await minimal.must("preview", "--expect-no-changes", "--refresh");
    } finally {
      await minimal.dispose();
    }
  });
});

async function assertRecorded(project: Project, recording: RecordedResource[], name: string): Promise<void> {
  const actual = await project.resource(name);
  const recorded = recording.find(({ urn }) => urn.endsWith(`::${name}`));
  assert.ok(recorded);
  const same = (value: ValueMap) => comparable(EXCLUDED, value);
  // The recording has a word in place of each ciphertext.
  const inClear = (value: ValueMap) =>
    JSON.parse(
      JSON.stringify(same(value))
        .replaceAll(/"ciphertext":\d+/g, '"ciphertext":0')
        // What the plugin has named itself ends in seven digits of its own.
        .replaceAll(/"(sec|conf)-[0-9a-f]{7}"/g, '"$1-0000000"'),
    ) as ValueMap;
  assert.deepEqual(inClear(actual.inputs), inClear(recorded.inputs), `inputs of ${name}`);
  assert.deepEqual(inClear(actual.outputs), inClear(recorded.outputs), `outputs of ${name}`);
  assert.deepEqual(actual.additionalSecretOutputs, recorded.additionalSecretOutputs, `secret outputs of ${name}`);
}
