import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LambdaClient, LAMBDA_TIMING, type LambdaTiming } from "../../../../components/providers/lambda/client.ts";
import {
  ensureInstance,
  OWNER_TAG,
  readInstance,
  removeInstance,
  surplusOf,
  type Lambda,
  type Patience,
  type WantedInstance,
} from "../../../../components/providers/lambda/instances.ts";
import { Dice } from "../../../lambda/dice.ts";
import { FakeLambda, NO_FAULTS, type FakeOptions } from "../../../lambda/fakeApi.ts";

const HURRY: LambdaTiming & Patience = {
  ...LAMBDA_TIMING,
  ...{ requestMs: 0, launchMs: 1, backOffMs: 2, longestBackOffMs: 20, timeoutMs: 2000 },
  ...{ pollMs: 5, bootMs: 3000, goneMs: 3000, lookMs: 15 },
};
const OWNER = "mcp-estate/prod";
const WANTED: WantedInstance = {
  name: "mcp-estate-prod-gpu-1",
  owner: OWNER,
  types: ["gpu_1x_a10", "gpu_8x_h100_sxm5"],
  regions: ["us-west-1", "us-east-1"],
  sshKey: "key",
  firewallRulesets: {},
};
const FAULT_RUNS = Number(process.env["MCP_ESTATE_FAULT_RUNS"] ?? "30");

/** The process has died: nothing more is done, and nothing that was begun is taken back. */
class Killed extends Error {}

/** Dies at one of its requests, before or after it is done. */
class MortalClient extends LambdaClient {
  private left: number;
  private readonly isDone: boolean;

  constructor(fake: FakeLambda, tokenFile: string, left: number, isDone: boolean) {
    super({ baseUrl: fake.baseUrl, tokenFile }, HURRY);
    this.left = left;
    this.isDone = isDone;
  }

  override get: LambdaClient["get"] = (path, schema) => this.live(() => super.get(path, schema));

  override change: LambdaClient["change"] = (method, path, schema, options) =>
    this.live(() => super.change(method, path, schema, options));

  private async live<T>(work: () => Promise<T>): Promise<T> {
    this.left -= 1;
    if (this.left > 0) return work();
    if (this.left === 0 && this.isDone) await work().catch(() => undefined);
    throw new Killed("the process was killed");
  }
}

describe("Lambda's instances (R-TGT-01): launched once, found again, given back", function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), "mcp-estate-lambda-"));
  const tokenFile = join(folder, "token");
  let fake: FakeLambda;
  const logged: string[] = [];
  afterEach(() => fake.close());
  after(() => rmSync(folder, { recursive: true }));

  async function start(options: Partial<FakeOptions> = {}): Promise<Lambda> {
    fake = new FakeLambda(options);
    fake.keys.set("k", { id: "k", name: "key", public_key: "ssh-ed25519 AAAA" });
    const baseUrl = await fake.listen();
    writeFileSync(tokenFile, `${fake.token}\n`);
    logged.length = 0;
    return with_(new LambdaClient({ baseUrl, tokenFile }, HURRY));
  }
  const with_ = (client: LambdaClient): Lambda => ({ client, patience: HURRY, log: (line) => void logged.push(line) });

  it("waits until it is active and has an address, and carries whose it is", async () => {
    const lambda = await start();
    const instance = await ensureInstance(lambda, WANTED);
    assert.equal(instance.status, "active");
    assert.equal(instance.ip, "127.0.0.1");
    assert.deepEqual(instance.tags, [{ key: OWNER_TAG, value: OWNER }]);
    assert.deepEqual([instance.region.name, instance.instance_type.name], ["us-west-1", "gpu_1x_a10"]);
  });

  it("one that has no private address is one all the same", async () => {
    const lambda = await start({ privateIps: false });
    assert.equal((await ensureInstance(lambda, WANTED)).private_ip, undefined);
  });

  it("a second time finds the first", async () => {
    const lambda = await start();
    const first = await ensureInstance(lambda, WANTED);
    assert.equal((await ensureInstance(lambda, WANTED)).id, first.id);
    assert.equal(fake.launched.length, 1);
  });

  it("goes on to the next region and then to the next type where there is no capacity, those that have some first", async () => {
    const lambda = await start();
    for (const region of ["us-west-1", "us-east-1"]) fake.soldOut.add(`gpu_1x_a10 ${region}`);
    const offer = fake.types["gpu_8x_h100_sxm5"] ?? assert.fail();
    offer.regions_with_capacity_available = offer.regions_with_capacity_available.slice(1);
    const { instance_type, region } = await ensureInstance(lambda, WANTED);
    assert.deepEqual([instance_type.name, region.name], ["gpu_8x_h100_sxm5", "us-east-1"]);
  });

  it("says all that it has tried where nothing is to be had", async () => {
    const lambda = await start();
    for (const type of WANTED.types) for (const region of WANTED.regions) fake.soldOut.add(`${type} ${region}`);
    await assert.rejects(
      ensureInstance(lambda, WANTED),
      /nothing of what it may be is to be had now \(gpu_1x_a10 in us-west-1: instance-operations\/launch\/insufficient-capacity; .*add a region or a type/,
    );
    assert.equal(fake.billed().length, 0);
  });

  it("gives back one that comes up unhealthy, and gives up after three, with nothing billed", async () => {
    const lambda = await start({ faults: { ...NO_FAULTS, unhealthy: 1000 } });
    await assert.rejects(
      ensureInstance(lambda, WANTED),
      /came up unhealthy, 3 times; all were given back, nothing is billed/,
    );
    assert.equal(fake.launched.length, 3);
    assert.equal(fake.billed().length, 0);
  });

  it("a launch whose answer is lost is looked for before it is launched again", async () => {
    const lambda = await start({ lateMs: 40 });
    fake.options.faults = { ...NO_FAULTS, lost: 1000 };
    setTimeout(() => (fake.options.faults = NO_FAULTS), 25);
    const instance = await ensureInstance(lambda, WANTED);
    assert.deepEqual(fake.launched, [instance.id]);
  });

  it("who was killed after a launch waits for its instance before it launches another", async () => {
    await start({ lateMs: 60 });
    // Types, the list of instances, and then the launch, which is done.
    for (let requests = 1; fake.launched.length === 0; requests++) {
      const mortal = new MortalClient(fake, tokenFile, requests, true);
      await assert.rejects(ensureInstance(with_(mortal), WANTED), Killed);
    }
    const again = with_(new LambdaClient({ baseUrl: fake.baseUrl, tokenFile }, HURRY));
    const { id } = await ensureInstance(again, WANTED);
    assert.deepEqual(fake.launched, [id]);
  });

  it("one that came up late as well is given back", async () => {
    const lambda = await start();
    const first = await ensureInstance(lambda, WANTED);
    const late = fake.foreign(WANTED.name, [{ key: OWNER_TAG, value: OWNER }]);
    assert.deepEqual(await surplusOf(lambda, WANTED, first.id), [late]);
    assert.equal((await ensureInstance(lambda, WANTED)).id, [first.id, late].sort()[0]);
    assert.equal(fake.billed().length, 1);
  });

  it("never touches an instance of that name that is not this stack's", async () => {
    const lambda = await start();
    const other = fake.foreign(WANTED.name, [{ key: OWNER_TAG, value: "mcp-estate/dev" }]);
    await assert.rejects(
      ensureInstance(lambda, WANTED),
      /has an instance of that name, \w+, that is not of this stack \(tag mcp-estate-stack: mcp-estate\/dev\)/,
    );
    await assert.rejects(
      removeInstance(lambda, WANTED, other),
      /does not carry the tag mcp-estate-stack=mcp-estate\/prod; it is left alone, and billed/,
    );
    assert.deepEqual(fake.terminated, []);
  });

  it("one that was terminated elsewhere is gone for the state", async () => {
    const lambda = await start();
    const { id } = await ensureInstance(lambda, WANTED);
    assert.equal((await readInstance(lambda, id))?.id, id);
    fake.end(id);
    assert.equal(await readInstance(lambda, id), undefined);
    await removeInstance(lambda, WANTED, id);
  });

  it("says that it is still billed where it does not go", async () => {
    const lambda = await start();
    const { id } = await ensureInstance(lambda, WANTED);
    fake.stuck = true;
    await assert.rejects(
      removeInstance({ ...lambda, patience: { ...HURRY, goneMs: 50 } }, WANTED, id),
      /was given back and is still there after 0 minutes: it is billed; terminate it at Lambda/,
    );
  });

  it("nothing runs at the end, two never do, and others' stay: whatever is lost, refused, late or killed", async () => {
    for (let seed = 1; seed <= FAULT_RUNS; seed++) {
      const dice = new Dice(seed);
      const faults = { lost: 60, dropped: 60, tooMany: 60, serverError: 60, noCapacity: 200, unhealthy: 150 };
      await start({ seed, faults, lateMs: dice.below(60) });
      const others = [fake.foreign("somebody"), fake.foreign(`${WANTED.name}-2`, [{ key: OWNER_TAG, value: OWNER }])];
      const label = `seed ${seed}`;
      const lives = 1 + (seed % 2);
      /** As an update would be typed again until it is through. */
      const through = async <T>(work: (lambda: Lambda) => Promise<T>): Promise<T> => {
        for (let life = 1; ; life++) {
          const isMortal = life <= lives && seed % 2 === 1;
          const client = isMortal
            ? new MortalClient(fake, tokenFile, 1 + dice.below(12), dice.hits(500))
            : new LambdaClient({ baseUrl: fake.baseUrl, tokenFile }, HURRY);
          try {
            return await work(with_(client));
          } catch (error) {
            assert.ok(life < 40, `${label}: ${(error as Error).message}`);
          }
        }
      };
      const { id } = await through((lambda) => ensureInstance(lambda, WANTED));
      const own = () => fake.billed().filter(({ name }) => name === WANTED.name);
      assert.deepEqual(
        own().map((each) => each.id),
        [id],
        label,
      );
      await through((lambda) => removeInstance(lambda, WANTED, id));
      assert.deepEqual(own(), [], label);
      assert.deepEqual(
        fake.billed().map((each) => each.id),
        others,
        label,
      );
      assert.equal(fake.mostOfAName, 1, `${label}: two were billed at once`);
      fake.close();
    }
  });
});
