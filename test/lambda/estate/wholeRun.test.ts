import assert from "node:assert/strict";
import { LambdaEstate } from "../lambdaEstate.ts";

const ECHO = { server: "everything", tool: "echo", arguments: { message: "hello" } };
const READ = { server: "memory", tool: "read_graph", arguments: {} };
const ON_GPU = 'mcp_gateway_instance_gpu{server="everything",instance_name="everything"}';
const CPU = { types: ["cpu_4x_general"] };
const GPU = { types: ["gpu_1x_a10"] };
const TEN_MINUTES = 600_000;

/** `npm run test:lambda`: from nothing to an answering estate and back, at the pace of Lambda's own API. */
describe("R-TGT-01, R-TGT-10, A-31: an estate on machines that its own program launches", function () {
  this.timeout(TEN_MINUTES);
  this.slow(240_000);
  const lambda = new LambdaEstate({
    hosts: 5,
    machines: { main: CPU, "work-1": CPU },
    config: {
      "mcp-estate:gateway": { replicas: 2, placement: { preferences: ["node.labels.type==cpu"] } },
      "mcp-estate:servers": { everything: { gpu: "preferred", gpuTools: ["echo"] }, memory: {} },
      "mcp-estate:swarm": { dataNode: "mcp-estate-lambda-work-1" },
    },
  });
  const { estate } = lambda;

  before(() => lambda.create());
  after(() => lambda.dispose());

  async function answersOn(...machines: string[]): Promise<void> {
    for (const name of machines) {
      const { status, body } = await lambda.execute(ECHO, name);
      assert.equal(status, 200, `${name}: ${body}`);
    }
  }

  it("before there are machines, a command says what is to be done first", async () => {
    const { code, output } = await estate.command("up", ["--yes"]);
    assert.equal(code, 1);
    assert.match(
      output,
      /^error: stack "lambda" runs on machines of its own \(mcp-estate:hosts\), and how they are reached is not noted here/m,
    );
  });

  it("from the first launch to an estate that answers from outside, on each machine, in under ten minutes", async () => {
    const started = Date.now();
    await estate.succeed("hosts", ["up", "--yes"]);
    await estate.succeed("up", ["--yes"]);
    await answersOn("main", "work-1");
    const { stdout } = await estate.succeed("smoke");
    assert.match(stdout, /everything/);
    const took = Date.now() - started;
    console.log(`      launched, booted, a swarm, deployed, answering after ${Math.round(took / 1000)} s`);
    assert.ok(took < TEN_MINUTES);
  });

  it("a second time launches nothing, sends nothing and changes nothing", async () => {
    const launched = lambda.fake.launched.length;
    await estate.succeed("hosts", ["up", "--yes", "--expect-no-changes"]);
    await estate.succeed("up", ["--yes", "--expect-no-changes"]);
    assert.equal(lambda.fake.launched.length, launched);
  });

  it("A-34, R-TST-11: without a GPU a server that prefers one runs on a processor, and the metric of the alert says so", async () => {
    assert.equal(await lambda.metric(ON_GPU), 0);
  });

  it("R-TGT-04: one that needs a GPU is refused at preview, and nothing changes", async () => {
    const declare = (gpu: string) =>
      lambda.configure((config) => {
        config["mcp-estate:servers"] = { everything: { gpu, gpuTools: ["echo"] }, memory: {} };
      });
    await declare("required");
    const { code, output } = await estate.command("preview");
    assert.notEqual(code, 0);
    assert.match(
      output,
      /everything needs a GPU and none is left for it; there are mcp-estate-lambda-main \(manager, type=cpu, 0 GPUs\), mcp-estate-lambda-work-1 \(worker, type=cpu, 0 GPUs\): add a node/,
    );
    await declare("preferred");
    await answersOn("main");
  });

  it("R-TGT-03: once a machine with a GPU is there, it moves to it, and the metric ends the alert", async () => {
    await lambda.declare({ main: CPU, "work-1": CPU, "gpu-1": GPU });
    await estate.succeed("hosts", ["up", "--yes"]);
    const { stdout } = await estate.succeed("preview");
    assert.match(stdout, /update +service everything +constraints, environment/);
    await estate.succeed("up", ["--yes"]);
    const { machine, env } = await lambda.task("everything");
    assert.equal(machine, "gpu-1");
    assert.match(env.join(), /DOCKER_RESOURCE_GPU=GPU-[0-9a-f-]{36}/);
    assert.equal(await lambda.metric(ON_GPU), 1);
    await answersOn("main", "work-1", "gpu-1");
  });

  it("a machine that is terminated elsewhere is seen by a refresh, replaced, and does its part again", async () => {
    const lost = lambda.machine("gpu-1");
    lambda.fake.end(lost.id);
    const { stdout } = await estate.succeed("hosts", ["refresh", "--yes"]);
    assert.match(stdout, /LambdaInstance.*gpu-1.*delet/);
    await estate.succeed("hosts", ["up", "--yes"]);
    assert.notEqual(lambda.machine("gpu-1").id, lost.id);
    await estate.succeed("up", ["--yes"]);
    assert.equal((await lambda.task("everything")).machine, "gpu-1");
    await answersOn("main", "work-1", "gpu-1");
    assert.deepEqual(await lambda.nodes(), { "gpu-1": "ready", main: "ready", "work-1": "ready" });
    await estate.succeed("up", ["--yes", "--expect-no-changes"]);
  });

  it("a machine that is declared no more leaves, and what ran there runs elsewhere", async () => {
    await lambda.declare({ main: CPU, "work-1": CPU });
    const { docker } = lambda.machine("gpu-1").host;
    const Labels = { "mcp-estate.estate": "mcp-estate", "mcp-estate.stack": "lambda" };
    await docker.createVolume({ Name: "somebodys-data", Labels });
    const held = await estate.command("hosts", ["up", "--yes"]);
    assert.equal(held.code, 1);
    assert.match(
      held.output,
      /^error: data of the estate would go with these machines: somebodys-data on mcp-estate-lambda-gpu-1; DOCKER_HOST=ssh:\/\/root@198\.18\.0\.4 npm run backup /m,
    );
    await docker.getVolume("somebodys-data").remove();
    await estate.succeed("hosts", ["up", "--yes"]);
    assert.deepEqual(await lambda.nodes(), { main: "ready", "work-1": "ready" });
    await estate.succeed("up", ["--yes"]);
    assert.match((await lambda.task("everything")).machine, /^main$|^work-1$/);
    assert.equal(await lambda.metric(ON_GPU), 0);
    await answersOn("main", "work-1");
  });

  it("a first machine that is lost takes its swarm with it: the estate comes back on another, and no data is lost", async () => {
    const entities = [{ name: "what was learnt", entityType: "note", observations: ["before the loss"] }];
    const told = await lambda.execute({ server: "memory", tool: "create_entities", arguments: { entities } }, "main");
    assert.equal(told.status, 200, told.body);
    const worker = lambda.machine("work-1").id;
    lambda.fake.end(lambda.machine("main").id);
    await estate.succeed("hosts", ["refresh", "--yes"]);
    await estate.succeed("hosts", ["up", "--yes"]);
    assert.equal(lambda.machine("work-1").id, worker);
    await estate.succeed("up", ["--yes"]);
    await answersOn("main", "work-1");
    assert.match((await lambda.execute(READ, "main")).body, /before the loss/);
  });

  it("at the end nothing runs, and nothing is billed", async () => {
    const early = await estate.command("hosts", ["down", "--yes"]);
    assert.equal(early.code, 1);
    assert.match(
      early.output,
      /^error: the estate of stack "lambda" is deployed \(\d+ resources\): npm run down -- --stack lambda first$/m,
    );
    await estate.succeed("down", ["--yes"]);
    assert.deepEqual(await lambda.containers(), []);
    const volume = "mcp-estate-lambda-memory-data on mcp-estate-lambda-work-1";
    const held = await estate.command("hosts", ["down", "--yes"]);
    assert.equal(held.code, 1);
    assert.match(held.output, new RegExp(`^error: data of the estate would go with these machines: ${volume};`, "m"));
    assert.equal(lambda.fake.billed().length, 2);
    const DOCKER_HOST = /DOCKER_HOST=(\S+) npm run backup/.exec(held.output)?.[1] ?? "";
    const { output } = await estate.succeed("backup", [], { DOCKER_HOST });
    assert.match(output, /1 backups in /);
    await estate.succeed("hosts", ["down", "--yes", "--volumes"]);
    assert.deepEqual(lambda.fake.billed(), []);
    assert.equal(lambda.fake.keys.size, 0);
    assert.equal(lambda.fake.rulesets.size, 0);
    assert.deepEqual(
      lambda.fake.rules.map(({ description }) => description),
      ["ssh"],
    );
  });
});
