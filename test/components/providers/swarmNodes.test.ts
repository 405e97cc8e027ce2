import assert from "node:assert/strict";
import { clockFault, type Member } from "../../../components/providers/swarm/members.ts";
import {
  memberFaults,
  nodeDifferences,
  swarmCapacity,
  type SwarmNodesInputs,
} from "../../../components/providers/swarmNodes.ts";

const member = (name: string, change: Partial<Member> = {}): Member => ({
  id: `id-${name}`,
  version: 1,
  name,
  role: "worker",
  availability: "active",
  state: "ready",
  labels: {},
  memoryMiB: 4096,
  cpus: 2,
  ...change,
});
const declared = (...names: string[]): SwarmNodesInputs["nodes"] =>
  Object.fromEntries(names.map((name) => [name, { host: "", labels: {} }]));
const demand = (memoryReservationMiB: number, memoryMiB = memoryReservationMiB, cpus = 1) => ({
  component: "big",
  memoryMiB,
  memoryReservationMiB,
  cpus,
});

describe("R-TGT-08: the nodes of a swarm as they are declared", () => {
  it("finds no fault where all are there and ready, nor in a swarm of one node that nobody named", () => {
    assert.deepEqual(memberFaults({ nodes: declared("a", "b") }, [member("a"), member("b")]), []);
    assert.deepEqual(memberFaults({ nodes: {} }, [member("a")]), []);
  });

  it("names a node that is not in the swarm, down, drained or not declared, each in a line", () => {
    const members = [member("a"), member("b", { state: "down" }), member("c", { availability: "drain" }), member("d")];
    const faults = memberFaults({ nodes: declared("a", "b", "c", "e") }, members);
    assert.equal(faults.length, 4);
    assert.match(
      faults[0] ?? "",
      /^mcp-estate:swarm\.nodes\.e: no node of the swarm has this name; it has a, b, c, d$/,
    );
    assert.match(faults[1] ?? "", /^node b is down and takes no task/);
    assert.match(faults[2] ?? "", /^node c is drained and takes no task/);
    assert.match(faults[3] ?? "", /not declared: d;/);
  });

  it("R-LIM-11: holds the reservations against all nodes, each limit against the largest", () => {
    const members = [member("a"), member("b", { memoryMiB: 8192, cpus: 4 })];
    const reasons = (...demands: ReturnType<typeof demand>[]) =>
      swarmCapacity({ demands, allowOvercommit: false }, members).map(({ reason }) => reason);
    assert.deepEqual(reasons(demand(6000), demand(6000)), []);
    assert.match(
      reasons(demand(6000), demand(7000)).join(),
      /add up to 13000 MiB and host swarm \(all nodes\) has 12288 MiB/,
    );
    assert.match(
      reasons(demand(1000, 9000)).join(),
      /limits\.memoryMiB 9000 is more than the 8192 MiB of b, the largest node/,
    );
    assert.match(reasons(demand(100, 100, 5)).join(), /limits\.cpus 5 is more than the 4 processors/);
  });

  it("names a node whose clock is off, by how much, and what to do", () => {
    for (const seconds of [0, 4.9, -4.9]) assert.equal(clockFault("b", seconds), undefined);
    assert.equal(
      clockFault("b", 61),
      "the clock of node b is 61 s ahead of the manager's; allowed are 5 s: set it, and keep it by NTP",
    );
    assert.match(clockFault("b", -6) ?? "", /^the clock of node b is 6 s behind the manager's/);
  });

  it("R-DRF-01: tells of each node what differs, and not of labels that are others'", () => {
    const inputs = {
      nodes: { a: { host: "", labels: { type: "gpu" } }, b: { host: "", labels: {} }, c: { host: "", labels: {} } },
      demands: [],
      allowOvercommit: false,
      found: {},
    };
    const all = [member("a", { labels: { type: "gpu", theirs: "1" } }), member("b"), member("c")];
    assert.deepEqual(nodeDifferences(inputs, all), {});
    const changed = [member("a", { labels: { type: "cpu" } }), member("b", { availability: "drain" })];
    assert.deepEqual(nodeDifferences(inputs, changed), {
      a: ["ready", "type=cpu"],
      b: ["drained"],
      c: ["not in the swarm"],
    });
  });
});
