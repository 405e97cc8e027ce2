/**
 * How long each stand-in takes from its start to the port it prints, and a preview that changes nothing with one
 * container: `node test/offline/startUp.bench.ts`. The aim is under 300 ms per plugin; nothing is asserted, the figures
 * depend on what else the machine does.
 */
import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { buildOfflinePlugins } from "../../offline/build.ts";
import { IMAGE, Project, ensureImage, missing } from "./support.ts";

const ROUNDS = 9;
const ROOT = path.join(import.meta.dirname, "..", "..");

const { binDir } = await buildOfflinePlugins({
  cacheDir: path.join(os.tmpdir(), "mcp-estate-test-cache"),
  nodePath: process.execPath,
});
for (const name of await readdir(binDir)) print(name, await measured(() => untilPort(path.join(binDir, name))));

const reason = await missing();
if (reason === undefined) {
  await ensureImage();
  const program = `import * as docker from "@pulumi/docker";\nnew docker.Container("one", { image: "${IMAGE}", command: ["sleep", "1000"] });\n`;
  const project = await Project.create("bench", program);
  try {
    await project.must("up", "--yes", "--skip-preview");
    print("preview, one container, no change", await measured(() => project.must("preview", "--expect-no-changes")));
    print("the same with refresh", await measured(() => project.must("preview", "--expect-no-changes", "--refresh")));
  } finally {
    await project.dispose();
  }
} else {
  process.stdout.write(`no previews measured: ${reason}\n`);
}

/** Milliseconds of each round, sorted. */
async function measured(round: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let count = 0; count < ROUNDS; count += 1) {
    const start = performance.now();
    await round();
    times.push(performance.now() - start);
  }
  return times.sort((left, right) => left - right);
}

async function untilPort(file: string): Promise<void> {
  const plugin = spawn(file, ["127.0.0.1:1"], { cwd: ROOT, stdio: ["pipe", "pipe", "ignore"] });
  await new Promise((resolve) => plugin.stdout.once("data", resolve));
  plugin.kill();
}

function print(what: string, times: number[]): void {
  const median = times[Math.floor(times.length / 2)];
  process.stdout.write(
    `${what.padEnd(36)} median ${median.toFixed(0)} ms, best ${times[0].toFixed(0)} ms, worst ${times[times.length - 1].toFixed(0)} ms\n`,
  );
}
