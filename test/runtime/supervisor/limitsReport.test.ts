import { deepEqual, equal, match } from "node:assert/strict";
import { findGaps, refusalReason } from "../../../runtime/supervisor/limitsReport.ts";
import { parseResourceLimits } from "../../../runtime/supervisor/resourceLimits.ts";
import { LIMITS } from "../support.ts";

const KERNEL = { cgroupVersion: 2, memoryBytes: 256 * 1024 * 1024, swapBytes: 0, cpus: 1, pids: 32 } as const;
const RLIMITS = { nofile: { soft: 1024, hard: 2048 }, nproc: { soft: 100, hard: 100 } };

describe("R-LIM-06 declared and actual limits", () => {
  it("have no gap when equal", () => deepEqual(findGaps(LIMITS, KERNEL, RLIMITS, true), []));

  it("name each gap with both values", () => {
    deepEqual(
      findGaps(
        LIMITS,
        { ...KERNEL, pids: null, memoryBytes: 1, swapBytes: 5 },
        { nofile: undefined, nproc: RLIMITS.nproc },
        true,
      ),
      [
        { limit: "memoryBytes", declared: 268435456, actual: 1 },
        { limit: "swapBytes", declared: 0, actual: 5 },
        { limit: "pids", declared: 32, actual: null },
        { limit: "nofile.soft", declared: 1024, actual: "unknown" },
        { limit: "nofile.hard", declared: 2048, actual: "unknown" },
      ],
    );
  });

  it("need no swap limit where there is no swap", () =>
    deepEqual(findGaps(LIMITS, { ...KERNEL, swapBytes: undefined }, RLIMITS, false), []));

  it("R-PRC-03: no pids limit of the kernel, no child", () => {
    equal(refusalReason(KERNEL), undefined);
    match(refusalReason({ ...KERNEL, pids: null }) ?? "", /no pids limit for this container.*not started/);
    match(refusalReason({ ...KERNEL, pids: undefined }) ?? "", /no pids controller/);
  });

  it("reads /proc/self/limits", () => {
    const text =
      "Limit                     Soft Limit           Hard Limit           Units     \nMax processes             unlimited            96365                processes \nMax open files            1024                 2048                 files     \n";
    deepEqual(parseResourceLimits(text), { nofile: { soft: 1024, hard: 2048 }, nproc: { soft: null, hard: 96365 } });
  });
});
