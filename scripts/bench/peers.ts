import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { cacheDir } from "../lib/paths.ts";
import { httpCaller } from "./callers.ts";
import { freePort } from "./programs.ts";

/** What ours is measured against, from their registries, kept in the user's cache. */
const MCP_PROXY = "0.13.0";
const SUPERGATEWAY = "4.0.0";
const CACHE = join(cacheDir(), "bench");

export interface Peer {
  readonly name: string;
  readonly url: string;
  readonly process: ChildProcess;
  /** From its start to its first right answer. */
  readonly startMs: number;
}

/** Installs the peers where they are missing. */
export function installPeers(): void {
  mkdirSync(CACHE, { recursive: true });
  if (!existsSync(join(CACHE, "python/bin/mcp-proxy"))) {
    execFileSync("python3", ["-m", "venv", join(CACHE, "python")], { stdio: "inherit" });
    execFileSync(join(CACHE, "python/bin/pip"), ["install", "-q", `mcp-proxy==${MCP_PROXY}`], { stdio: "inherit" });
  }
  if (!existsSync(join(CACHE, "node_modules/supergateway"))) {
    const args = ["install", "--prefix", CACHE, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    execFileSync("npm", [...args, `supergateway@${SUPERGATEWAY}`], { stdio: "inherit" });
  }
}

export const PEERS = ["mcp-proxy", "supergateway"] as const;
export type PeerName = (typeof PEERS)[number];

/** One peer in front of a stdio server, stateful, in a process group of its own. */
export async function startPeer(name: PeerName, server: readonly string[]): Promise<Peer> {
  const port = await freePort();
  const [file, args] =
    name === "mcp-proxy"
      ? [
          join(CACHE, "python/bin/mcp-proxy"),
          ["--host", "127.0.0.1", "--port", `${port}`, "--log-level", "WARNING", "--", ...server],
        ]
      : [
          process.execPath,
          [
            join(CACHE, "node_modules/supergateway/dist/index.js"),
            ...["--stdio", server.join(" "), "--outputTransport", "streamableHttp", "--stateful"],
            ...["--port", `${port}`, "--logLevel", "none"],
          ],
        ];
  return started(name, file, args, port);
}

/** The server's own Streamable HTTP, without anybody in between. */
export async function startOwnHttp(script: string): Promise<Peer> {
  const port = await freePort();
  return started("the server's own HTTP", process.execPath, [script, "streamableHttp"], port);
}

async function started(name: string, file: string, args: readonly string[], port: number): Promise<Peer> {
  // its output is not read: a full pipe must not stop it
  const began = performance.now();
  const child = spawn(file, args, { stdio: "ignore", detached: true, env: { ...process.env, PORT: `${port}` } });
  const url = `http://127.0.0.1:${port}/mcp`;
  let reason: unknown;
  for (const end = Date.now() + 20_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 20))) {
    try {
      const caller = await httpCaller(url, "echo");
      await caller.call();
      caller.close();
      return { name, url, process: child, startMs: performance.now() - began };
    } catch (error) {
      reason = error;
    }
  }
  stopPeer({ process: child });
  throw new Error(`${name} did not answer`, { cause: reason });
}

/** Ends a peer with what it has started and left in its group. */
export function stopPeer({ process: child }: Pick<Peer, "process">): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // it has ended by itself
  }
}
