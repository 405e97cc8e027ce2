/**
 * `npm run bench:kill`: twenty updates killed at seeded random moments, each followed by one `npm run up` that alone must
 * end in what is declared. The same checks as in test/e2e/rounds.e2e.test.ts, more often.
 */
import { killAndMend, type Victim } from "../../test/e2e/engineKill.ts";
import { seededRandom } from "../../test/e2e/seed.ts";
import { TestEstate } from "../../test/e2e/testEstate.ts";

const KILLS = 20;
const VICTIMS: readonly Victim[] = ["engine", "command"];

const random = seededRandom();
const servers = { memory: {}, everything: {} };
const estate = new TestEstate("rndkill", {
  port: 12203,
  range: "10.214.0.0/16",
  config: { "mcp-estate:servers": servers },
});
console.log(`seed ${random.seed}: SEED=${random.seed} repeats this run`);
try {
  await estate.create();
  const { output } = await estate.succeed("up", ["--yes"]);
  const usualLines = output.split("\n").length;
  const entity = { name: "kept", entityType: "test", observations: ["written before all kills"] };
  await estate.execute("memory", "create_entities", { entities: [entity] });
  for (let kill = 1; kill <= KILLS; kill++) {
    const words = await killAndMend(estate, { victim: random.pick(VICTIMS), usualLines, random, servers });
    const { body } = await estate.execute("memory", "open_nodes", { names: ["kept"] });
    if (!JSON.stringify(body).includes("written before all kills")) throw new Error(`data lost after ${words}`);
    console.log(`${String(kill).padStart(2)} of ${KILLS}: ${words}`);
  }
  console.log(`${KILLS} of ${KILLS} ended in what is declared, with no volume and no data lost`);
} finally {
  await estate.dispose();
}
