import { equal, ok } from "node:assert/strict";
import { runFuzz } from "../../scripts/bench/fuzzRun.ts";

describe("R-TRN-06 hostile input: 2,000 of npm run bench:fuzz", function () {
  this.timeout(120_000);

  it("no crash, no leak, no 200 for an error", async () => {
    const { statuses, processesBefore, processesAfter, filesBefore, filesAfter } = await runFuzz(2000);
    equal(processesAfter, processesBefore);
    ok(filesAfter <= filesBefore * 1.1, `${filesBefore} → ${filesAfter}`);
    // all kinds were there: messages that are none, such as are answered, and calls
    for (const status of ["200", "400"]) ok((statuses[status] ?? 0) > 0, JSON.stringify(statuses));
  });
});
