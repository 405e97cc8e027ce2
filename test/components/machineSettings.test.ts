import assert from "node:assert/strict";
import { withMachines } from "../../components/machineSettings.ts";

const REACH = { address: "203.0.113.7", nodes: { "a-gpu-main": { labels: { type: "cpu" } } } };
const OWN = { target: "swarm", hosts: { lambda: {} } };

describe("machines of a stack's own in its settings", () => {
  it("are its nodes, and the first one's address is where it is called", () => {
    assert.deepEqual(withMachines({ ...OWN, gateway: { port: 12000 } }, REACH), {
      ...OWN,
      swarm: { nodes: REACH.nodes },
      gateway: { bind: "203.0.113.7", port: 12000 },
    });
  });

  it("what the settings say themselves wins", () => {
    const said = { ...OWN, swarm: { nodes: { b: {} }, encrypted: true }, gateway: { bind: "192.0.2.1" } };
    assert.deepEqual(withMachines(said, REACH), said);
  });

  it("are nothing to another target, and to a stack that has none", () => {
    for (const settings of [{ ...OWN, target: "docker" }, { target: "swarm" }])
      assert.deepEqual(withMachines(settings, REACH), settings);
  });
});
