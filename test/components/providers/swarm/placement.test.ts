import assert from "node:assert/strict";
import type Docker from "dockerode";
import {
  choosePlace,
  chosenConstraints,
  eligible,
  gpuFor,
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
  gpus: [],
  joinedAt: `2026-01-0${"abcde".indexOf(name) + 1}`,
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

  describe("GPUs", () => {
    const five = [
      { ...node("e", { zone: "2" }), gpus: ["GPU-e1"] },
      ...nodes,
      { ...node("d", { type: "gpu" }), gpus: ["GPU-d1", "GPU-d2"] },
    ];
    const claim = (...before: string[][]) => ({ need: "preferred" as const, before });
    const [anywhere, onE, onD] = [[], ["node.hostname==e"], ["node.hostname==d"]];
    const given = (before: string[][], own: string[] = anywhere) => gpuFor(claim(...before), own, five)?.gpuId;

    it("each claim gets one of its own, those of the node that was there first before others", () => {
      assert.deepEqual(
        [[], [anywhere], [anywhere, anywhere], [anywhere, anywhere, anywhere]].map((before) => given(before)),
        ["GPU-d1", "GPU-d2", "GPU-e1", undefined],
      );
    });

    it("no two get the same, wherever each may run", () => {
      assert.equal(given([onE]), "GPU-d1");
      assert.equal(given([onD, onD]), "GPU-e1");
      assert.equal(given([anywhere], onE), "GPU-e1");
      assert.equal(given([onE], onE), undefined);
      // One that found none has taken none.
      assert.equal(given([onE, onE], onD), "GPU-d1");
    });

    it("a node that takes no tasks gives none", () => {
      const drained = five.map((each) => (each.name === "d" ? { ...each, takesTasks: false } : each));
      assert.equal(gpuFor(claim(), anywhere, drained)?.gpuId, "GPU-e1");
      assert.equal(gpuFor(claim(anywhere), anywhere, drained), undefined);
    });

    it("who gets one runs on its node, whatever else he prefers; who gets none where he prefers", () => {
      const placement = { constraints: ["node.role==worker"], preferences: ["node.labels.zone==2"] };
      assert.deepEqual(choosePlace(placement, claim(), five), {
        constraints: ["node.role==worker", "node.hostname==d"],
        gpuId: "GPU-d1",
      });
      assert.deepEqual(choosePlace({ constraints: onD, preferences: [] }, claim(), five).constraints, onD);
      const none = choosePlace(placement, claim(anywhere, anywhere, anywhere), five);
      assert.deepEqual(none, { constraints: ["node.role==worker", "node.labels.zone==2"], gpuId: "" });
      assert.equal(choosePlace(placement, undefined, five).gpuId, "");
    });

    it("counts those that nodes tell of by their UUIDs", async () => {
      const GenericResources = [
        { NamedResourceSpec: { Kind: "GPU", Value: "GPU-2" } },
        { NamedResourceSpec: { Kind: "GPU", Value: "GPU-1" } },
        { NamedResourceSpec: { Kind: "SSD", Value: "s" } },
      ];
      const counted = [{ DiscreteResourceSpec: { Kind: "GPU", Value: 3 } }];
      const answer = [GenericResources, counted, undefined].map((each) => ({
        ID: "id",
        CreatedAt: "2026-01-01",
        Spec: { Role: "worker", Availability: "active" },
        Description: { Hostname: "x", Resources: each ? { GenericResources: each } : {} },
        Status: { State: "ready" },
      }));
      const docker = { listNodes: () => Promise.resolve(answer) } as unknown as Docker;
      assert.deepEqual(
        (await listNodes(docker)).map(({ gpus }) => gpus),
        [["GPU-1", "GPU-2"], [], []],
      );
    });
  });

  it("knows what it can judge", () => {
    for (const good of ["node.labels.type==gpu", "node.hostname != a", "node.role==manager"])
      assert.ok(isConstraint(good));
    for (const bad of ["type==gpu", "node.labels.type=gpu", "engine.labels.os==x", "node.platform.os==linux"])
      assert.ok(!isConstraint(bad), bad);
  });
});
