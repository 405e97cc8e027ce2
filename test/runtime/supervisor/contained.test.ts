import { deepEqual, equal, match } from "node:assert/strict";
import { contractOf, fixture, isAlive, RawClient, startSupervisor, stateIs, until } from "../support.ts";

describe("R-PRC-19 a contained server", () => {
  for (const sharing of ["shared", "isolated"] as const) {
    it(`${sharing}: has no process, says why, refuses calls, and comes back when it is released`, async () => {
      const contract = contractOf(fixture("good"), { sharing, maxChildren: 4 });
      const running = await startSupervisor(contract);
      await stateIs(running, "healthy");
      const client = new RawClient(`${running.url}/mcp`);
      await client.open();
      const pid = running.supervisor.keeper.child?.pid ?? 0;
      await running.supervisor.reload({ ...contract, contained: "unhealthy: it answers nothing" });
      const { state, reason } = running.supervisor.readiness();
      deepEqual([state, reason], ["quarantined", "contained: unhealthy: it answers nothing"]);
      await until(() => running.supervisor.readiness().children === 0);
      equal(isAlive(pid), false);
      const refused = await new RawClient(`${running.url}/mcp`).open();
      if (sharing === "isolated") equal(refused.status, 503);
      const call = await client.call("count");
      equal([404, 503].includes(call.status), true);
      match(call.text, /contained|not known/);
      await running.supervisor.reload(contract);
      await stateIs(running, "healthy");
      await running.stop();
    });
  }

  it("the settings' wish stands behind it", async () => {
    const contract = contractOf(fixture("good"), { desiredState: "stopped" });
    const running = await startSupervisor({ ...contract, contained: "it was unhealthy" });
    await stateIs(running, "quarantined");
    await running.supervisor.reload(contract);
    equal(running.supervisor.readiness().state, "stopped");
    await running.stop();
  });
});
