import assert from "node:assert/strict";
import { SwarmEstate } from "../swarm/swarmEstate.ts";
import { eventually } from "./testEstate.ts";

const ECHO = { server: "everything", tool: "echo", arguments: { message: "hello" } };

/** The short form of `npm run test:swarm`. */
describe("R-TGT-01: an estate on a swarm of two nodes", function () {
  this.timeout(300_000);
  const swarm = new SwarmEstate("swarmshort", {
    hosts: 2,
    managers: 1,
    config: {
      "mcp-estate:target": "swarm",
      "mcp-estate:gateway": { replicas: 2 },
      "mcp-estate:servers": { everything: {} },
    },
  });
  const { estate, lab } = swarm;

  before(() => swarm.create());
  after(() => swarm.dispose());

  it("goes from the stack file to an answering estate, on each node", async () => {
    await estate.succeed("up", ["--yes"]);
    for (const host of lab.hosts) {
      assert.equal((await swarm.execute(ECHO.server, ECHO.tool, ECHO.arguments, host)).status, 200);
    }
    await estate.succeed("up", ["--yes", "--expect-no-changes"]);
  });

  it("R-LIM-06: each node's kernel enforces what is declared", async () => {
    const found = (await Promise.all(["everything", "gateway", "edge"].map((each) => swarm.tasks(each)))).flat();
    assert.deepEqual(found.map(({ kernel }) => kernel.pids).sort(), [32, 32, 32, 64, 64]);
    assert.deepEqual(new Set(found.map(({ host }) => host.name)), new Set(["lab-1", "lab-2"]));
  });

  it("R-DRF-01, R-LIM-09: pids and replicas by hand are seen and mended", async () => {
    const docker = ["docker", "-H", lab.host(1).dockerHost, "service"];
    const gateway = swarm.serviceName("gateway");
    await lab.host(1).on(...docker, "update", "--detach", "--limit-pids", "99", "--replicas", "1", gateway);
    await eventually(
      async () =>
        assert.deepEqual(
          (await swarm.tasks("gateway")).map(({ kernel }) => kernel.pids),
          [99],
        ),
      60_000,
    );
    const { stdout } = await estate.succeed("preview");
    assert.match(stdout, /service gateway +pids +64 +99/);
    assert.match(stdout, /service gateway +replicas +2 +1/);
    await estate.succeed("up", ["--yes"]);
    // The task of before may still be ending its calls, for as long as it is given to stop.
    await eventually(
      async () =>
        assert.deepEqual(
          (await swarm.tasks("gateway")).map(({ kernel }) => kernel.pids),
          [64, 64],
        ),
      60_000,
    );
    await estate.succeed("up", ["--yes", "--expect-no-changes"]);
  });

  it("down leaves nothing running on any node", async () => {
    await estate.succeed("down", ["--yes"]);
    for (const { docker } of lab.hosts) assert.deepEqual(await docker.listContainers({ all: true }), []);
  });
});
