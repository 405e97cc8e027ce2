import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Project } from "../offline/support.ts";
import { Dice } from "./dice.ts";
import { FakeLambda } from "./fakeApi.ts";

const ROOT = join(import.meta.dirname, "../..");
const HURRY = {
  ...{ requestMs: 2, launchMs: 20, backOffMs: 5, longestBackOffMs: 40, timeoutMs: 2000 },
  ...{ pollMs: 10, bootMs: 10_000, goneMs: 10_000, lookMs: 60 },
};
const FAULTS = { lost: 40, dropped: 40, tooMany: 40, serverError: 40, noCapacity: 150, unhealthy: 100 };
const NAMES = ["estate-gpu-1", "estate-gpu-2"];
/** Updates that a run may take until one is through. */
const MOST_TRIES = 25;

/** What happened in one run. */
export interface FaultRun {
  seed: number;
  /** killed: the engine was, in the update and in the end of the stack; given up: the update was not typed again. */
  kind: "faults" | "killed" | "killed and given up";
  /** Updates and ends until both were through. */
  tries: number;
  requests: number;
  launches: number;
}

/** A stack of two instances, a key, a firewall rule and two rulesets at a stand-in of Lambda, under the real engine. */
export class FaultRuns {
  private readonly project: Project;

  private constructor(project: Project) {
    this.project = project;
  }

  static async create(): Promise<FaultRuns> {
    const project = await Project.create("lambda", "");
    for (const folder of ["components", "runtime"]) symlinkSync(join(ROOT, folder), join(project.folder, folder));
    return new FaultRuns(project);
  }

  dispose(): Promise<void> {
    return this.project.dispose();
  }

  /**
   * Up and down once, with what the seed decides going wrong.
   * @throws AssertionError when one is leaked, launched twice, or not ours and touched.
   */
  async run(seed: number): Promise<FaultRun> {
    const dice = new Dice(seed);
    const kind = seed % 4 === 0 ? "killed and given up" : seed % 2 === 0 ? "killed" : "faults";
    const fake = new FakeLambda({ seed, faults: FAULTS, lateMs: dice.below(100), bootMs: 100, terminatingMs: 50 });
    const names = () =>
      fake
        .billed()
        .map(({ name = "" }) => name)
        .sort();
    try {
      const foreign = fake.foreign("somebody");
      await fake.listen();
      writeFileSync(this.keyFile, fake.token);
      await this.project.writeProgram(this.program(fake.baseUrl));
      let tries = 0;
      if (kind !== "faults") await this.killed(400 + dice.below(3600), "up", "--yes", "--skip-preview");
      if (kind !== "killed and given up") {
        tries += await this.through("up", "--yes", "--skip-preview");
        assert.deepEqual(names(), [...NAMES, "somebody"]);
        assert.equal(fake.rules.length, 2);
        assert.deepEqual([...fake.rulesets.values()].map(({ name }) => name).sort(), [
          "set-us-east-1",
          "set-us-west-1",
        ]);
      }
      if (kind === "killed") await this.killed(400 + dice.below(2600), "destroy", "--yes", "--skip-preview");
      tries += await this.through("destroy", "--yes", "--skip-preview");
      assert.deepEqual(names(), ["somebody"]);
      assert.equal(fake.mostOfAName, 1, "two of one name were billed at once");
      assert.ok(!fake.terminated.includes(foreign));
      assert.deepEqual([...fake.keys.keys()], []);
      assert.equal(fake.rulesets.size, 0);
      assert.deepEqual(
        fake.rules.map(({ description }) => description),
        ["ssh"],
      );
      return { seed, kind, tries, requests: fake.requests.length, launches: fake.launched.length };
    } finally {
      fake.close();
    }
  }

  private get keyFile(): string {
    return join(this.project.folder, "key");
  }

  private program(baseUrl: string): string {
    const shared = JSON.stringify({ access: { baseUrl, tokenFile: this.keyFile }, hurry: HURRY });
    const folder = "./components/targets/lambda";
    return `import { LambdaAccount } from "${folder}/lambdaAccount.ts";
import { LambdaFirewall } from "${folder}/lambdaFirewall.ts";
import { LambdaFirewallRuleset } from "${folder}/lambdaFirewallRuleset.ts";
import { LambdaInstance } from "${folder}/lambdaInstance.ts";
import { LambdaSshKey } from "${folder}/lambdaSshKey.ts";
const shared = ${shared};
const owner = "lambda/test";
const account = new LambdaAccount("account", { ...shared, owner, names: ${JSON.stringify(NAMES)}, rulesets: ["set-us-west-1", "set-us-east-1"] });
const key = new LambdaSshKey("key", { ...shared, name: "estate", publicKey: "ssh-ed25519 AAAA lambda/test user" });
const rules = [{ protocol: "icmp" as const, source_network: "10.0.0.0/8", description: "ping" }];
new LambdaFirewall("rules", { ...shared, owner, rules });
const sets = ["us-west-1", "us-east-1"].map((region) =>
  [region, new LambdaFirewallRuleset(region, { ...shared, name: \`set-\${region}\`, region, rules, leaveHeld: true }, { dependsOn: account }).id] as const);
const firewallRulesets = Object.fromEntries(sets);
for (const name of ${JSON.stringify(NAMES)}) {
  new LambdaInstance(name, { ...shared, name, owner, types: ["gpu_1x_a10"], regions: ["us-west-1", "us-east-1"],
    sshKey: key.id.apply(() => "estate"), maxHourlyPrice: 1, firewallRulesets }, { dependsOn: account });
}
`;
  }

  /** Runs the engine and kills it, with all that it has started, after so long. */
  private async killed(afterMs: number, ...args: string[]): Promise<void> {
    const child = spawn("pulumi", ["--non-interactive", ...args], {
      cwd: this.project.folder,
      env: { ...process.env, ...this.project.environment },
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
    await this.project.pulumi("cancel", "--yes");
  }

  /** As somebody types it until it is through. @returns how often */
  private async through(...args: string[]): Promise<number> {
    for (let tries = 1; ; tries++) {
      const { code, text } = await this.project.pulumi(...args);
      if (code === 0) return tries;
      assert.ok(tries < MOST_TRIES, text);
    }
  }
}
