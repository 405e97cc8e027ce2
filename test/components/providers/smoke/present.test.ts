import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { present } from "../../../../components/providers/smoke/present.ts";
import type { SmokeWorkload } from "../../../../components/providers/smoke/spec.ts";

const NODES = { a: "", b: "ssh://root@b" };
const limits = { memoryMiB: 64 } as SmokeWorkload["limits"];
const workload = (component: string, more: Partial<SmokeWorkload>): SmokeWorkload => {
  const rest = { containerId: "", limits, supervised: true, secretNames: [], closed: true };
  return { component, server: component, ...rest, ...more };
};
const service = (id: string): SmokeWorkload => workload(id, { service: { id, nodes: NODES } });

function task(NodeID: string, ContainerID: string, state = "running", DesiredState = "running") {
  return {
    ID: ContainerID,
    CreatedAt: ContainerID,
    NodeID,
    DesiredState,
    Status: { State: state, ContainerStatus: { ContainerID } },
  };
}

/** Service → its tasks, as an API of Docker on loopback tells of them. */
const TASKS: Readonly<Record<string, object[]>> = {
  one: [task("n2", "c1"), task("n1", "c0", "shutdown", "shutdown")],
  two: [task("n1", "c2"), task("n2", "c3"), task("n2", "c4", "starting")],
  none: [task("n1", "c5", "failed", "shutdown")],
};

describe("what the smoke suite asks on a swarm", () => {
  const former = process.env["DOCKER_HOST"];
  let server: Server;

  before(async () => {
    server = createServer((request, response) => {
      const url = new URL(request.url ?? "", "http://docker");
      const names = [
        { ID: "n1", Description: { Hostname: "a" } },
        { ID: "n2", Description: { Hostname: "b" } },
      ];
      const filters = JSON.parse(url.searchParams.get("filters") ?? "{}") as { service?: string[] };
      const answer = url.pathname === "/nodes" ? names : TASKS[filters.service?.[0] ?? ""];
      response.end(JSON.stringify(answer));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    process.env["DOCKER_HOST"] = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    if (former === undefined) delete process.env["DOCKER_HOST"];
    else process.env["DOCKER_HOST"] = former;
    server.close();
  });

  it("is the tasks that run now, on the nodes where they are; a container is itself", async () => {
    const container = workload("plain", { containerId: "c9" });
    const { workloads, absent } = await present([container, service("one"), service("two")]);
    assert.deepEqual(
      workloads.map(({ component, server, containerId, dockerHost }) => [component, server, containerId, dockerHost]),
      [
        ["plain", "plain", "c9", undefined],
        ["one", "one", "c1", "ssh://root@b"],
        ["two on b", "two", "c3", "ssh://root@b"],
        ["two on a", "two", "c2", undefined],
      ],
    );
    assert.deepEqual(absent, []);
  });

  it("names a service of which no task runs", async () => {
    assert.deepEqual(await present([service("none")]), { workloads: [], absent: ["none"] });
  });
});
