import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { chromium } from "playwright-core";
import { consent } from "../../../scripts/lib/ask.ts";
import { aptInstall } from "../../../scripts/lib/dockerInstall.ts";
import { findOnPath } from "../../../scripts/lib/exec.ts";
import { sayer } from "../../../scripts/lib/log.ts";

const PROGRAM = "chromium";
/** Looked at by people; CI keeps them. */
const SCREENSHOTS = join(import.meta.dirname, "../../../.screenshots");

/** A real Chromium, from Debian where there is none yet. */
export async function startBrowser(): Promise<Browser> {
  if (findOnPath(PROGRAM, process.env["PATH"]) === undefined)
    await aptInstall([PROGRAM], {
      ...{ env: process.env, say: sayer("browser"), consent: consent(true) },
      reason: "no Chromium is here, in which the page is tried",
    });
  const executablePath = findOnPath(PROGRAM, process.env["PATH"]);
  if (executablePath === undefined) throw new Error(`${PROGRAM} was installed and is not on PATH`);
  // Root has no sandbox; it shows our own page only.
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

/** A window of its own, and everything that its console complains of. */
export async function openWindow(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  return { page, complaints };
}

export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}

interface AxeResult {
  violations: Array<{ id: string; impact: string; nodes: Array<{ html: string }> }>;
}

/** What axe finds that keeps people out: rule and element. The page must have been opened with bypassCSP. */
export async function seriousIssues(page: Page): Promise<string[]> {
  await page.addScriptTag({ path: createRequire(import.meta.url).resolve("axe-core/axe.min.js") });
  const { violations } = await page.evaluate<AxeResult>("axe.run()");
  return violations
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
}
