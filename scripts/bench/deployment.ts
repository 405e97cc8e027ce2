/**
 * Times a deployment of five servers against docker-compose with the same images and limits, and a preview without a
 * change. Figures are medians of one run; the ratios are what to quote.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { eventually, TestEstate } from "../../test/e2e/testEstate.ts";
import { table } from "../lib/log.ts";
import { ComposeEstate } from "./composeEstate.ts";
import { withDocker } from "./withDocker.ts";

const ROUNDS = 3;
const PREVIEWS = 5;
const SERVERS = ["everything", "fetch", "filesystem", "memory", "sequential-thinking"];

/** Measured with the official engine and plugins and bare containers, on two cores (seconds). */
const OFFICIAL = { up: 6.0, compose: 1.3, previewNoRefresh: 2.6, previewRefresh: 3.6 };

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** Until every server answers tools/list through the gateway: what `up` waits for too. */
function allHealthy(estate: TestEstate, token: string): Promise<void> {
  return eventually(async () => {
    const response = await fetch(`http://127.0.0.1:${estate.port}/servers`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const { servers } = (await response.json()) as { servers: Array<{ state: string }> };
    if (servers.length !== SERVERS.length || servers.some(({ state }) => state !== "healthy"))
      throw new Error("not yet");
  }, 60_000);
}

function ensureCompose(): void {
  try {
    execFileSync("docker-compose", ["version"], { stdio: "ignore" });
  } catch {
    execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "docker-compose"], { stdio: "ignore" });
  }
}

ensureCompose();
const folder = mkdtempSync(join(tmpdir(), "bench-compose-"));
const compose = new ComposeEstate(folder);
const estate = new TestEstate("bench", {
  config: { "mcp-estate:servers": Object.fromEntries(SERVERS.map((name) => [name, {}])) },
});
async function measure(): Promise<void> {
  await estate.succeed("up", ["--yes"]);
  const token = await estate.token();
  await compose.copyOf(estate);

  const refreshed: number[] = [];
  const plain: number[] = [];
  const again: number[] = [];
  for (let i = 0; i < PREVIEWS; i++) {
    refreshed.push(await seconds(() => estate.pulumi("preview", "--refresh=true")));
    plain.push(await seconds(() => estate.pulumi("preview", "--refresh=false")));
  }
  for (let i = 0; i < ROUNDS; i++) again.push(await seconds(() => estate.succeed("up", ["--yes"])));

  const ups: number[] = [];
  const engineUps: number[] = [];
  const composeUps: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    await estate.succeed("down", ["--yes"]);
    ups.push(await seconds(() => estate.succeed("up", ["--yes"])));
    await estate.succeed("down", ["--yes"]);
    engineUps.push(await seconds(() => estate.pulumi("up", "--yes", "--skip-preview")));
    await estate.succeed("down", ["--yes"]);
    composeUps.push(
      await seconds(async () => {
        await compose.up();
        await allHealthy(estate, token);
      }),
    );
    await compose.down();
  }
  const row = (what: string, ours: number, other: number, otherName: string) => [
    what,
    `${ours.toFixed(2)} s`,
    `${other.toFixed(2)} s`,
    `${(ours / other).toFixed(2)} ×`,
    otherName,
  ];
  const composeUp = median(composeUps);
  console.log(
    `${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, medians\n`,
  );
  console.log(
    table(
      ["what", "here", "other", "ratio", "other is"],
      [
        row("up of five until they answer", median(ups), composeUp, "docker-compose up and polling, same run"),
        row("the engine's share of it", median(engineUps), composeUp, "docker-compose up and polling, same run"),
        row("up of five", median(ups), OFFICIAL.up, "official engine, bare containers, recorded"),
        row("up without a change", median(again), median(plain), "preview without refresh, same run"),
        row(
          "preview without a change, refresh",
          median(refreshed),
          OFFICIAL.previewRefresh,
          "official, five ProcessLimits, recorded",
        ),
        row(
          "preview without a change, no refresh",
          median(plain),
          OFFICIAL.previewNoRefresh,
          "official, five ProcessLimits, recorded",
        ),
      ],
    ),
  );
}

await withDocker(() => estate.during(measure)).finally(() => rmSync(folder, { recursive: true, force: true }));
