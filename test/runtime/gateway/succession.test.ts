import { deepEqual, equal } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Succession, type Peer } from "../../../runtime/gateway/succession.ts";

const NAME = "gateway";

describe("R-DEP-02: of several gateways the newest that is ready takes the calls", () => {
  /** Address → what the gateway there says; undefined: nobody listens. */
  let network: Record<string, Peer | undefined>;

  function gateway(own: string, since: number): Succession {
    return new Succession({
      name: NAME,
      subnet: "10.9.0.0/29",
      port: 8000,
      own,
      since,
      resolve: (name) => Promise.resolve(name === NAME ? Object.keys(network) : []),
      ask: (address) => Promise.resolve(network[address]),
    });
  }

  async function states(...gateways: Succession[]): Promise<boolean[]> {
    await Promise.all(gateways.map((each) => each.look()));
    return gateways.map(({ isSuperseded }) => isSuperseded);
  }

  it("a lone one is settled at its first look, and not before", async () => {
    network = { "10.9.0.2": { ready: true, since: 1 } };
    const only = gateway("10.9.0.2", 1);
    equal(only.isSettled, false);
    deepEqual(await states(only), [false]);
    equal(only.isSettled, true);
  });

  it("the old one goes on while the new one starts, steps back when it is ready, and is back when it goes", async () => {
    network = { "10.9.0.2": { ready: true, since: 1 }, "10.9.0.3": undefined };
    const [old, fresh] = [gateway("10.9.0.2", 1), gateway("10.9.0.3", 2)];
    deepEqual(await states(old, fresh), [false, false]);
    network["10.9.0.3"] = { ready: false, since: 2 };
    deepEqual(await states(old, fresh), [false, false]);
    network["10.9.0.3"] = { ready: true, since: 2 };
    deepEqual(await states(old, fresh), [true, false]);
    delete network["10.9.0.3"];
    deepEqual(await states(old), [false]);
  });

  it("the new one has arrived when the old one has stepped back for as long as a proxy needs to hear of it", async () => {
    network = { "10.9.0.2": { ready: true, since: 1 }, "10.9.0.3": { ready: true, since: 2 } };
    const fresh = gateway("10.9.0.3", 2);
    await fresh.look();
    equal(fresh.isSettled, false);
    network["10.9.0.2"] = { ready: false, since: 1 };
    await fresh.look();
    equal(fresh.isSettled, false);
    await sleep(800);
    await fresh.look();
    equal(fresh.isSettled, true);
  });

  it("whoever has the name on another network is no gateway", async () => {
    network = { "10.9.0.2": { ready: true, since: 1 }, "10.8.0.3": { ready: true, since: 9 } };
    deepEqual(await states(gateway("10.9.0.2", 1)), [false]);
  });

  it("without a name server it is alone", async () => {
    network = {};
    const only = new Succession({
      name: NAME,
      subnet: "10.9.0.0/29",
      port: 8000,
      own: "10.9.0.2",
      resolve: () => Promise.reject(new Error("ESERVFAIL")),
    });
    deepEqual(await states(only), [false]);
    equal(only.isSettled, true);
  });
});
