import assert from "node:assert/strict";
import { exampleConfig, SwarmEstate } from "./swarmEstate.ts";

/** Enough for Docker itself, and for no image of the estate. */
const DISK_MIB = 100;

describe("a node whose disk is full", function () {
  this.timeout(300_000);
  const { "mcp-estate:gateway": gateway, ...rest } = exampleConfig("sophia");
  const swarm = new SwarmEstate("fulldisk", {
    hosts: 2,
    managers: 1,
    disks: { 2: DISK_MIB },
    config: {
      ...rest,
      "mcp-estate:gateway": { ...(gateway as object), replicas: 1 },
      "mcp-estate:servers": { everything: {} },
    },
  });

  before(() => swarm.create());
  after(() => swarm.dispose());

  it("is named in one line with what to do, and nothing runs that is not proved", async () => {
    const { code, output } = await swarm.estate.command("up", ["--yes"]);
    assert.notEqual(code, 0);
    assert.match(
      output,
      /image mcp-estate\/\S+ cannot be brought to node lab-2: .*no space left.*; free space on its disk/,
    );
    assert.deepEqual(await swarm.manager.listServices(), []);
  });
});
