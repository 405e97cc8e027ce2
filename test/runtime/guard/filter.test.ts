import assert from "node:assert/strict";
import type { ControlContract } from "../../../runtime/contract/index.ts";
import type { AskDocker } from "../../../runtime/control/docker.ts";
import { Filter } from "../../../runtime/control/filter.ts";
import { limitClasses } from "../../../components/limitClasses.ts";

const id = (digit: string): string => digit.repeat(64);
const contract: ControlContract = {
  version: 1,
  estate: "mcp-estate",
  stack: "dev",
  limits: limitClasses.light,
  labels: { estate: "e", stack: "s", component: "c" },
  restarts: { most: 2, withinSeconds: 600 },
};
const labels = (component: string, stack = "dev") => ({ e: "mcp-estate", s: stack, c: component });
const containers = [
  { Id: id("a"), Labels: labels("memory"), State: "running", Status: "Up 2 minutes (healthy)" },
  { Id: id("b"), Labels: labels("fetch"), State: "paused", Status: "Up 2 minutes (Paused)" },
  { Id: id("c"), Labels: labels("time"), State: "running", Status: "Up 2 minutes (unhealthy)" },
  // Docker would not give it for this question; should it ever, the filter looks itself.
  { Id: id("d"), Labels: labels("memory", "prod"), State: "running", Status: "Up" },
];

/** Docker as far as the filter may ask it. @param exitCode of the last probe of what is unhealthy. */
function docker(exitCode = 22): { asked: string[]; ask: AskDocker } {
  const asked: string[] = [];
  return {
    asked,
    ask: (method, path) => {
      asked.push(`${method} ${path}`);
      if (path.startsWith("/containers/json"))
        return Promise.resolve({ status: 200, text: JSON.stringify(containers) });
      if (path.endsWith("/json"))
        return Promise.resolve({
          status: 200,
          text: JSON.stringify({ State: { Health: { Log: [{ ExitCode: exitCode }] } } }),
        });
      return Promise.resolve({ status: 204, text: "" });
    },
  };
}

describe("the filter between guard and Docker (R-PRC-07, R-SEC-07)", () => {
  it("lists this stack's containers and no other, with what their probes say", async () => {
    const { body } = await new Filter(contract, docker().ask).answer("GET", "/containers");
    assert.deepEqual(body, [
      { id: id("a"), component: "memory", state: "running", health: "healthy" },
      { id: id("b"), component: "fetch", state: "paused", health: "none" },
      { id: id("c"), component: "time", state: "running", health: "unhealthy" },
    ]);
  });

  it("tells a program that says nothing from one that says it is unwell", async () => {
    const { body } = await new Filter(contract, docker(-1).ask).answer("GET", "/containers");
    assert.equal((body as { health: string }[]).at(-1)?.health, "silent");
  });

  it("restarts a container of this stack", async () => {
    const { asked, ask } = docker();
    const { status, body } = await new Filter(contract, ask).answer("POST", `/containers/${id("a")}/restart`);
    assert.deepEqual([status, body], [200, { ok: true, component: "memory" }]);
    assert.equal(asked.at(-1), `POST /containers/${id("a")}/restart?t=5`);
  });

  it("restarts one component so often and no more", async () => {
    const filter = new Filter(contract, docker().ask);
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await filter.answer("POST", `/containers/${id("a")}/restart`)).status);
    assert.deepEqual(statuses, [200, 200, 429]);
  });

  const refusals: Array<[string, string, string, number]> = [
    ["a container of another stack", "POST", `/containers/${id("d")}/restart`, 403],
    ["a container that is not there", "POST", `/containers/${id("e")}/restart`, 403],
    ["one that somebody has paused", "POST", `/containers/${id("b")}/restart`, 409],
    ["a short id", "POST", `/containers/${"a".repeat(12)}/restart`, 404],
    ["a name", "POST", "/containers/memory/restart", 404],
    ["an end for good", "POST", `/containers/${id("a")}/kill`, 404],
    ["a command in a container", "POST", `/containers/${id("a")}/exec`, 404],
    ["a removal", "DELETE", `/containers/${id("a")}`, 404],
    ["another container", "POST", "/containers/create", 404],
    ["images", "GET", "/images/json", 404],
    ["a query of one's own", "POST", `/containers/${id("a")}/restart?t=0`, 404],
    ["a way out of the path", "POST", `/containers/${id("a")}/restart/../../../images/prune`, 404],
  ];
  for (const [what, method, path, expected] of refusals) {
    it(`refuses ${what}, and Docker hears nothing of it`, async () => {
      const { asked, ask } = docker();
      const { status, body } = await new Filter(contract, ask).answer(method, path);
      assert.equal(status, expected);
      assert.match((body as { error: string }).error, /\w/);
      assert.deepEqual(
        asked.filter((each) => !each.startsWith("GET /containers/")),
        [],
      );
    });
  }

  const { restarts: _restarts, ...nothing } = contract;
  const reading: ControlContract = { ...nothing, logs: true };

  it("R-MON-07: hands on a question for the log of a container of this stack, in Docker's words", async () => {
    const path = await new Filter(reading, docker().ask).logsPath(
      "GET",
      `/containers/${id("a")}/logs?since=1700000000.000000007&follow=1`,
    );
    assert.equal(
      path,
      `/containers/${id("a")}/logs?stdout=1&stderr=1&timestamps=1&since=1700000000.000000007&follow=1`,
    );
  });

  it("who may read logs restarts nothing, and who may restart reads none", async () => {
    const { asked, ask } = docker();
    const refused = await new Filter(reading, ask).answer("POST", `/containers/${id("a")}/restart`);
    assert.equal(refused.status, 404);
    assert.match((refused.body as { error: string }).error, /only GET \/containers and GET \/containers\/ID\/logs/);
    assert.equal(await new Filter(contract, ask).logsPath("GET", `/containers/${id("a")}/logs?tail=5`), undefined);
    assert.deepEqual(asked, []);
  });

  it("reads no log of another stack", async () => {
    const refused = await new Filter(reading, docker().ask).logsPath("GET", `/containers/${id("d")}/logs?tail=5`);
    assert.equal((refused as { status: number }).status, 403);
  });

  for (const query of ["since=now", "tail=all", "follow=0", "until=5", "tail=5&tail=6", "details=1", "since=5%26x=1"]) {
    it(`hands no question on with ${query}`, async () => {
      const { asked, ask } = docker();
      const path = `/containers/${id("a")}/logs?${query}`;
      assert.equal(await new Filter(reading, ask).logsPath("GET", path), undefined);
      assert.deepEqual(asked, []);
    });
  }
});
