import { setTimeout as sleep } from "node:timers/promises";
import { askGateway, type GatewayAccess } from "./gatewayClient.ts";
import type { SmokeServer } from "./spec.ts";

const PAUSE_MS = 250;
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
  const started = performance.now();
  const { status, text } = await execute(gateway, name, proof);
  if (status !== 200) throw new Error(`${proof.tool} is answered with ${status}: ${shortened(text)}`);
  if (proof.expectText !== undefined && !text.includes(proof.expectText)) {
    throw new Error(`${proof.tool} does not say "${proof.expectText}": ${shortened(text)}`);
  }
  return `${proof.tool} in ${Math.round(performance.now() - started)} ms`;
}

async function refuses(gateway: GatewayAccess, { name, state, proof }: SmokeServer): Promise<string> {
  const { status } = await execute(gateway, name, proof);
  if (status !== 503) throw new Error(`it is declared ${state} and answers ${status} instead of 503`);
  return `${state} as declared`;
}

function execute(gateway: GatewayAccess, server: string, proof: SmokeServer["proof"]) {
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
