import assert from "node:assert/strict";
import type Docker from "dockerode";
import {
  chosenConstraints,
  eligible,
  isConstraint,
  listNodes,
  type SwarmNode,
} from "../../../../components/providers/swarm/placement.ts";

const node = (name: string, labels: Record<string, string> = {}, takesTasks = true): SwarmNode => ({
  id: `id-${name}`,
  name,
  role: name === "a" ? "manager" : "worker",
  labels,
  takesTasks,
});
const nodes = [node("a"), node("b", { type: "gpu" }), node("c", { type: "gpu", zone: "1" }, false)];
const names = (constraints: readonly string[]) => eligible(nodes, constraints).map(({ name }) => name);

describe("R-TGT-03, R-TGT-04: where tasks may run", () => {
  it("takes the nodes that take tasks and satisfy every constraint", () => {
    assert.deepEqual(names([]), ["a", "b"]);
    assert.deepEqual(names(["node.labels.type==gpu"]), ["b"]);
    assert.deepEqual(names(["node.labels.type != gpu"]), ["a"]);
    assert.deepEqual(names(["node.role==worker", "node.hostname==b"]), ["b"]);
    assert.deepEqual(names(["node.id==id-a"]), ["a"]);
    assert.deepEqual(names(["node.labels.zone==1"]), []);
  });

  it("makes a constraint of a preference as long as a node satisfies it with all the others", () => {
    const choose = (constraints: string[], preferences: string[]) =>
      chosenConstraints({ constraints, preferences }, nodes);
    assert.deepEqual(choose([], ["node.labels.type==gpu"]), ["node.labels.type==gpu"]);
    assert.deepEqual(choose(["node.role==manager"], ["node.labels.type==gpu"]), ["node.role==manager"]);
    assert.deepEqual(choose([], ["node.labels.zone==1", "node.labels.type==gpu"]), ["node.labels.type==gpu"]);
  });

  it("counts labels that the stack is about to give, beside those that a node has", async () => {
    const answer = ["a", "b"].map((name) => ({
      ID: `id-${name}`,
      Spec: { Role: "worker", Availability: "active", Labels: { zone: "1" } },
      Description: { Hostname: name },
      Status: { State: "ready" },
    }));
    const docker = { listNodes: () => Promise.resolve(answer) } as unknown as Docker;
    const found = await listNodes(docker, { b: { type: "gpu" } });
    assert.deepEqual(
      found.map(({ labels }) => labels),
      [{ zone: "1" }, { zone: "1", type: "gpu" }],
    );
    assert.deepEqual(
      eligible(found, ["node.labels.type==gpu"]).map(({ name }) => name),
      ["b"],
    );
  });

  it("knows what it can judge", () => {
    for (const good of ["node.labels.type==gpu", "node.hostname != a", "node.role==manager"])
      assert.ok(isConstraint(good));
    for (const bad of ["type==gpu", "node.labels.type=gpu", "engine.labels.os==x", "node.platform.os==linux"])
      assert.ok(!isConstraint(bad), bad);
  });
});
