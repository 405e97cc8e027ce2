import assert from "node:assert/strict";
import type { Server } from "node:http";
import type { Browser, Page } from "playwright-core";
import { buildPage } from "../../../components/providers/images/program.ts";
import { createMonitorServer } from "../../../runtime/monitor/server.ts";
import { Sessions } from "../../../runtime/monitor/sessions.ts";
import { Sources } from "../../../runtime/monitor/sources.ts";
import { createLog } from "../../../runtime/wire/log.ts";
import { openWindow, screenshot, seriousIssues, startBrowser } from "./browser.ts";
import { EstateStandIn } from "./estateStandIn.ts";

const SERVERS = 100;
/** Promised; a busy machine gets three times as long. */
const RENDER_MS = 1000;
const CHANGE_MS = 5000;
const PHONE = { width: 390, height: 844 };
const TYPES: Record<string, string> = { html: "text/html", js: "text/javascript", css: "text/css" };

describe("The monitor page in a real browser (R-DSH-02)", function () {
  this.timeout(300_000);
  const standIn = new EstateStandIn(SERVERS);
  let browser: Browser;
  let server: Server;
  let url = "";

  before(async () => {
    const built = [...(await buildPage(process.cwd()))].map(([name, content]) => {
      const type = TYPES[name.split(".").at(-1) ?? ""] ?? "";
      return [name === "page.html" ? "" : name, { type, content: Buffer.from(content).toString() }] as const;
    });
    const sources = new Sources(await standIn.listen());
    const log = createLog({}, "silent");
    server = createMonitorServer({ sources, sessions: new Sessions(), files: new Map(built), log });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as { port: number }).port}/monitor`;
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await standIn.close();
  });

  /** Logs in as somebody without a mouse does. */
  async function enter(page: Page): Promise<void> {
    await page.goto(url);
    await page.getByLabel("Token of the gateway").focus();
    await page.keyboard.type("owner-token");
    await page.keyboard.press("Enter");
    await page.getByRole("row", { name: /^server-1 / }).waitFor();
  }

  it("asks for a token, says what is wrong with another, and lets the right one in by keyboard", async () => {
    const { page } = await openWindow(browser);
    await page.goto(url);
    await page.getByLabel("Token of the gateway").fill("wrong");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("alert").getByText("the gateway does not know this token").waitFor();
    await screenshot(page, "login");
    await enter(page);
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByLabel("Token of the gateway").waitFor();
    await page.context().close();
  });

  it("shows every server, a change within five seconds, an alert, and complains of nothing", async () => {
    const { page, complaints } = await openWindow(browser);
    await enter(page);
    // The question before the login.
    complaints.length = 0;
    assert.equal(await page.getByRole("row").count(), SERVERS + 1);
    await page.getByText(`${SERVERS} of ${SERVERS} servers work, 0 alerts`).waitFor();
    const [first] = standIn.servers;
    assert.ok(first);
    Object.assign(first, { state: "unhealthy", reason: "no answer within 5 s" });
    standIn.alerts = [
      {
        labels: { alertname: "FunctionalFailure", level: "2", severity: "critical" },
        annotations: {
          summary: "server-1 gives no working answer: unhealthy",
          action: "npm run status",
          runbook: "docs",
        },
        startsAt: new Date().toISOString(),
      },
    ];
    const row = page.getByRole("row", { name: /^server-1 / });
    await row.getByText("unhealthy").waitFor({ timeout: CHANGE_MS });
    await page.getByText(`${SERVERS - 1} of ${SERVERS} servers work, 1 alert`).waitFor({ timeout: CHANGE_MS });
    await page.getByText("server-1 gives no working answer: unhealthy").waitFor({ timeout: CHANGE_MS });
    await screenshot(page, "unhealthy");
    Object.assign(first, { state: "healthy", reason: null });
    standIn.alerts = [];
    await row.getByText("healthy", { exact: true }).waitFor({ timeout: CHANGE_MS });
    await page.getByText("None fires.").waitFor({ timeout: CHANGE_MS });
    assert.deepEqual(complaints, []);
    await page.context().close();
  });

  it("A-02: does not count as working what only lists its tools", async () => {
    const { page } = await openWindow(browser);
    const [, second] = standIn.servers;
    assert.ok(second);
    second.provedBy = "list";
    await enter(page);
    await page.getByText(`${SERVERS - 1} of ${SERVERS} servers work, 1 list their tools only, 0 alerts`).waitFor();
    await page
      .getByRole("row", { name: /^server-2 / })
      .getByText("lists only")
      .waitFor();
    delete second.provedBy;
    await page.context().close();
  });

  it("filters, and brings out a server in the charts by keyboard", async () => {
    const { page } = await openWindow(browser);
    await enter(page);
    await page.getByLabel("Filter").fill("server-42");
    await page.getByText(`1 of ${SERVERS} shown`).waitFor();
    const name = page.getByRole("button", { name: "server-42" });
    await name.focus();
    await page.keyboard.press("Enter");
    assert.equal(await name.getAttribute("aria-pressed"), "true");
    await page.keyboard.press("Space");
    assert.equal(await name.getAttribute("aria-pressed"), "false");
    await page.getByLabel("Filter").fill("nothing like it");
    await page.getByText(`0 of ${SERVERS} shown`).waitFor();
    await page.context().close();
  });

  it("R-OPS-05, R-MON-07: shows what the chosen container writes, as it writes it", async () => {
    const { page, complaints } = await openWindow(browser);
    await enter(page);
    complaints.length = 0;
    const line = (text: string, stream: "stdout" | "stderr" = "stdout") => ({
      ...{ at: new Date().toISOString(), stream, text },
    });
    const lines = [line("ready"), line("<b>no markup</b>", "stderr")];
    standIn.logs.set("server-7", lines);
    await page.getByText("Choose a name in the table.").waitFor();
    await page.getByRole("button", { name: "server-7", exact: true }).click();
    const log = page.getByRole("log", { name: "log of server-7" });
    await log.getByText("<b>no markup</b>").waitFor({ timeout: CHANGE_MS });
    for (let count = 1; count <= 60; count++) lines.push(line(`call ${count} came`));
    await log.getByText("call 60 came").waitFor({ timeout: CHANGE_MS });
    const BOX = 'document.querySelector("pre.log")';
    // Its end is shown.
    await page.waitForFunction(
      `${BOX}.scrollTop > 0 && ${BOX}.scrollHeight - ${BOX}.scrollTop - ${BOX}.clientHeight < 2`,
    );
    await page.evaluate(`${BOX}.scrollTop = 0`);
    lines.push(line("one more call came"));
    await log.getByText("one more call came").waitFor({ state: "attached", timeout: CHANGE_MS });
    assert.equal(await page.evaluate(`${BOX}.scrollTop`), 0, "whoever reads further up is left there");
    await screenshot(page, "log");
    assert.deepEqual(complaints, []);
    await page.getByRole("button", { name: "server-8", exact: true }).click();
    await page.getByText('no container "server-8" has written anything').waitFor({ timeout: CHANGE_MS });
    await page.context().close();
  });

  it("draws six hours of a hundred servers", async () => {
    const { page } = await openWindow(browser);
    await enter(page);
    const began = performance.now();
    await page.getByLabel("History", { exact: true }).selectOption("360");
    await page.locator('[data-points="361"] canvas').nth(1).waitFor();
    const took = performance.now() - began;
    console.log(`      asked for, answered and drawn in ${Math.round(took)} ms`);
    assert.ok(took < 3 * RENDER_MS, `${took} ms`);
    await screenshot(page, "six-hours");
    await page.context().close();
  });

  it("fits a phone", async () => {
    const { page } = await openWindow(browser, { viewport: PHONE });
    await enter(page);
    const width = await page.evaluate("document.documentElement.scrollWidth");
    assert.ok(Number(width) <= PHONE.width, `${String(width)} px wide`);
    await screenshot(page, "phone");
    await page.context().close();
  });

  for (const colorScheme of ["light", "dark"] as const) {
    it(`axe finds nothing serious, ${colorScheme}`, async () => {
      const { page } = await openWindow(browser, { colorScheme, bypassCSP: true });
      await page.goto(url);
      await page.getByLabel("Token of the gateway").waitFor();
      assert.deepEqual(await seriousIssues(page), []);
      await enter(page);
      standIn.logs.set("server-9", [{ at: new Date().toISOString(), stream: "stderr", text: "a line" }]);
      await page.getByRole("button", { name: "server-9", exact: true }).click();
      await page.getByRole("log").getByText("a line").waitFor({ timeout: CHANGE_MS });
      assert.deepEqual(await seriousIssues(page), []);
      await screenshot(page, colorScheme);
      await page.context().close();
    });
  }
});
