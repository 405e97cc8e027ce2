import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  awaitBoot,
  ensureDocker,
  initSwarm,
  joinSwarm,
  proveGpus,
  removeNode,
} from "../../components/targets/hosts/bootstrapScripts.ts";
import { ensureSshServer } from "../lab/sshAccess.ts";
import { Project } from "../offline/support.ts";
import { FakeLambda } from "./fakeApi.ts";
import { SSH_PORT, SshMachines } from "./sshMachines.ts";

const ROOT = join(import.meta.dirname, "../..");
const TOKEN = "SWMTKN-1-of-the-hosts-test";
const HURRY = {
  ...{ requestMs: 2, launchMs: 20, backOffMs: 5, longestBackOffMs: 40, timeoutMs: 2000 },
  ...{ pollMs: 20, bootMs: 20_000, goneMs: 10_000, lookMs: 60 },
};
const NAMES = ["hosts-test-gpu-1", "hosts-test-gpu-2"] as const;

describe("Hosts at Lambda under the real engine (R-TGT-01, R-TGT-08, R-TGT-09): launched, booted, proved, a swarm, given back", function () {
  this.timeout(180_000);
  const folder = mkdtempSync(join(tmpdir(), "mcp-estate-hosts-"));
  const answer = `case "$SSH_ORIGINAL_COMMAND" in *join-token*) echo ${TOKEN} ;; *"read -r token"*) read -r token; echo "$token" >>${join(folder, "tokens")} ;; esac`;
  let machines: SshMachines;
  let fake: FakeLambda;
  let project: Project;

  before(async () => {
    await ensureSshServer();
    mkdirSync(join(folder, "machines"));
    machines = new SshMachines(join(folder, "machines"), "127.0.77", answer);
    fake = new FakeLambda({ machines, bootMs: 200, privateIps: false });
    await fake.listen();
    project = await Project.create("hosts", "");
    for (const name of ["components", "runtime"]) symlinkSync(join(ROOT, name), join(project.folder, name));
    writeFileSync(join(project.folder, "key"), fake.token);
    await project.writeProgram(program());
  });
  after(async () => {
    await project.dispose();
    fake.close();
    machines.end();
    rmSync(folder, { recursive: true });
  });

  function program(changes: Record<string, unknown> = {}): string {
    const hosts = {
      ...{ tokenFile: join(project.folder, "key"), baseUrl: fake.baseUrl, user: "root", sshPort: SSH_PORT },
      ...{ regions: ["us-west-1", "us-east-1"], types: ["gpu_1x_a10"], maxHourlyPrice: 1 },
      machines: { "gpu-1": {}, "gpu-2": {} },
      ...changes,
    };
    return `import { LambdaHosts } from "./components/targets/lambda/lambdaHosts.ts";
import { lambdaHostsSchema } from "./components/lambdaHostsConfig.ts";
const hosts = lambdaHostsSchema.parse(${JSON.stringify(hosts)});
const made = new LambdaHosts("hosts", { owner: { estate: "hosts", stack: "test" }, hosts, hurry: ${JSON.stringify(HURRY)}, dialErrors: 5 });
export const { managerHost, nodes, hourlyPrice, knownHosts, privateKey } = made.facts;
`;
  }

  const outputs = async (): Promise<Record<string, unknown>> =>
    JSON.parse((await project.pulumi("stack", "output", "--json", "--show-secrets")).stdout) as Record<string, unknown>;
  const steps = (name: string, joining: string) => [
    awaitBoot(name),
    ensureDocker({ gpus: true }),
    proveGpus(1),
    joining,
  ];

  it("a preview says what each would be and cost, and launches nothing", async () => {
    const { code, text } = await project.pulumi("preview");
    assert.equal(code, 0, text);
    assert.match(text, /hosts-test-gpu-1: gpu_1x_a10 at \$0\.75 an hour, to be had in us-west-1, us-east-1\n/);
    assert.match(text, /hosts-test-gpu-2: gpu_1x_a10 at \$0\.75 an hour, to be had in us-west-1, us-east-1/);
    assert.deepEqual(fake.billed(), []);
  });

  it("both are launched in one region, known by their keys, and a swarm", async () => {
    fake.soldOut.add("gpu_1x_a10 us-west-1");
    await project.must("up", "--yes", "--skip-preview");
    const billed = fake.billed();
    assert.deepEqual(billed.map(({ name }) => name).sort(), [...NAMES]);
    assert.deepEqual([...new Set(billed.map(({ region }) => region.name))], ["us-east-1"]);
    const opened = billed.map(({ id }) => fake.holders.get(id)?.map((ruleset) => fake.rulesets.get(ruleset)));
    for (const [ruleset, ...more] of opened as [ReturnType<typeof fake.rulesets.get>][]) {
      assert.deepEqual(more, []);
      assert.deepEqual([ruleset?.name, ruleset?.region?.name], ["hosts-test-us-east-1", "us-east-1"]);
      assert.deepEqual(
        ruleset?.rules.map((rule) => [rule.protocol, rule.port_range?.[0], rule.source_network]),
        [
          ["tcp", SSH_PORT, "0.0.0.0/0"],
          ["tcp", 2377, "10.0.0.0/8"],
          ["tcp", 7946, "10.0.0.0/8"],
          ["udp", 7946, "10.0.0.0/8"],
          ["udp", 4789, "10.0.0.0/8"],
          ["tcp", 11000, "0.0.0.0/0"],
        ],
      );
    }
    const { managerHost, nodes, hourlyPrice, knownHosts, privateKey } = await outputs();
    assert.equal(managerHost, `ssh://root@127.0.77.1:${SSH_PORT}`);
    assert.deepEqual(nodes, {
      [NAMES[0]]: { host: `ssh://root@127.0.77.1:${SSH_PORT}`, labels: { type: "gpu" } },
      [NAMES[1]]: { host: `ssh://root@127.0.77.2:${SSH_PORT}`, labels: { type: "gpu" } },
    });
    assert.equal(hourlyPrice, 1.5);
    assert.match(
      String(knownHosts),
      /^\[127\.0\.77\.1\]:\d+ ssh-ed25519 \S+\n\[127\.0\.77\.2\]:\d+ ssh-ed25519 \S+\n$/,
    );
    assert.match(String(privateKey), /OPENSSH PRIVATE KEY/);
    assert.deepEqual(machines.sent("127.0.77.1"), [
      ...steps(NAMES[0], initSwarm("127.0.77.1")),
      removeNode(NAMES[1]),
      "true",
    ]);
    assert.deepEqual(machines.sent("127.0.77.2"), steps(NAMES[1], joinSwarm("127.0.77.2", "127.0.77.1")));
  });

  it("a second update launches nothing and sends nothing", async () => {
    const launched = fake.launched.length;
    await project.must("up", "--yes", "--skip-preview", "--expect-no-changes");
    assert.equal(fake.launched.length, launched);
    assert.deepEqual([machines.sent("127.0.77.1"), machines.sent("127.0.77.2")], [[], []]);
  });

  it("one that was terminated elsewhere is seen by a refresh, and another takes its place in the swarm", async () => {
    const worker = fake.billed().find(({ name }) => name === NAMES[1]) ?? assert.fail();
    const known = async (): Promise<number> =>
      (await project.resources()).filter(({ urn }) => urn.endsWith("LambdaInstance::gpu-2")).length;
    assert.equal(await known(), 1);
    fake.end(worker.id);
    await project.must("refresh", "--yes", "--skip-preview");
    assert.equal(await known(), 0);
    await project.must("up", "--yes", "--skip-preview");
    assert.deepEqual(
      fake
        .billed()
        .map(({ name }) => name)
        .sort(),
      [...NAMES],
    );
    assert.deepEqual(machines.sent("127.0.77.1"), [removeNode(NAMES[1])]);
    assert.deepEqual(machines.sent("127.0.77.3"), steps(NAMES[1], joinSwarm("127.0.77.3", "127.0.77.1")));
  });

  it("a price above the limit fails the preview in one clear line, and nothing else happens", async () => {
    await project.writeProgram(program({ maxHourlyPrice: 0.5 }));
    const { code, text } = await project.pulumi("preview");
    assert.notEqual(code, 0);
    assert.match(text, /hosts-test-gpu-1: gpu_1x_a10 costs \$0\.75 an hour, allowed are \$0\.50/);
    await project.writeProgram(program());
  });

  it("a wrong key, and an account that is closed, are one clear line, and nothing is launched", async () => {
    const launched = fake.launched.length;
    await project.writeProgram(program({ machines: { "gpu-1": {}, "gpu-2": {}, "gpu-3": {} } }));
    writeFileSync(join(project.folder, "key"), "another");
    const wrong = await project.pulumi("preview");
    assert.notEqual(wrong.code, 0);
    assert.match(wrong.text, /Lambda does not accept the key in \S+key \(global\/invalid-api-key\)/);
    writeFileSync(join(project.folder, "key"), fake.token);
    fake.closed = { status: 403, code: "global/account-inactive" };
    const closed = await project.pulumi("up", "--yes", "--skip-preview");
    fake.closed = undefined;
    assert.notEqual(closed.code, 0);
    assert.match(closed.text, /was refused \(global\/account-inactive\)/);
    assert.equal(fake.launched.length, launched);
  });

  it("a machine that lets nobody in is one clear line, and goes with what declares it", async () => {
    machines.refuse = true;
    const { code, text } = await project.pulumi("up", "--yes", "--skip-preview");
    machines.refuse = false;
    assert.notEqual(code, 0);
    assert.match(text, /gpu-3-boot.*\n.*ECONNREFUSED/);
    await project.writeProgram(program());
    await project.must("up", "--yes", "--skip-preview");
    assert.equal(fake.billed().length, 2);
    machines.sent("127.0.77.1");
  });

  it("no secret of it stands in the state in clear", async () => {
    const { privateKey } = await outputs();
    const line = String(privateKey).split("\n")[2] ?? "";
    assert.ok(line.length > 20);
    const state = await project.resources();
    const text = JSON.stringify(state);
    for (const secret of [line, TOKEN, fake.token]) assert.ok(!text.includes(secret));
    assert.ok(!text.includes("OPENSSH PRIVATE KEY"));
  });

  it("a machine that is declared no more leaves the swarm before it goes", async () => {
    await project.writeProgram(program({ machines: { "gpu-1": {} } }));
    await project.must("up", "--yes", "--skip-preview");
    assert.deepEqual(machines.sent("127.0.77.1"), [removeNode(NAMES[1])]);
    assert.deepEqual(
      fake.billed().map(({ name }) => name),
      [NAMES[0]],
    );
    await project.writeProgram(program());
    await project.must("up", "--yes", "--skip-preview");
    assert.equal(fake.billed().length, 2);
    machines.sent("127.0.77.1");
  });

  it("with a manager that has died, the end asks it nothing: nothing is billed, and others' rules and keys are as they were", async () => {
    const manager = fake.billed().find(({ name }) => name === NAMES[0]) ?? assert.fail();
    fake.end(manager.id);
    await project.must("destroy", "--yes", "--skip-preview");
    assert.deepEqual(fake.billed(), []);
    assert.equal(fake.keys.size, 0);
    assert.equal(fake.rulesets.size, 0);
    assert.deepEqual(
      fake.rules.map(({ description }) => description),
      ["ssh"],
    );
    assert.deepEqual(machines.sent("127.0.77.3"), []);
  });
});
