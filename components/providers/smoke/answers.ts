import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { ProofCall } from "../../../runtime/contract/index.ts";
import { askGateway, type GatewayAccess } from "./gatewayClient.ts";
import type { SmokeServer } from "./spec.ts";

const PAUSE_MS = 250;
/** For a server that is to refuse whatever it is asked. */
const ANY_CALL = { tool: "any", arguments: {} };

const serversSchema = z.object({
  servers: z.array(
    z.object({ name: z.string(), state: z.string(), tools: z.array(z.string()), reason: z.string().nullable() }),
  ),
});
/** The gateway answers every call within 30 s (R-GW-04). */
const CALL_TIMEOUT_MS = 32_000;

/**
 * Calls the server's harmless tool through the gateway until the answer holds what it must, or the time is over.
 * @returns the tool and how long its last call took.
 * @throws Error with the gateway's last answer.
 */
export async function answers(gateway: GatewayAccess, server: SmokeServer, deadline: number): Promise<string> {
  for (;;) {
    try {
      return server.state === "running" ? await prove(gateway, server) : await refuses(gateway, server);
    } catch (error) {
      if (Date.now() + PAUSE_MS > deadline) throw error;
      await sleep(PAUSE_MS);
    }
  }
}

async function prove(gateway: GatewayAccess, { name, proof }: SmokeServer): Promise<string> {
  if (proof === undefined) return lists(gateway, name);
  const started = performance.now();
  const { status, text } = await execute(gateway, name, proof);
  if (status !== 200) throw new Error(`${proof.tool} is answered with ${status}: ${shortened(text)}`);
  if (proof.expectText !== undefined && !text.includes(proof.expectText)) {
    throw new Error(`${proof.tool} does not say "${proof.expectText}": ${shortened(text)}`);
  }
  return `${proof.tool} in ${Math.round(performance.now() - started)} ms`;
}

/** All that can be known of a server that calls nothing without an account. */
async function lists(gateway: GatewayAccess, name: string): Promise<string> {
  const { text } = await askGateway(gateway, "/servers", { timeoutMs: CALL_TIMEOUT_MS });
  const { servers } = serversSchema.parse(JSON.parse(text));
  const found = servers.find((server) => server.name === name);
  if (found?.state !== "healthy" || found.tools.length === 0)
    throw new Error(
      `it is ${found?.state ?? "unknown"} and lists ${found?.tools.length ?? 0} tools: ${found?.reason ?? ""}`,
    );
  return `lists ${found.tools.length} tools, and no call proves more`;
}

async function refuses(gateway: GatewayAccess, { name, state, proof = ANY_CALL }: SmokeServer): Promise<string> {
  const { status } = await execute(gateway, name, proof);
  if (status !== 503) throw new Error(`it is declared ${state} and answers ${status} instead of 503`);
  return `${state} as declared`;
}

function execute(gateway: GatewayAccess, server: string, proof: Pick<ProofCall, "tool" | "arguments">) {
  const body = JSON.stringify({ server, tool: proof.tool, arguments: proof.arguments });
  return askGateway(gateway, "/execute", { method: "POST", body, timeoutMs: CALL_TIMEOUT_MS });
}

/** Tools of each server as the gateway lists them; none where it does not answer. */
export async function toolsOf(gateway: GatewayAccess): Promise<Record<string, string[]>> {
  try {
    const { text } = await askGateway(gateway, "/servers", { timeoutMs: CALL_TIMEOUT_MS });
    const { servers } = JSON.parse(text) as { servers: Array<{ name: string; tools?: string[] }> };
    return Object.fromEntries(servers.map(({ name, tools = [] }) => [name, tools.toSorted()]));
  } catch {
    return {}; // that it does not answer is a failed check of every server already
  }
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
}
