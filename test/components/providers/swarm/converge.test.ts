import assert from "node:assert/strict";
import type Docker from "dockerode";
import { limitClasses } from "../../../../components/limitClasses.ts";
import { converge } from "../../../../components/providers/swarm/converge.ts";
import type { SwarmServiceSpec } from "../../../../components/providers/swarm/inputs.ts";
import { serviceSpec, type InspectedService, type ServiceSpec } from "../../../../components/providers/swarm/spec.ts";

const declared: SwarmServiceSpec = {
  name: "mcp-estate-test-everything",
  component: "everything",
  image: "sha256:1234",
  replicas: 1,
  hostname: "everything",
  user: 100_007,
  group: 100_008,
  limits: limitClasses.light,
  cpuReservation: 0,
  networks: [],
  ports: [],
  mounts: [],
  scratchMiB: {},
  probe: { command: ["/usr/bin/curl"], intervalSeconds: 10, timeoutSeconds: 5, failures: 3, startSeconds: 30 },
  labels: {},
  secrets: [],
  configs: [],
  closed: true,
  knowsNode: false,
  stopSeconds: 10,
  update: { order: "start-first", monitorSeconds: 2 },
};

/** A swarm that has been given `wanted`, tells of no update, and runs one task made from `made`. */
function awaiting(wanted: ServiceSpec, made: ServiceSpec) {
  const service: InspectedService = { ID: "s", Version: { Index: 1 }, Spec: wanted };
  const task = {
    ID: "t",
    CreatedAt: "2026-01-01T00:00:00Z",
    DesiredState: "running",
    Spec: made.TaskTemplate,
    Status: { State: "running", Timestamp: "" },
  };
  const docker = {
    getService: () => ({ inspect: () => Promise.resolve(service) }),
    listTasks: () => Promise.resolve([task]),
    listNodes: () => Promise.resolve([]),
  } as unknown as Docker;
  const known = new Set(["t"]);
  return converge(docker, { service, spec: declared, nodes: 1, known, formerUpdate: undefined, timeoutSeconds: 5 });
}

const ANYWHERE = { constraints: [], gpuId: "" };

describe("waiting for a service's tasks", function () {
  this.timeout(15_000);

  it("R-TGT-03: a task that stays because its node satisfies the new constraints is as specified", async () => {
    const tasks = await awaiting(
      serviceSpec(declared, { constraints: ["node.labels.type==gpu"], gpuId: "" }),
      serviceSpec(declared, ANYWHERE),
    );
    assert.deepEqual(
      tasks.map(({ ID }) => ID),
      ["t"],
    );
  });

  it("one that was made from another image is not", async () => {
    const former = serviceSpec({ ...declared, image: "sha256:0" }, ANYWHERE);
    await assert.rejects(awaiting(serviceSpec(declared, ANYWHERE), former), /everything: 1 of 1 tasks run 5 s after/);
  });
});
