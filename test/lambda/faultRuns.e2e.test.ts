import { FaultRuns } from "./faultRun.ts";

/** `npm run bench:lambda` does 200. */
const RUNS = 30;

describe("Lambda's instances under the real engine: faults of the API, and the engine killed in half of the runs", function () {
  this.timeout(120_000);
  this.slow(30_000);
  let runs: FaultRuns;
  before(async () => (runs = await FaultRuns.create()));
  after(() => runs.dispose());

  for (let seed = 1; seed <= RUNS; seed++) {
    it(`seed ${seed}: none is leaked, none launched twice, none of others' touched`, async () => {
      await runs.run(seed);
    });
  }
});
