import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AddressInfo } from "node:net";
import { build } from "esbuild";
import { projectDir } from "../lib/paths.ts";
import { startPrograms } from "./programs.ts";

const SUITE = join(projectDir, "node_modules/@modelcontextprotocol/conformance/dist/index.js");
/** The server with the suite's tools, as one file: each scenario starts one, and that takes a third of the time. */
async function bundleFixture(folder: string): Promise<string> {
  const outfile = join(folder, "fixture.mjs");
  await build({
    entryPoints: [join(projectDir, "test/fixtures/conformance/server.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    logLevel: "error",
  });
  return outfile;
}

export interface ScenarioResult {
  readonly scenario: string;
  readonly passed: number;
  readonly failed: number;
  /** The suite counts it for the revision. */
  readonly scored: boolean;
}

/** Runs the suite's server scenarios of one revision against `url`; what fails is in the result, not thrown. */
async function runSuite(url: string, revision: string): Promise<ScenarioResult[]> {
  const folder = mkdtempSync(join(tmpdir(), "conformance-"));
  const output = await new Promise<string>((resolve) => {
    const args = [SUITE, "server", "--url", url, "--requirements", revision];
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 64 << 20 }, (_failed, stdout, stderr) =>
      resolve(stdout + stderr),
    );
  });
  rmSync(folder, { recursive: true, force: true });
  const results = parseSummary(output);
  if (results.length === 0) throw new Error(`the suite gave no summary: ${output.slice(-2000)}`);
  return results;
}

/** Reads the lines `✓ NAME: 2 passed, 0 failed` and the list of what is not scored. */
export function parseSummary(output: string): ScenarioResult[] {
  const notScored = new Set(
    [...(output.split("Not scored for ")[1] ?? "").matchAll(/^\s+[✓✗] ([\w-]+) \(/gmu)].map((match) => match[1]),
  );
  return [...output.matchAll(/^[✓✗] ([\w-]+): (\d+) passed, (\d+) failed/gmu)].map((match) => ({
    scenario: match[1] ?? "",
    passed: Number(match[2]),
    failed: Number(match[3]),
    scored: !notScored.has(match[1]),
  }));
}

/** The fixture's own HTTP, on the SDK's transport: without us in between. */
async function startFixture(file: string): Promise<{ readonly url: string; readonly process: ChildProcess }> {
  const child = spawn(process.execPath, [file, "--http"], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = (await once(child.stdout, "data")) as [Buffer];
  return { url: `http://127.0.0.1:${port.toString().trim()}/mcp`, process: child };
}

/**
 * The suite cannot send a token: a relay on loopback adds it and passes everything else on as it came, Host and Origin
 * included.
 */
async function startRelay(target: string, token: string): Promise<{ readonly url: string; readonly server: Server }> {
  const { hostname, port, pathname } = new URL(target);
  const server = createServer((incoming, outgoing) => {
    const headers = { ...incoming.headers, authorization: `Bearer ${token}` };
    const sent = request({ hostname, port, path: pathname, method: incoming.method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    sent.on("error", () => outgoing.destroy());
    outgoing.on("close", () => sent.destroy());
    incoming.pipe(sent);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, server };
}

/** What the suite found on each way to the fixture. */
export interface ConformanceResults {
  readonly direct: readonly ScenarioResult[];
  readonly supervisor: readonly ScenarioResult[];
  readonly gateway: readonly ScenarioResult[];
}

/** The same fixture directly, behind the stdio bridge, and behind gateway and bridge, names unprefixed. */
export async function runConformance(revision: string): Promise<ConformanceResults> {
  const folder = mkdtempSync(join(tmpdir(), "fixture-"));
  const file = await bundleFixture(folder);
  const fixture = await startFixture(file);
  // each scenario opens its own session, and with it a child of its own
  const tuning = { spawnsPer10Seconds: 1000, spawnsPerMinute: 1000 };
  const command = [process.execPath, file];
  const programs = await startPrograms([{ name: "fixture", command, sharing: "isolated", maxChildren: 90, tuning }]);
  const relay = await startRelay(`${programs.gateway}/servers/fixture/mcp`, programs.token);
  try {
    const [direct, supervisor, gateway] = await Promise.all([
      runSuite(fixture.url, revision),
      runSuite(`${programs.supervisor("fixture")}/mcp`, revision),
      runSuite(relay.url, revision),
    ]);
    return { direct, supervisor, gateway };
  } finally {
    fixture.process.kill();
    relay.server.close();
    relay.server.closeAllConnections();
    await programs.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
