import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { z } from "zod";
import { parseArgs, type CommandArgs } from "./args.ts";
import { findOnPath, type Environment } from "./exec.ts";
import { configDir, projectDir } from "./paths.ts";
import { projectName } from "./projectName.ts";
import { readStackFile, setting } from "./stackFile.ts";
import { UserError } from "./userError.ts";

/** What the program of a stack's machines says of them. */
export const hostsOutputsSchema = z.object({
  managerHost: z.string(),
  nodes: z.record(z.string(), z.object({ host: z.string(), labels: z.record(z.string(), z.string()) })),
  machines: z.record(
    z.string(),
    z.object({ ip: z.string(), type: z.string(), region: z.string(), pricePerHour: z.number() }),
  ),
  hourlyPrice: z.number(),
  knownHosts: z.string(),
  privateKey: z.string(),
});
export type HostsOutputs = z.infer<typeof hostsOutputsSchema>;

/** Where the program finds its nodes (config.ts). */
const VARIABLE = "MCP_ESTATE_HOSTS";

interface Reach {
  /** For DOCKER_HOST. */
  managerHost: string;
  /** Host name → how its Docker is reached; the manager's has none. */
  nodes: Record<string, { host?: string }>;
}

/** Notes how the machines of a stack are reached, readable by its owner alone: keys, an ssh that uses them, the nodes. */
export function keepHosts(stack: string, outputs: HostsOutputs, env: Environment = process.env): void {
  const { managerHost, nodes, knownHosts, privateKey, machines } = outputs;
  const folder = hostsFolder(stack, env);
  mkdirSync(join(folder, "bin"), { recursive: true, mode: 0o700 });
  const write = (name: string, lines: readonly string[], mode = 0o600): void => {
    writeFileSync(join(folder, name), `${lines.join("\n")}\n`, { mode });
    chmodSync(join(folder, name), mode);
  };
  write("key", [privateKey.trimEnd()]);
  write("known_hosts", [knownHosts.trimEnd()]);
  write("ssh_config", [
    `Host ${Object.values(machines)
      .map(({ ip }) => ip)
      .join(" ")}`,
    `  IdentityFile "${join(folder, "key")}"`,
    `  UserKnownHostsFile "${join(folder, "known_hosts")}"`,
    "  StrictHostKeyChecking yes",
    "  IdentitiesOnly yes",
    // Of all other hosts what their user has said.
    "Match all",
    "  Include ~/.ssh/config",
    "  Include /etc/ssh/ssh_config",
  ]);
  // The user's own: by now the first on the PATH may be this very file.
  const folders = (env["PATH"] ?? "").split(delimiter).filter((each) => each !== join(folder, "bin"));
  const ssh = findOnPath("ssh", folders.join(delimiter)) ?? "ssh";
  write("bin/ssh", ["#!/bin/sh", `exec "${ssh}" -F "${join(folder, "ssh_config")}" "$@"`], 0o700);
  const { hostname: address } = new URL(managerHost);
  const others = Object.entries(nodes).map(([name, { host, labels }]) => {
    return [name, host === managerHost ? { labels } : { host, labels }];
  });
  write("reach.json", [JSON.stringify({ managerHost, address, nodes: Object.fromEntries(others) as object }, null, 2)]);
}

/** They are there no more. */
export function forgetHosts(stack: string, env: Environment = process.env): void {
  rmSync(hostsFolder(stack, env), { recursive: true, force: true });
}

/**
 * `parseArgs` of a command that asks the stack's Docker: for a stack with machines of its own, Docker and ssh are those of
 * the machines from here on. A DOCKER_HOST that the user has set stays.
 * @throws UserError where it is not noted how they are reached.
 */
export function stackArgs(argv: readonly string[], ownFlags: readonly string[] = []): CommandArgs {
  const args = parseArgs(argv, ownFlags);
  if (reachHosts(args.stack) === "unknown") {
    const key = `${projectName(projectDir)}:hosts`;
    throw new UserError(
      `stack "${args.stack}" runs on machines of its own (${key}), and how they are reached is not noted here: npm run hosts -- up --stack ${args.stack} launches them, npm run hosts -- reach --stack ${args.stack} notes it of those that are there`,
    );
  }
  return args;
}

/**
 * Makes Docker and ssh those of the stack's own machines, for this process and those that it starts.
 * @returns "unknown" where it has machines and it is not noted how they are reached.
 */
export function reachHosts(stack: string, env: Environment = process.env): "none" | "reached" | "unknown" {
  const namespace = projectName(projectDir);
  const file = readStackFile(projectDir, stack);
  const hasHosts = setting(file, `${namespace}:hosts`) !== undefined;
  if (!hasHosts || setting(file, `${namespace}:target`) !== "swarm") return "none";
  const reach = join(hostsFolder(stack, env), "reach.json");
  if (!existsSync(reach)) return "unknown";
  const { managerHost } = JSON.parse(readFileSync(reach, "utf8")) as Reach;
  env["DOCKER_HOST"] ||= managerHost;
  useHostsSsh(stack, env);
  env[VARIABLE] = reach;
  return "reached";
}

/** Makes ssh one that knows the machines of a stack, for this process and those that it starts. */
export function useHostsSsh(stack: string, env: Environment = process.env): void {
  env["PATH"] = [join(hostsFolder(stack, env), "bin"), env["PATH"] ?? ""].join(delimiter);
}

/** Host name → how its Docker is reached, of the machines that are noted for a stack; none where none are. */
export function notedHosts(stack: string, env: Environment = process.env): Record<string, string> {
  const reach = join(hostsFolder(stack, env), "reach.json");
  if (!existsSync(reach)) return {};
  const { managerHost, nodes } = JSON.parse(readFileSync(reach, "utf8")) as Reach;
  return Object.fromEntries(Object.entries(nodes).map(([name, { host = managerHost }]) => [name, host]));
}

function hostsFolder(stack: string, env: Environment): string {
  return join(configDir(env), "hosts", stack.split("/").at(-1) ?? stack);
}
