import assert from "node:assert/strict";
import { limitChanges } from "../../../../scripts/lib/ci/limitChanges.ts";
import type { ResourceStep } from "../../../../scripts/lib/engineEvents.ts";

const limits = (memoryMiB: number) => ({ memoryMiB, memoryReservationMiB: 64, cpus: 1, pids: 32 });

function step(op: string, component: string, before?: number, after?: number): ResourceStep {
  const state = (memoryMiB: number | undefined) =>
    memoryMiB === undefined ? undefined : { inputs: { component, limits: { ...limits(memoryMiB), processes: 15 } } };
  const type = "pulumi-nodejs:dynamic/index:ProcessLimit";
  return {
    when: "planned",
    op,
    type,
    name: component,
    old: state(before),
    new: state(after),
    diffs: [],
    replaceKeys: [],
  };
}

describe("limits before and after an update (R-LIM-01)", () => {
  it("are those of every container, by name", () => {
    assert.deepEqual(limitChanges([step("same", "memory", 256, 256), step("update", "fetch", 256, 384)]), [
      { component: "fetch", before: limits(256), after: limits(384) },
      { component: "memory", before: limits(256), after: limits(256) },
    ]);
  });

  it("have one side only for a container that comes or goes", () => {
    assert.deepEqual(limitChanges([step("create", "new", undefined, 256), step("delete", "old", 512)]), [
      { component: "new", after: limits(256) },
      { component: "old", before: limits(512) },
    ]);
  });

  it("take the three steps of a replacement for one", () => {
    const steps = [
      step("delete-replaced", "gateway", 512),
      step("replace", "gateway", 512, 640),
      step("create-replacement", "gateway", 512, 640),
    ];
    assert.deepEqual(limitChanges(steps), [{ component: "gateway", before: limits(512), after: limits(640) }]);
  });

  it("leave out what a refresh says, and resources that have no such limits", () => {
    const other = { ...step("update", "x", 1, 2), type: "docker:index/container:Container" };
    assert.deepEqual(limitChanges([step("refresh", "memory", 256, 300), other]), []);
  });
});
