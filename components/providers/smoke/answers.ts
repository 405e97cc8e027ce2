import { setTimeout as sleep } from "node:timers/promises";
import type { SmokeServer, SmokeSpec } from "./spec.ts";

const PAUSE_MS = 250;
/** The gateway answers every call within 30 s (R-GW-04). */
const CALL_TIMEOUT_MS = 32_000;

type Gateway = Pick<SmokeSpec, "gatewayUrl" | "token">;

/**
 * Calls the server's harmless tool through the gateway until the answer holds what it must, or the time is over.
 * @returns the tool and how long its last call took.
 * @throws Error with the gateway's last answer.
 */
export async function answers(gateway: Gateway, server: SmokeServer, deadline: number): Promise<string> {
  for (;;) {
    try {
      return server.state === "running" ? await prove(gateway, server) : await refuses(gateway, server);
    } catch (error) {
      if (Date.now() + PAUSE_MS > deadline) throw error;
      await sleep(PAUSE_MS);
    }
  }
}

async function prove(gateway: Gateway, { name, proof }: SmokeServer): Promise<string> {
  const started = performance.now();
  const { status, text } = await execute(gateway, name, proof);
  if (status !== 200) throw new Error(`${proof.tool} is answered with ${status}: ${shortened(text)}`);
  if (proof.expectText !== undefined && !text.includes(proof.expectText)) {
    throw new Error(`${proof.tool} does not say "${proof.expectText}": ${shortened(text)}`);
  }
  return `${proof.tool} in ${Math.round(performance.now() - started)} ms`;
}

async function refuses(gateway: Gateway, { name, state, proof }: SmokeServer): Promise<string> {
  const { status } = await execute(gateway, name, proof);
  if (status !== 503) throw new Error(`it is declared ${state} and answers ${status} instead of 503`);
  return `${state} as declared`;
}

async function execute({ gatewayUrl, token }: Gateway, server: string, proof: SmokeServer["proof"]) {
  const response = await ask(`${gatewayUrl}/execute`, token, {
    method: "POST",
    body: JSON.stringify({ server, tool: proof.tool, arguments: proof.arguments }),
  });
  return { status: response.status, text: await response.text() };
}

/** Tools of each server as the gateway lists them; none where it does not answer. */
export async function toolsOf({ gatewayUrl, token }: Gateway): Promise<Record<string, string[]>> {
  try {
    const response = await ask(`${gatewayUrl}/servers`, token);
    const { servers } = (await response.json()) as { servers: Array<{ name: string; tools?: string[] }> };
    return Object.fromEntries(servers.map(({ name, tools = [] }) => [name, tools.toSorted()]));
  } catch {
    return {}; // that it does not answer is a failed check of every server already
  }
}

async function ask(url: string, token: string, init: RequestInit = {}): Promise<Response> {
  try {
    return await fetch(url, {
      ...init,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    });
  } catch (error) {
    const cause = (error as Error).cause ?? error;
    throw new Error(`the gateway does not answer at ${url}: ${(cause as Error).message}`, { cause: error });
  }
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
}
