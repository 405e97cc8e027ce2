import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { askGateway } from "../../components/providers/smoke/gatewayClient.ts";
import { capture } from "./exec.ts";
import { releaseOf } from "./history/version.ts";
import { duration, table, type Say } from "./log.ts";
import type { Prepared } from "./prepare.ts";
import { messageOf, UserError } from "./userError.ts";

const outputsSchema = z.object({
  release: z
    .unknown()
    .transform((release) => releaseOf({ release }))
    .optional(),
  gatewayUrl: z.string(),
  /** PEM; "" for plain HTTP. */
  gatewayCertificate: z.string().default(""),
  gatewayToken: z.string(),
  /** "" where the stack has no monitoring. */
  prometheusUrl: z.string().default(""),
  alertmanagerUrl: z.string().default(""),
  servers: z
    .record(
      z.string(),
      z.object({
        url: z.string(),
        limits: z.object({ memoryMiB: z.number(), pids: z.number() }),
        /** As it is declared; absent where a program of before has deployed it. */
        state: z.string().optional(),
      }),
    )
    .default({}),
});

/** What the scripts need of a deployed stack's outputs. */
export type EstateOutputs = z.infer<typeof outputsSchema>;

const answerSchema = z.object({
  servers: z.array(
    z.object({
      name: z.string(),
      state: z.string(),
      tools: z.array(z.string()).default([]),
      // A gateway of before knew no other proof.
      provedBy: z.enum(["call", "list"]).default("call"),
    }),
  ),
});

export type ServerState = z.infer<typeof answerSchema>["servers"][number];

/**
 * The outputs of a deployed stack, secrets included; undefined when it has no gateway (nothing is deployed).
 * @throws UserError when the engine cannot say.
 */
export async function readOutputs(
  prepared: Prepared,
  project: string,
  stack: string,
): Promise<EstateOutputs | undefined> {
  const { code, stdout, stderr } = await capture(
    prepared.engine.file,
    ["stack", "output", "--json", "--show-secrets", "--stack", stack],
    { cwd: project, env: prepared.env },
  );
  if (code !== 0) throw new UserError(`the outputs of stack "${stack}" cannot be read: ${stderr.trim()}`);
  return outputsSchema.safeParse(JSON.parse(stdout)).data;
}

export interface WaitOptions {
  say: Say;
  /** Wait for this server alone. @default for all */
  server?: string;
  /** @default 120 s: the longest start of a server is about 20 s, five of them on two cores well under 60 */
  timeoutMs?: number;
  /** @default 500 ms */
  intervalMs?: number;
}

/**
 * Asks the gateway until every server that is to run is healthy, and says each change of state as it comes.
 * @throws UserError that names those that are not when the time is over.
 */
export async function waitUntilHealthy(outputs: EstateOutputs, options: WaitOptions): Promise<ServerState[]> {
  const { say, timeoutMs = 120_000, intervalMs = 500 } = options;
  const started = Date.now();
  const last = new Map<string, string>();
  for (;;) {
    const { states, fault } = await askStates(outputs);
    for (const { name, state } of states) {
      if (last.get(name) !== state) say(`${name} is ${state} (${duration(Date.now() - started)})`);
      last.set(name, state);
    }
    const missing = notHealthy(outputs, states, options.server);
    if (fault === undefined && missing.length === 0) return states;
    if (Date.now() - started > timeoutMs) {
      const reason = fault ?? `not healthy: ${missing.join(", ")}`;
      throw new UserError(
        `the estate is not healthy after ${duration(timeoutMs)} (${reason}); look at ${outputs.gatewayUrl}/servers and at docker logs of the container`,
      );
    }
    await sleep(intervalMs);
  }
}

/** It works, or somebody may want that it does not run. */
const FINAL: ReadonlySet<string> = new Set(["healthy", "stopped", "quarantined"]);

/** Whether a server is as it is declared. What was contained until now is not: the gateway hears of it a moment later. */
function isAsDeclared(declared: string | undefined, state = ""): boolean {
  return declared === "running" ? state === "healthy" : FINAL.has(state);
}

/** "name (state)" of each server that is declared or answered for and is to work and does not. */
function notHealthy(outputs: EstateOutputs, states: readonly ServerState[], server: string | undefined): string[] {
  const known = new Map(states.map(({ name, state }) => [name, state]));
  const names = new Set(server === undefined ? [...Object.keys(outputs.servers), ...known.keys()] : [server]);
  return [...names]
    .filter((name) => !isAsDeclared(outputs.servers[name]?.state, known.get(name)))
    .map((name) => `${name} (${known.get(name) ?? "unknown"})`);
}

async function askStates(outputs: EstateOutputs): Promise<{ states: ServerState[]; fault?: string }> {
  try {
    const { gatewayUrl, gatewayToken: token, gatewayCertificate } = outputs;
    const certificate = gatewayCertificate || undefined;
    const { status, text } = await askGateway({ gatewayUrl, token, certificate }, "/servers", { timeoutMs: 5_000 });
    if (status !== 200) return { states: [], fault: `the gateway answers ${status}` };
    return { states: answerSchema.parse(JSON.parse(text)).servers };
  } catch (error) {
    return { states: [], fault: messageOf(error) };
  }
}

/** What runs, as a table: server, state, number of tools, limits, address. */
export function estateTable(outputs: EstateOutputs, states: readonly ServerState[]): string {
  const rows = states.map(({ name, state, tools, provedBy }) => {
    const declared = outputs.servers[name];
    const memory = declared === undefined ? "" : `${declared.limits.memoryMiB} MiB`;
    const pids = declared === undefined ? "" : String(declared.limits.pids);
    const shown = state === "healthy" && provedBy === "list" ? "lists only" : state;
    return [name, shown, String(tools.length), memory, pids, declared?.url ?? ""];
  });
  return table(["SERVER", "STATE", "TOOLS", "MEMORY", "PIDS", "URL"], rows);
}
