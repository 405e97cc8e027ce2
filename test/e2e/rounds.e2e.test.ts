import assert from "node:assert/strict";
import { killAndMend, killUnrecorded, type Unrecorded, type Victim } from "./engineKill.ts";
import { seededRandom } from "./seed.ts";
import { acts } from "./tampering.ts";
import { TestEstate } from "./testEstate.ts";
import { assertExact } from "./world.ts";

const ROUNDS = 10;
const VICTIMS: readonly Victim[] = ["engine", "command", "engine"];
const UNRECORDED: readonly Unrecorded[] = ["network", "volume", "container"];

describe("Rounds of breaking and mending, end to end", function () {
  this.timeout(600_000);
  const random = seededRandom();
  const servers: Record<string, Record<string, unknown>> = { memory: {}, everything: {} };
  const estate = new TestEstate("rnd", {
    config: { "mcp-estate:servers": servers },
  });
  /** Lines of the engine's in an update. */
  let usualLines = 0;
  /** The same in all rounds: asking the engine for it costs a second. */
  let token = "";

  before(async () => {
    console.log(`    seed ${random.seed}: SEED=${random.seed} repeats these rounds`);
    await estate.create();
    await estate.succeed("up", ["--yes"]);
    token = await estate.token();
    const entity = { name: "kept", entityType: "test", observations: ["written before all rounds"] };
    assert.equal((await estate.execute("memory", "create_entities", { entities: [entity] })).status, 200);
  });
  after(() => estate.dispose());

  async function assertKept(): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${estate.port}/execute`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ server: "memory", tool: "open_nodes", arguments: { names: ["kept"] } }),
    });
    assert.match(await response.text(), /written before all rounds/);
  }

  // Every act once before one comes twice, in an order that the seed gives.
  const order = Object.entries(acts)
    .map(([name, act]) => ({ name, act, place: random.next() }))
    .sort((a, b) => a.place - b.place);
  for (let round = 1; round <= ROUNDS; round++) {
    const { name, act } = order[(round - 1) % order.length] ?? random.pick(order);
    it(`round ${round} of ${ROUNDS}: ${name}, up, and exactly what is declared is there`, async () => {
      console.log(`      ${await act(estate, random)}`);
      const { output } = await estate.succeed("up", ["--yes"]);
      usualLines = Math.max(usualLines, output.split("\n").length);
      await assertExact(estate, Object.keys(servers), 1);
      await estate.pulumi("preview", "--expect-no-changes");
      await assertKept();
    });
  }

  for (const victim of VICTIMS) {
    it(`SIGKILL of the ${victim}: the next up alone ends in what is declared, no volume and no data lost`, async () => {
      console.log(`      ${await killAndMend(estate, { victim, usualLines, random, servers })}`);
      await assertKept();
    });
  }

  for (const type of UNRECORDED) {
    it(`SIGKILL before a ${type} is written down: the next up alone ends in what is declared, no twin stays`, async () => {
      const add = (attempt: number): void => {
        servers[`new-${type}-${attempt}`] = { from: "everything" };
        estate.configure((config) => (config["mcp-estate:servers"] = servers));
      };
      console.log(`      ${await killUnrecorded(estate, type, servers, add)}`);
      await estate.pulumi("preview", "--expect-no-changes");
      await assertKept();
    });
  }
});
