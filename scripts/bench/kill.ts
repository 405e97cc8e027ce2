/**
 * `npm run bench:kill`: twenty updates and twenty rollbacks killed at seeded random moments, each followed by one command
 * that alone must end in what is declared. The same checks as in the end-to-end tests of rounds and rollback, more often.
 * Writes docs/results/kill-updates.md and kill-rollbacks.md; `-- updates` or `-- rollbacks` does one of the two.
 */
import { killAndMend, killUpdate, processesOf, type Victim } from "../../test/e2e/engineKill.ts";
import { Repository } from "../../test/e2e/repository.ts";
import { seededRandom } from "../../test/e2e/seed.ts";
import { TestEstate } from "../../test/e2e/testEstate.ts";
import { assertExact } from "../../test/e2e/world.ts";
import { duration } from "../lib/log.ts";
import { main } from "../lib/main.ts";
import { UserError } from "../lib/userError.ts";
import { Circumstances, markdownTable, writeResult } from "./results.ts";
import { withDocker } from "./withDocker.ts";

const KILLS = 20;
const VICTIMS: readonly Victim[] = ["engine", "command"];
const WRITTEN = "written before all kills";

const random = seededRandom();
const servers = { memory: {}, everything: {} };

/** What happened and what the mending made of it, one row for each kill. */
async function killTwenty(estate: TestEstate, kill: (victim: Victim) => Promise<string>): Promise<string[][]> {
  const entity = { name: "kept", entityType: "test", observations: [WRITTEN] };
  await estate.execute("memory", "create_entities", { entities: [entity] });
  const rows: string[][] = [];
  for (let number = 1; number <= KILLS; number++) {
    const began = performance.now();
    const words = await kill(random.pick(VICTIMS));
    const { body } = await estate.execute("memory", "open_nodes", { names: ["kept"] });
    if (!JSON.stringify(body).includes(WRITTEN)) throw new Error(`data lost after ${words}`);
    console.log(`${String(number).padStart(2)} of ${KILLS}: ${words}`);
    rows.push([String(number), words, duration(performance.now() - began)]);
  }
  return rows;
}

const lines = (output: string): number => output.split("\n").length;

async function killUpdates(estate: TestEstate): Promise<string[][]> {
  const { output } = await estate.succeed("up", ["--yes"]);
  return killTwenty(estate, (victim) => killAndMend(estate, { victim, usualLines: lines(output), random, servers }));
}

/** Back and forth between two versions that differ in limits, settings and a server. */
async function killRollbacks(estate: TestEstate): Promise<string[][]> {
  const other = {
    memory: { limits: { memoryMiB: 320 } },
    everything: { env: { CHANGED: "yes" } },
    guest: { from: "everything" },
  };
  await Repository.of(estate);
  await estate.succeed("up", ["--yes"]);
  estate.configure((config) => (config["mcp-estate:servers"] = other));
  await estate.succeed("up", ["--yes"]);
  const versions = [
    { number: "1", names: Object.keys(servers) },
    { number: "2", names: Object.keys(other) },
  ] as const;
  const usual = lines((await estate.succeed("rollback", ["1"])).output);
  let at = 0;
  return killTwenty(estate, async (victim) => {
    const [from, to] = [versions[at === 0 ? 0 : 1], versions[at === 0 ? 1 : 0]];
    let tries = 0;
    const goBack = async (): Promise<void> => {
      if (tries++ > 0) await estate.succeed("rollback", [from.number]);
    };
    const words = await killUpdate(estate, victim, usual, random, goBack, ["rollback", to.number]);
    await estate.succeed("rollback", [to.number]);
    const left = processesOf(estate);
    if (left.length > 0) throw new Error(`processes of the killed rollback run on: ${JSON.stringify(left)}`);
    await assertExact(estate, to.names, 1);
    await estate.succeed("smoke");
    at = 1 - at;
    return `${words} of a rollback to version ${to.number}`;
  });
}

interface Part {
  title: string;
  kill: (estate: TestEstate) => Promise<string[][]>;
  text: string;
}

const PARTS: Readonly<Record<string, Part>> = {
  updates: {
    title: "# Killed updates",
    kill: killUpdates,
    text:
      `${KILLS} updates of two servers, each with a changed server and a new one or one less, ended with SIGKILL at seeded ` +
      `random moments (\`SEED=${random.seed}\`): the engine alone, or the whole command. After each, one \`npm run up\` ` +
      "alone ended with exactly what is declared: no twin, no process of the killed update, every data volume, the data " +
      "written before, and a preview without a change. Twins are what the killed update had made and not written down.",
  },
  rollbacks: {
    title: "# Killed rollbacks",
    kill: killRollbacks,
    text:
      `${KILLS} rollbacks between two versions, which differ in a limit, a setting and a server, ended with SIGKILL at seeded ` +
      `random moments (\`SEED=${random.seed}\`). After each, one \`npm run rollback\` to the same version alone ended with ` +
      "exactly what that declares: no twin, no process of the killed one, the data written before, and every check of " +
      "`npm run smoke` passed.",
  },
};

await main(async () => {
  const given = process.argv.slice(2);
  const wanted = given.length > 0 ? given : Object.keys(PARTS);
  const unknown = wanted.find((name) => !(name in PARTS));
  if (unknown !== undefined) throw new UserError(`"${unknown}" given; allowed are ${Object.keys(PARTS).join(" and ")}`);
  console.log(`seed ${random.seed}: SEED=${random.seed} repeats this run`);
  return withDocker(async () => {
    for (const name of wanted) {
      const part = PARTS[name];
      if (!part) continue;
      const circumstances = new Circumstances();
      const estate = new TestEstate("rndkill", { config: { "mcp-estate:servers": servers } });
      const rows = await estate.during(() => part.kill(estate));
      const table = markdownTable(["kill", "what happened", "with the mending"], rows);
      await writeResult(`kill-${name}`, `npm run bench:kill -- ${name}`, circumstances, [part.title, part.text, table]);
    }
    return 0;
  });
});
