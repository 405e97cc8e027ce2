import assert from "node:assert/strict";
import type { Server } from "node:http";
import { createMonitorServer } from "../../../runtime/monitor/server.ts";
import { Sessions } from "../../../runtime/monitor/sessions.ts";
import { Sources } from "../../../runtime/monitor/sources.ts";
import type { History, Overview } from "../../../runtime/monitor/view.ts";
import { createLog } from "../../../runtime/wire/log.ts";
import { EstateStandIn } from "./estateStandIn.ts";

const JSON_TYPE = { "content-type": "application/json" };

describe("the monitor page's server (R-DSH-02)", () => {
  let standIn: EstateStandIn;
  let server: Server;
  let url = "";

  beforeEach(async () => {
    standIn = new EstateStandIn(2);
    const files = new Map([["", { type: "text/html", content: "<p>page</p>" }]]);
    const sources = new Sources(await standIn.listen());
    server = createMonitorServer({ sources, sessions: new Sessions(), files, log: createLog({}, "silent") });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await standIn.close();
  });

  const login = (token: string, headers: Record<string, string> = JSON_TYPE) =>
    fetch(`${url}/monitor/login`, { method: "POST", headers, body: token });
  const cookieOf = (response: Response): string => (response.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  const get = (path: string, cookie: string) => fetch(`${url}/monitor/${path}`, { headers: { cookie } });

  it("shows nothing of the estate without a login", async () => {
    for (const path of ["overview", "history?minutes=15", "log?container=server-1"])
      assert.equal((await get(path, "")).status, 401, path);
    assert.equal((await get("overview", "mcp_estate_monitor=guessed")).status, 401);
    const page = await fetch(`${url}/monitor`);
    assert.equal(page.status, 200);
    assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'/);
  });

  it("R-SEC: the cookie is for this site's page alone, and never the token", async () => {
    const response = await login("owner-token");
    const cookie = response.headers.get("set-cookie") ?? "";
    assert.match(cookie, /; Path=\/monitor; HttpOnly; SameSite=Strict; Max-Age=43200$/);
    assert.doesNotMatch(cookie, /owner-token/);
    assert.match(
      (await login("owner-token", { ...JSON_TYPE, "x-forwarded-proto": "https" })).headers.get("set-cookie") ?? "",
      /; Secure$/,
    );
  });

  it("takes only a token that may see the whole, says why, and bounds guesses", async () => {
    const denied = async (token: string) => ((await (await login(token)).json()) as { error: string }).error;
    assert.match(await denied("wrong"), /does not know this token/);
    assert.match(await denied("caller-token"), /may not read metrics/);
    assert.equal((await login("owner-token", { "content-type": "text/plain" })).status, 404, "another site's form");
    const statuses = await Promise.all(Array.from({ length: 40 }, async () => (await login("guess")).status));
    assert.ok(statuses.includes(429), statuses.join());
    assert.equal((await login("owner-token")).status, 200, "a valid token is never in the way of it");
  });

  it("tells states, use, alerts and faults", async () => {
    const cookie = cookieOf(await login("owner-token"));
    standIn.alerts = [
      { labels: { alertname: "Watchdog" }, annotations: {}, startsAt: "2026-01-01T00:00:00Z" },
      {
        labels: { alertname: "LimitBypass", level: "3", severity: "critical" },
        annotations: { summary: "pids is 99", action: "npm run up", runbook: "docs/runbooks/LimitBypass.md" },
        startsAt: "2026-01-01T00:00:00Z",
      },
    ];
    const read = async () => (await (await get("overview", cookie)).json()) as Overview;
    const { servers, containers, alerts, faults } = await read();
    assert.deepEqual(servers[0], {
      name: "server-1",
      state: "healthy",
      ageSeconds: 2,
      tools: 2,
      reason: null,
      listsOnly: false,
    });
    assert.deepEqual(containers[0], {
      ...{ name: "server-1", processes: 3, tasks: 12, pidsLimit: 32 },
      ...{ memoryBytes: 64 * 2 ** 20, memoryLimitBytes: 256 * 2 ** 20 },
    });
    assert.deepEqual(
      alerts.map(({ name }) => name),
      ["LimitBypass"],
    );
    assert.deepEqual(faults, []);
    standIn.blind = true;
    assert.match((await read()).faults.join(), /answers with 503/);
  });

  it("gives history with as many points as a screen shows, and refuses what is none", async () => {
    const cookie = cookieOf(await login("owner-token"));
    const history = (await (await get("history?minutes=360", cookie)).json()) as History;
    assert.equal(history.times.length, 361);
    assert.ok(history.tasks.every(({ shares }) => shares.length === 361 && shares.every((share) => share !== null)));
    for (const minutes of ["0", "x", "1.5", "99999999"]) {
      const refused = await get(`history?minutes=${minutes}`, cookie);
      assert.equal(refused.status, 400, minutes);
    }
  });

  it("ends a session at once when its user logs out, and by itself after half a day", async () => {
    const cookie = cookieOf(await login("owner-token"));
    await fetch(`${url}/monitor/logout`, { method: "POST", headers: { ...JSON_TYPE, cookie } });
    assert.equal((await get("overview", cookie)).status, 401);
    const sessions = new Sessions();
    const id = sessions.open("t", 0);
    assert.equal(sessions.token(id, 43_199_999), "t");
    assert.equal(sessions.token(id, 43_200_000), undefined);
  });
});
