import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Project } from "../offline/support.ts";
import { Dice } from "./dice.ts";
import { FakeLambda } from "./fakeApi.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Of 200 that are counted (`npm run bench:lambda`). */
const RUNS = Number(process.env["MCP_ESTATE_ENGINE_FAULT_RUNS"] ?? "30");
const FIRST_SEED = Number(process.env["MCP_ESTATE_FIRST_SEED"] ?? "1");
const HURRY = {
  ...{ requestMs: 2, launchMs: 20, backOffMs: 5, longestBackOffMs: 40, timeoutMs: 2000 },
  ...{ pollMs: 10, bootMs: 10_000, goneMs: 10_000, lookMs: 60 },
};
const FAULTS = { lost: 40, dropped: 40, tooMany: 40, serverError: 40, noCapacity: 150, unhealthy: 100 };
const NAMES = ["estate-gpu-1", "estate-gpu-2"];
/** Updates that a run may take until one is through. */
const MOST_TRIES = 25;

describe("Lambda's instances under the real engine (R-TGT-01): faults of the API, and the engine killed", function () {
  this.timeout(RUNS * 60_000);
  let project: Project;

  before(async () => {
    project = await Project.create("lambda", "");
    for (const folder of ["components", "runtime", "package.json"]) {
      if (folder !== "package.json") symlinkSync(join(ROOT, folder), join(project.folder, folder));
    }
    writeFileSync(join(project.folder, "key"), "");
  });
  after(() => project.dispose());

  function program(baseUrl: string): string {
    const access = JSON.stringify({ baseUrl, tokenFile: join(project.folder, "key") });
    return `import { LambdaInstance } from "./components/targets/lambda/lambdaInstance.ts";
import { LambdaAccount } from "./components/targets/lambda/lambdaAccount.ts";
import { LambdaSshKey } from "./components/targets/lambda/lambdaSshKey.ts";
import { LambdaFirewall } from "./components/targets/lambda/lambdaFirewall.ts";
const shared = { access: ${access}, hurry: ${JSON.stringify(HURRY)} };
const owner = "lambda/test";
const account = new LambdaAccount("account", { ...shared, owner, names: ${JSON.stringify(NAMES)} });
const key = new LambdaSshKey("key", { ...shared, name: "estate", publicKey: "ssh-ed25519 AAAA" });
new LambdaFirewall("rules", { ...shared, owner, rules: [{ protocol: "icmp", source_network: "10.0.0.0/8", description: "ping" }] });
for (const name of ${JSON.stringify(NAMES)}) {
  new LambdaInstance(name, { ...shared, name, owner, types: ["gpu_1x_a10"], regions: ["us-west-1", "us-east-1"],
    sshKey: key.id.apply(() => "estate"), maxHourlyPrice: 1 }, { dependsOn: account });
}
`;
  }

  /** Runs the engine and kills it, with all that it has started, after so long. */
  async function killed(afterMs: number, ...args: string[]): Promise<void> {
    const child = spawn("pulumi", ["--non-interactive", ...args], {
      cwd: project.folder,
      env: { ...process.env, ...project.environment },
      stdio: "ignore",
      detached: true,
    });
    const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
    await Promise.race([ended, sleep(afterMs)]);
    try {
      process.kill(-(child.pid ?? 0), "SIGKILL");
    } catch {
      // It was through before.
    }
    await ended;
    await project.pulumi("cancel", "--yes");
  }

  /** As somebody types it until it is through. */
  async function through(dice: Dice, isMortal: boolean, ...args: string[]): Promise<void> {
    if (isMortal) await killed(400 + dice.below(2600), ...args);
    for (let tries = 1; ; tries++) {
      const { code, text } = await project.pulumi(...args);
      if (code === 0) return;
      assert.ok(tries < MOST_TRIES, text);
    }
  }

  for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
    const isMortal = seed % 2 === 0;
    it(`seed ${seed}${isMortal ? ", killed" : ""}: none is leaked, none launched twice, none of others' terminated`, async () => {
      const dice = new Dice(seed);
      const fake = new FakeLambda({ seed, faults: FAULTS, lateMs: dice.below(100), bootMs: 100, terminatingMs: 50 });
      try {
        const foreign = fake.foreign("somebody");
        await fake.listen();
        writeFileSync(join(project.folder, "key"), fake.token);
        await project.writeProgram(program(fake.baseUrl));
        // Every fourth is given up after the kill.
        const isGivenUp = seed % 4 === 0;
        if (isGivenUp) await killed(400 + dice.below(3600), "up", "--yes", "--skip-preview");
        else await through(dice, isMortal, "up", "--yes", "--skip-preview");
        const names = () =>
          fake
            .billed()
            .map(({ name = "" }) => name)
            .sort();
        if (!isGivenUp) {
          assert.deepEqual(names(), [...NAMES, "somebody"]);
          assert.equal(fake.rules.length, 2);
        }
        await through(dice, isMortal, "destroy", "--yes", "--skip-preview");
        assert.deepEqual(names(), ["somebody"]);
        assert.equal(fake.mostOfAName, 1, "two of one name were billed at once");
        assert.ok(!fake.terminated.includes(foreign));
        assert.deepEqual([...fake.keys.keys()], []);
        assert.deepEqual(
          fake.rules.map(({ description }) => description),
          ["ssh"],
        );
      } finally {
        fake.close();
      }
    });
  }
});
