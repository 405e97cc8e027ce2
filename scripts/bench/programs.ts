import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build, stop as stopEsbuild } from "esbuild";
import { projectDir } from "../lib/paths.ts";

export const EVERYTHING = join(projectDir, "node_modules/@modelcontextprotocol/server-everything/dist/index.js");

/** As in the images (components/imageRecipe.ts). */
const NODE_FLAGS = {
  supervisor: ["--v8-pool-size=1", "--max-semi-space-size=2", "--max-old-space-size=64"],
  gateway: ["--v8-pool-size=1", "--max-semi-space-size=4", "--max-old-space-size=128"],
};
const TOKEN = "bench-token-0123456789";

const LIMITS = {
  memoryMiB: 256,
  memoryReservationMiB: 64,
  cpus: 1,
  pids: 32,
  processes: 15,
  nofile: { soft: 1024, hard: 2048 },
  nproc: 100,
};

/** One server; what is not given is as in the catalogue. */
export interface Declaration {
  readonly name: string;
  /** @default server-everything over stdio */
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly sharing?: "shared" | "isolated";
  readonly maxChildren?: number;
  readonly callTimeoutSeconds?: number;
  readonly tuning?: object;
  readonly limits?: object;
  readonly health?: object;
  /** Is it waited for until it is healthy? @default true */
  readonly sound?: boolean;
}

/** One caller of the gateway beside the owner. */
export interface Caller {
  readonly name: string;
  readonly token: string;
  /** ISO 8601. @default never */
  readonly expires?: string;
  /** As in the gateway's contract. @default everything */
  readonly scopes?: object;
}

/** Supervisors and a gateway as in the images: bundled, each a process of its own, here on loopback. */
export interface Programs {
  readonly gateway: string;
  readonly token: string;
  readonly gatewayProcess: ChildProcess;
  /** From the start of the supervisors to the last one's first proven answer. */
  readonly startMs: number;
  /** Base URL of one server's supervisor. */
  supervisor(name: string): string;
  supervisorProcess(name: string): ChildProcess;
  /** What a program has written to its log. */
  log(name: string): string;
  stop(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Throws after 20 s with what was last answered. */
export async function untilAnswer(url: string, expected: (text: string) => boolean): Promise<void> {
  let text = "";
  for (const end = Date.now() + 20_000; Date.now() < end; await sleep(20)) {
    text = await fetch(url).then(
      (answer) => answer.text(),
      (error: unknown) => String(error),
    );
    if (expected(text)) return;
  }
  throw new Error(`${url} did not answer what was expected: ${text}`);
}

const isHealthy = (text: string): boolean => text.includes('"state":"healthy"');

/** Ends processes and waits for them; KILL after 10 s. */
export async function endAll(children: readonly ChildProcess[]): Promise<void> {
  await Promise.all(
    children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(timer);
    }),
  );
}

async function bundle(folder: string, name: string): Promise<void> {
  await build({
    entryPoints: [join(projectDir, `runtime/${name}/main.ts`)],
    outfile: join(folder, `${name}.mjs`),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    logLevel: "error",
  });
}

/** Starts everything and returns when the gateway has seen every server healthy. */
export async function startPrograms(
  servers: readonly Declaration[],
  /** For example `--cpu-prof`. */
  nodeFlags: readonly string[] = [],
  callers: readonly Caller[] = [],
): Promise<Programs> {
  const folder = mkdtempSync(join(tmpdir(), "bench-"));
  // esbuild's service is a child of this process: a ladder that is tested in it counts and ends what is not its own.
  await stopEsbuild();
  await Promise.all([bundle(folder, "supervisor"), bundle(folder, "gateway")]);
  await stopEsbuild();
  const children = new Map<string, ChildProcess>();
  const stop = async (): Promise<void> => {
    await endAll([...children.values()]);
    rmSync(folder, { recursive: true, force: true });
  };
  const run = (
    program: keyof typeof NODE_FLAGS,
    name: string,
    contract: object,
    port: number,
    ...args: string[]
  ): void => {
    const file = join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify({ version: 1, estate: "bench", stack: "bench", ...contract }));
    const log = openSync(join(folder, `${name}.log`), "w");
    const command = [join(folder, `${program}.mjs`), file, "--host", "127.0.0.1", "--port", `${port}`, ...args];
    const all = [...NODE_FLAGS[program], ...nodeFlags, ...command];
    children.set(name, spawn(process.execPath, all, { stdio: ["ignore", log, log] }));
  };
  const required = (name: string): ChildProcess => {
    const child = children.get(name);
    if (child === undefined) throw new Error(`no program ${name}; known: ${[...children.keys()].join(", ")}`);
    return child;
  };
  try {
    const addresses = new Map<string, string>();
    const began = performance.now();
    for (const server of servers) {
      const port = await freePort();
      addresses.set(server.name, `http://127.0.0.1:${port}`);
      run("supervisor", server.name, contractOf(server), port, "--allow-unlimited");
    }
    const sound = servers.filter((server) => server.sound !== false);
    for (const { name } of sound) await untilAnswer(`${addresses.get(name) ?? ""}/ready`, isHealthy);
    const startMs = performance.now() - began;
    const gatewayPort = await freePort();
    const tokens = [{ name: "owner", token: TOKEN }, ...callers].map(({ name, token, ...rest }: Caller) => ({
      principal: name,
      sha256: createHash("sha256").update(token).digest("hex"),
      expires: rest.expires,
    }));
    writeFileSync(join(folder, "tokens.json"), JSON.stringify({ version: 1, tokens }));
    const contract = {
      limits: LIMITS,
      servers: servers.map(({ name, sharing = "shared" }) => ({
        name,
        instances: [{ name, url: addresses.get(name) }],
        transport: "stdio",
        serverVersion: "1",
        sharing,
      })),
      tokensFile: "tokens.json",
      principals: callers.map(({ name, scopes }) => ({ name, scopes })),
      callTimeoutSeconds: 30,
      healthIntervalSeconds: 0.5,
    };
    run("gateway", "gateway", contract, gatewayPort, "--secrets", folder);
    const gateway = `http://127.0.0.1:${gatewayPort}`;
    await untilAnswer(`${gateway}/health`, (text) => Number(/"healthy":(\d+)/.exec(text)?.[1]) >= sound.length);
    return {
      gateway,
      token: TOKEN,
      gatewayProcess: required("gateway"),
      startMs,
      supervisor: (name) => addresses.get(name) ?? "",
      supervisorProcess: required,
      log: (name) => readFileSync(join(folder, `${name}.log`), "utf8"),
      stop,
    };
  } catch (error) {
    const logs = [...children.keys()].map((name) => readFileSync(join(folder, `${name}.log`), "utf8").slice(-2000));
    await stop();
    throw new Error(`the programs did not start:\n${logs.join("\n")}`, { cause: error });
  }
}

function contractOf({ name, command, env = {}, sharing = "shared", ...rest }: Declaration): object {
  const { maxChildren = 1, callTimeoutSeconds = 30, tuning, limits, health } = rest;
  return {
    name,
    serverVersion: "1",
    transport: "stdio",
    command: command ?? [process.execPath, EVERYTHING],
    cwd: "/tmp",
    env,
    secretEnv: {},
    sharing,
    maxChildren,
    limits: { ...LIMITS, ...limits },
    health: { intervalSeconds: 5, timeoutSeconds: 5, failures: 3, ...health },
    callTimeoutSeconds,
    ...(tuning !== undefined && { tuning }),
  };
}
