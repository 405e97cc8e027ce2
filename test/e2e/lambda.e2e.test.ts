import assert from "node:assert/strict";
import { LambdaEstate } from "../lambda/lambdaEstate.ts";

const ECHO = { server: "everything", tool: "echo", arguments: { message: "hello" } };
const ON_GPU = 'mcp_gateway_instance_gpu{server="everything",instance_name="everything"}';

/** The short form of `npm run test:lambda`. */
describe("R-TGT-01, R-TGT-10: an estate on machines that its own program launches", function () {
  this.timeout(400_000);
  this.slow(200_000);
  const lambda = new LambdaEstate({
    hosts: 2,
    machines: { main: { types: ["cpu_4x_general"] }, "gpu-1": {} },
    config: {
      "mcp-estate:gateway": { placement: { preferences: ["node.labels.type==cpu"] } },
      "mcp-estate:servers": { everything: { gpu: "required", gpuTools: ["echo"] } },
    },
  });
  const { estate } = lambda;

  before(() => lambda.create());
  after(() => lambda.dispose());

  it("goes from the first launch to an estate that answers from outside, on each machine", async () => {
    await estate.succeed("hosts", ["up", "--yes"]);
    await estate.succeed("up", ["--yes"]);
    for (const name of ["main", "gpu-1"]) assert.equal((await lambda.execute(ECHO, name)).status, 200, name);
    await estate.succeed("up", ["--yes", "--expect-no-changes"]);
  });

  it("R-TGT-03, R-TGT-12: the server that needs a GPU has it, and the gateway is on the machine without one", async () => {
    const { machine, env } = await lambda.task("everything");
    assert.equal(machine, "gpu-1");
    assert.match(env.join(), /DOCKER_RESOURCE_GPU=GPU-[0-9a-f-]{36}/);
    assert.equal(await lambda.metric(ON_GPU), 1);
    assert.equal((await lambda.task("gateway")).machine, "main");
  });

  it("at the end nothing runs, and nothing is billed", async () => {
    await estate.succeed("down", ["--yes"]);
    assert.deepEqual(await lambda.containers(), []);
    await estate.succeed("hosts", ["down", "--yes"]);
    assert.deepEqual(lambda.fake.billed(), []);
  });
});
