import { equal, ok } from "node:assert/strict";
import { runLeak, type LeakFigures } from "../../scripts/bench/leakRun.ts";

/** The bound of the issue: what was there after the warm-up, and a tenth. */
const MARGIN = 1.1;

describe("R-PRC-02 nothing stays behind: a tenth of npm run bench:leak", function () {
  this.timeout(150_000);
  let figures: readonly LeakFigures[];

  before(async () => {
    figures = await runLeak({ cycles: 1000, cuts: 100, kills: 20, ignoring: 5, forking: 2, streams: 10 });
  });

  it("children as configured, and no zombie", () => {
    for (const { program, processesBefore, processesAfter, zombies } of figures) {
      equal(processesAfter, processesBefore, program);
      equal(zombies, 0, program);
    }
  });

  it("descriptors within 10 % of the start", () => {
    for (const { program, filesBefore, filesAfter } of figures)
      ok(filesAfter <= filesBefore * MARGIN, `${program}: ${filesBefore} → ${filesAfter}`);
  });

  it("memory within 10 % of the start", () => {
    for (const { program, rssMiBBefore, rssMiBAfter } of figures)
      ok(rssMiBAfter <= rssMiBBefore * MARGIN, `${program}: ${rssMiBBefore} → ${rssMiBAfter} MiB`);
  });
});
