import assert from "node:assert/strict";
import { limitClasses } from "../../../components/limitClasses.ts";
import { Judge } from "../../../runtime/guard/judge.ts";
import type { ContainerReading } from "../../../runtime/guard/round.ts";

const MIB = 1024 * 1024;
const well: ContainerReading = {
  id: "a",
  declared: { name: "memory", uid: 100_001, limits: limitClasses.light },
  component: "memory",
  tasks: 10,
  processes: 3,
  zombies: 0,
  memoryBytes: 60 * MIB,
  cpuSeconds: 1,
  limits: { pids: 32, memory_bytes: 256 * MIB, cpus: 1 },
  stopped: false,
  health: "healthy",
};

describe("the guard's verdicts (R-PRC-07, A-27)", () => {
  const causes: Array<[string, Partial<ContainerReading>, string]> = [
    ["has used up its tasks", { tasks: 32 }, "pids-full"],
    [
      "has more tasks than declared, whatever the kernel allows",
      { tasks: 60, limits: { ...well.limits, pids: 99 } },
      "pids-full",
    ],
    ["has used up its memory", { memoryBytes: 255 * MIB }, "memory-full"],
    ["has been stopped", { stopped: true }, "stopped"],
    ["says nothing any more", { health: "silent" }, "silent"],
  ];
  for (const [what, change, cause] of causes) {
    it(`restarts what ${what} for as long as its patience, not before`, () => {
      const judge = new Judge(60);
      const ill = { ...well, ...change };
      assert.deepEqual(judge.verdicts([ill], 0), []);
      assert.deepEqual(judge.verdicts([ill], 59_000), []);
      assert.deepEqual(judge.verdicts([ill], 60_000), [{ id: "a", name: "memory", cause }]);
    });
  }

  it("leaves what its supervisor has mended meanwhile", () => {
    const judge = new Judge(60);
    judge.verdicts([{ ...well, tasks: 32 }], 0);
    judge.verdicts([well], 30_000);
    assert.deepEqual(judge.verdicts([{ ...well, tasks: 32 }], 70_000), []);
  });

  it("leaves what says itself that it is unwell: its supervisor is at work", () => {
    const judge = new Judge(1);
    judge.verdicts([{ ...well, health: "unhealthy" }], 0);
    assert.deepEqual(judge.verdicts([{ ...well, health: "unhealthy" }], 10_000), []);
  });

  it("leaves what nobody declared", () => {
    const judge = new Judge(1);
    const orphan = { ...well, declared: undefined, stopped: true };
    judge.verdicts([orphan], 0);
    assert.deepEqual(judge.verdicts([orphan], 10_000), []);
  });

  it("leaves a service, whose program is another's: it is told of and not ended", () => {
    const judge = new Judge(1);
    const { uid: _, ...declared } = well.declared ?? assert.fail();
    const service = { ...well, declared, memoryBytes: 256 * MIB };
    judge.verdicts([service], 0);
    assert.deepEqual(judge.verdicts([service], 10_000), []);
  });

  it("gives one verdict for one container, and begins anew after a restart", () => {
    const judge = new Judge(1);
    const ill: ContainerReading = { ...well, tasks: 32, stopped: true };
    judge.verdicts([ill], 0);
    assert.equal(judge.verdicts([ill], 1000).length, 1);
    judge.forget("a");
    assert.deepEqual(judge.verdicts([ill], 1500), []);
  });
});
