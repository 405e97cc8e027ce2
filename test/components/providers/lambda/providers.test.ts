import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FirewallRule } from "../../../../components/providers/lambda/objects.ts";
import { LambdaClient } from "../../../../components/providers/lambda/client.ts";
import { noteLaunch } from "../../../../components/providers/lambda/launchNotes.ts";
import { provider as accounts } from "../../../../components/providers/lambdaAccount.ts";
import { provider as filesystems } from "../../../../components/providers/lambdaFilesystem.ts";
import { provider as firewalls } from "../../../../components/providers/lambdaFirewall.ts";
import { provider as rulesets } from "../../../../components/providers/lambdaFirewallRuleset.ts";
import {
  diffInstance,
  provider as instances,
  type LambdaInstanceInputs,
  type LambdaInstanceState,
} from "../../../../components/providers/lambdaInstance.ts";
import { provider as keys } from "../../../../components/providers/lambdaSshKey.ts";
import { FakeLambda, NO_FAULTS } from "../../../lambda/fakeApi.ts";

const OWNER = "mcp-estate/prod";
const HURRY = {
  requestMs: 0,
  launchMs: 1,
  backOffMs: 2,
  longestBackOffMs: 20,
  pollMs: 5,
  bootMs: 3000,
  goneMs: 3000,
  lookMs: 15,
};

describe("resources at Lambda, as the engine asks for them", function () {
  this.timeout(20_000);
  const folder = mkdtempSync(join(tmpdir(), "mcp-estate-lambda-"));
  const tokenFile = join(folder, "token");
  let fake: FakeLambda;
  let access: { baseUrl: string; tokenFile: string };
  beforeEach(async () => {
    fake = new FakeLambda();
    fake.keys.set("k", { id: "k", name: "key", public_key: "ssh-ed25519 AAAA me@here" });
    access = { baseUrl: await fake.listen(), tokenFile };
    writeFileSync(tokenFile, fake.token);
  });
  afterEach(() => fake.close());
  after(() => rmSync(folder, { recursive: true }));

  const wanted = (changes: Partial<LambdaInstanceInputs> = {}): LambdaInstanceInputs => ({
    ...{ access, hurry: HURRY, name: "gpu-1", owner: OWNER, types: ["gpu_1x_a10"], regions: ["us-west-1"] },
    ...{ sshKey: "key", imageFamily: undefined, userData: undefined, firewallRulesets: {} },
    ...{ maxHourlyPrice: 1, surplus: [] },
    ...changes,
  });

  async function failures(inputs: LambdaInstanceInputs): Promise<string[]> {
    const { failures: found = [] } = (await instances.check?.(inputs, inputs)) ?? {};
    return found.map(({ reason }) => reason);
  }

  async function create(inputs = wanted()): Promise<{ id: string; state: LambdaInstanceState }> {
    const { id, outs } = await instances.create(inputs);
    assert.ok(outs);
    return { id, state: outs };
  }

  describe("what fails the preview, in one clear line", () => {
    for (const [what, closed, message] of [
      [
        "a wrong key",
        { status: 401, code: "global/invalid-api-key" },
        /^gpu-1: Lambda does not accept the key in \S+ \(global\/invalid-api-key\); create a key/,
      ],
      ["an inactive account", { status: 403, code: "global/account-inactive" }, /refused \(global\/account-inactive\)/],
    ] as const) {
      it(what, async () => {
        fake.closed = closed;
        const [line = "", ...more] = await failures(wanted());
        assert.match(line, message);
        assert.deepEqual(more, []);
      });
    }

    it("a type and a region that Lambda does not have", async () => {
      const [type = "", region = ""] = await failures(wanted({ types: ["gpu_1x_b99"], regions: ["mars-1"] }));
      assert.equal(
        type,
        'gpu-1: Lambda has no instance type "gpu_1x_b99"; it has cpu_4x_general, gpu_1x_a10, gpu_8x_h100_sxm5',
      );
      assert.equal(region, 'gpu-1: Lambda has no region "mars-1"; it has us-west-1, us-east-1, europe-central-1');
    });

    it("a price above the limit", async () => {
      assert.deepEqual(await failures(wanted({ types: ["gpu_1x_a10", "gpu_8x_h100_sxm5"] })), [
        "gpu-1: gpu_8x_h100_sxm5 costs $23.92 an hour, allowed are $1.00; raise maxHourlyPrice or take a smaller type",
      ]);
      assert.deepEqual(await failures(wanted()), []);
    });

    it("launches nothing", async () => {
      await failures(wanted());
      assert.deepEqual(fake.launched, []);
    });
  });

  it("an instance tells where it is, what it is and what it costs", async () => {
    const { state } = await create();
    const { ip, privateIp, region, type, gpus, priceCentsPerHour } = state;
    assert.deepEqual(
      [ip, privateIp, region, type, gpus, priceCentsPerHour],
      ["127.0.0.1", "10.0.0.1", "us-west-1", "gpu_1x_a10", 1, 75],
    );
  });

  it("a refresh without a change finds none; one that was terminated elsewhere is gone", async () => {
    const { id, state } = await create();
    const read = await instances.read?.(id, state);
    assert.deepEqual(read?.props, state);
    assert.equal(diffInstance(read?.props, wanted()).changes, false);
    fake.end(id);
    assert.deepEqual(await instances.read?.(id, state), {});
  });

  it("a second one of that name shows as a change, which gives it back", async () => {
    const { id, state } = await create();
    const late = fake.foreign("gpu-1", [{ key: "mcp-estate-stack", value: OWNER }]);
    const read = await instances.read?.(id, state);
    assert.deepEqual(read?.props?.surplus, [late]);
    assert.equal(diffInstance(read?.props, wanted()).changes, true);
    await instances.update?.(id, read?.props, wanted());
    assert.deepEqual(
      fake.billed().map((each) => each.id),
      [id],
    );
  });

  it("only what makes it another machine replaces it", async () => {
    const { state } = await create();
    const replaced = (changes: Partial<LambdaInstanceInputs>) => diffInstance(state, wanted(changes)).replaces;
    assert.deepEqual(replaced({ userData: "#cloud-config" }), ["userData"]);
    assert.deepEqual(replaced({ regions: ["us-east-1"] }), ["regions"]);
    assert.deepEqual(replaced({ types: ["gpu_8x_h100_sxm5"] }), ["types"]);
    assert.deepEqual(replaced({ types: ["gpu_8x_h100_sxm5", "gpu_1x_a10"], maxHourlyPrice: 30 }), []);
    assert.equal(diffInstance(state, wanted({ maxHourlyPrice: 30 })).changes, true);
  });

  it("is given back at its end", async () => {
    const { id, state } = await create();
    await instances.delete?.(id, state);
    assert.deepEqual(fake.billed(), []);
  });

  describe("the account", () => {
    const account = (names: string[], strays: string[] = []) => ({ access, hurry: HURRY, owner: OWNER, names, strays });
    const own = [{ key: "mcp-estate-stack", value: OWNER }];

    it("what carries the stack's tag and is not declared shows, and goes", async () => {
      await create();
      fake.foreign("left-over", own);
      const others = fake.foreign("others", [{ key: "mcp-estate-stack", value: "mcp-estate/dev" }]);
      const read = await accounts.read?.(OWNER, account(["gpu-1"]));
      assert.deepEqual(read?.props?.strays, ["left-over"]);
      const seen = account(["gpu-1"], ["left-over"]);
      assert.equal((await accounts.diff?.(OWNER, seen, account(["gpu-1"])))?.changes, true);
      await accounts.update?.(OWNER, seen, account(["gpu-1"]));
      assert.deepEqual(
        fake
          .billed()
          .map(({ name }) => name)
          .sort(),
        ["gpu-1", "others"],
      );
      await accounts.delete?.(OWNER, account(["gpu-1"]));
      assert.deepEqual(
        fake.billed().map(({ id }) => id),
        [others],
      );
    });

    it("at its end waits for what was launched a moment ago by who was killed", async () => {
      fake.options.lateMs = 50;
      await noteLaunch(await new LambdaClient(access).account(), "gpu-1");
      const late = fake.foreign("gpu-1", own);
      fake.appear(late, 50);
      await accounts.delete?.(OWNER, account(["gpu-1"]));
      assert.deepEqual(fake.billed(), []);
    });

    it("takes the stack's rules, rulesets and keys with it, which nobody knows of any more, and no others", async () => {
      const rule = { protocol: "icmp" as const, source_network: "10.0.0.0/8", description: "ping" };
      for (const owner of [OWNER, "mcp-estate/dev"])
        await firewalls.create({ access, hurry: HURRY, owner, rules: [rule] });
      fake.keys.set("own", { id: "own", name: "own", public_key: `ssh-ed25519 BBBB ${OWNER} user` });
      fake.keys.set("dev", { id: "dev", name: "dev", public_key: "ssh-ed25519 CCCC mcp-estate/dev user" });
      for (const name of ["own set", "dev set"])
        await rulesets.create({ access, hurry: HURRY, name, region: "us-west-1", rules: [] });
      await accounts.delete?.(OWNER, { ...account([]), rulesets: ["own set", "one that is not there"] });
      assert.deepEqual(
        [...fake.rulesets.values()].map(({ name }) => name),
        ["dev set"],
      );
      assert.deepEqual(
        fake.rules.map(({ description }) => description),
        ["ssh", "[mcp-estate mcp-estate/dev] ping"],
      );
      assert.deepEqual([...fake.keys.keys()], ["k", "dev"]);
    });

    it("a ruleset that a launch holds which nobody knows of is left to it, and both go with the account", async () => {
      const set = { access, hurry: HURRY, name: "own set", region: "us-west-1", rules: [], leaveHeld: true };
      const { id } = await rulesets.create(set);
      await instances.create(wanted({ firewallRulesets: { "us-west-1": id } }));
      await rulesets.delete?.(id, set);
      assert.equal(fake.rulesets.size, 1);
      await accounts.delete?.(OWNER, { ...account(["gpu-1"]), rulesets: ["own set"] });
      assert.deepEqual([fake.billed().length, fake.rulesets.size], [0, 0]);
    });

    it("fails where something does not go", async () => {
      await create();
      fake.stuck = true;
      const inputs = { ...account(["gpu-1"]), hurry: { ...HURRY, goneMs: 50 } };
      await assert.rejects(async () => accounts.delete?.(OWNER, inputs), /still there after 0 minutes: it is billed/);
    });
  });

  describe("an SSH key", () => {
    const key = (name: string, publicKey: string) => ({ access, hurry: HURRY, name, publicKey });

    it("is registered once, found again whatever its comment, and taken away", async () => {
      const first = await keys.create(key("mine", "ssh-ed25519 BBBB"));
      assert.equal((await keys.create(key("mine", "ssh-ed25519 BBBB other@comment"))).id, first.id);
      const read = await keys.read?.(first.id, key("mine", "ssh-ed25519 BBBB x"));
      assert.equal(read?.props?.publicKey, "ssh-ed25519 BBBB x");
      await keys.delete?.(first.id, key("mine", "ssh-ed25519 BBBB"));
      await keys.delete?.(first.id, key("mine", "ssh-ed25519 BBBB"));
      assert.deepEqual([...fake.keys.keys()], ["k"]);
      assert.deepEqual(await keys.read?.(first.id, key("mine", "ssh-ed25519 BBBB")), {});
    });

    it("another one of that name is refused, and stays", async () => {
      await assert.rejects(
        async () => keys.create(key("key", "ssh-ed25519 CCCC")),
        /the account has another SSH key named "key"/,
      );
      assert.equal(fake.keys.get("k")?.public_key, "ssh-ed25519 AAAA me@here");
    });
  });

  describe("a filesystem", () => {
    const data = () => ({ access, hurry: HURRY, name: "data", region: "us-west-1" });

    it("is made once, found again with its data, and tells where it is", async () => {
      const first = await filesystems.create(data());
      assert.equal(first.outs?.mountPoint, "/lambda/nfs/data");
      assert.equal((await filesystems.create(data())).id, first.id);
      assert.ok(first.outs);
      assert.deepEqual((await filesystems.read?.(first.id, first.outs))?.props, first.outs);
      fake.filesystems.clear();
      assert.deepEqual(await filesystems.read?.(first.id, first.outs), {});
    });

    it("one that was made although the answer was lost is found", async () => {
      fake.options.faults = { ...NO_FAULTS, lost: 1000 };
      setTimeout(() => (fake.options.faults = NO_FAULTS), 100);
      await filesystems.create({ ...data(), hurry: { ...HURRY, backOffMs: 60, longestBackOffMs: 60 } });
      assert.equal(fake.filesystems.size, 1);
    });

    it("one in use stays, and says so", async () => {
      const { id, outs } = await filesystems.create(data());
      assert.ok(outs);
      const held = fake.filesystems.get(id) ?? assert.fail();
      held.is_in_use = true;
      await assert.rejects(async () => filesystems.delete?.(id, outs), /filesystems\/filesystem-in-use/);
      held.is_in_use = false;
      await filesystems.delete?.(id, outs);
      await filesystems.delete?.(id, outs);
      assert.equal(fake.filesystems.size, 0);
    });
  });

  describe("a firewall ruleset", () => {
    const rules: FirewallRule[] = [
      { protocol: "tcp", port_range: [2377, 2377], source_network: "10.0.0.0/8", description: "swarm" },
    ];
    const ruleset = (changes = {}) => ({
      ...{ access, hurry: HURRY, name: "estate", region: "us-west-1", rules },
      ...changes,
    });

    it("is made once and found again, with its rules put right", async () => {
      const { id } = await rulesets.create(ruleset());
      const made = fake.rulesets.get(id) ?? assert.fail();
      made.rules = [];
      assert.deepEqual((await rulesets.read?.(id, ruleset()))?.props?.rules, []);
      assert.equal((await rulesets.create(ruleset())).id, id);
      assert.deepEqual(made.rules, rules);
      await rulesets.update?.(id, ruleset(), ruleset({ rules: [] }));
      assert.deepEqual(made.rules, []);
    });

    it("one of that name in another region is refused, and stays", async () => {
      await rulesets.create(ruleset());
      const elsewhere = async () => rulesets.create(ruleset({ region: "us-east-1" }));
      await assert.rejects(elsewhere, /has a firewall ruleset "estate" in us-west-1, wanted in us-east-1/);
      assert.equal(fake.rulesets.size, 1);
    });

    it("goes once no instance holds it any more", async () => {
      const { id } = await rulesets.create(ruleset());
      fake.heldRulesets = 3;
      await rulesets.delete?.(id, ruleset());
      await rulesets.delete?.(id, ruleset());
      assert.equal(fake.rulesets.size, 0);
      assert.deepEqual(await rulesets.read?.(id, ruleset()), {});
    });

    it("one that is held all the time is said", async () => {
      const { id } = await rulesets.create(ruleset());
      fake.heldRulesets = 1000;
      const hurry = { ...HURRY, goneMs: 30 };
      await assert.rejects(async () => rulesets.delete?.(id, ruleset({ hurry })), /firewall-ruleset-in-use/);
    });
  });

  describe("firewall rules, of which the account has one list", () => {
    const SWARM: FirewallRule[] = [
      { protocol: "tcp", port_range: [2377, 2377], source_network: "10.0.0.0/8", description: "swarm" },
      { protocol: "icmp", source_network: "0.0.0.0/0", description: "ping" },
    ];
    const inputs = (rules: FirewallRule[], owner = OWNER) => ({ access, hurry: HURRY, owner, rules });

    it("nobody else's rule is dropped or changed, by no create, update or delete", async () => {
      const others = [...fake.rules];
      await firewalls.create(inputs(SWARM));
      await firewalls.create(inputs(SWARM.slice(1), "mcp-estate/dev"));
      assert.deepEqual(fake.rules.slice(0, others.length), others);
      assert.equal(fake.rules.length, others.length + 3);
      await firewalls.update?.(OWNER, inputs(SWARM), inputs(SWARM.slice(0, 1)));
      assert.equal(fake.rules.length, others.length + 2);
      await firewalls.delete?.(OWNER, inputs(SWARM));
      assert.deepEqual(
        fake.rules.map(({ description }) => description),
        ["ssh", "[mcp-estate mcp-estate/dev] ping"],
      );
    });

    it("a rule that somebody took away shows, and comes back", async () => {
      await firewalls.create(inputs(SWARM));
      fake.rules = fake.rules.filter(({ protocol }) => protocol !== "icmp");
      const read = await firewalls.read?.(OWNER, inputs(SWARM));
      assert.deepEqual(read?.props?.rules, SWARM.slice(0, 1));
      assert.equal((await firewalls.diff?.(OWNER, inputs(SWARM.slice(0, 1)), inputs(SWARM)))?.changes, true);
      await firewalls.update?.(OWNER, inputs(SWARM.slice(0, 1)), inputs(SWARM));
      assert.equal(fake.rules.length, 3);
    });

    it("writes nothing where nothing is to change", async () => {
      await firewalls.create(inputs(SWARM));
      await firewalls.create(inputs(SWARM));
      assert.equal(fake.requests.filter(({ what }) => what === "PUT /firewall-rules").length, 1);
    });
  });
});
