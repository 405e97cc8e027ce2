/**
 * `npm run bench:kill`: twenty updates killed at seeded random moments, each followed by one `npm run up` that alone must
 * end in what is declared. The same checks as in test/e2e/rounds.e2e.test.ts, more often. Writes docs/results/kill.md.
 */
import { killAndMend, type Victim } from "../../test/e2e/engineKill.ts";
import { seededRandom } from "../../test/e2e/seed.ts";
import { TestEstate } from "../../test/e2e/testEstate.ts";
import { duration } from "../lib/log.ts";
import { main } from "../lib/main.ts";
import { Circumstances, markdownTable, writeResult } from "./results.ts";
import { withDocker } from "./withDocker.ts";

const KILLS = 20;
const VICTIMS: readonly Victim[] = ["engine", "command"];

const random = seededRandom();
const servers = { memory: {}, everything: {} };

async function killTwenty(estate: TestEstate): Promise<string[][]> {
  const { output } = await estate.succeed("up", ["--yes"]);
  const usualLines = output.split("\n").length;
  const entity = { name: "kept", entityType: "test", observations: ["written before all kills"] };
  await estate.execute("memory", "create_entities", { entities: [entity] });
  const rows: string[][] = [];
  for (let kill = 1; kill <= KILLS; kill++) {
    const began = performance.now();
    const words = await killAndMend(estate, { victim: random.pick(VICTIMS), usualLines, random, servers });
    const { body } = await estate.execute("memory", "open_nodes", { names: ["kept"] });
    if (!JSON.stringify(body).includes("written before all kills")) throw new Error(`data lost after ${words}`);
    console.log(`${String(kill).padStart(2)} of ${KILLS}: ${words}`);
    rows.push([String(kill), words, duration(performance.now() - began)]);
  }
  return rows;
}

await main(() =>
  withDocker(async () => {
    const circumstances = new Circumstances();
    const estate = new TestEstate("rndkill", { config: { "mcp-estate:servers": servers } });
    console.log(`seed ${random.seed}: SEED=${random.seed} repeats this run`);
    const rows = await estate.during(() => killTwenty(estate));
    await writeResult("kill", "npm run bench:kill", circumstances, [
      "# Killed updates",
      `${KILLS} updates of two servers, each with a changed server and a new one or one less, ended with SIGKILL at seeded ` +
        `random moments (\`SEED=${random.seed}\`): the engine alone, or the whole command. After each, one \`npm run up\` ` +
        "alone ended with exactly what is declared: no twin, no process of the killed update, every data volume, the data " +
        "written before, and a preview without a change. Twins are what the killed update had made and not written down.",
      markdownTable(["kill", "what happened", "with the mending"], rows),
    ]);
    return 0;
  }),
);
