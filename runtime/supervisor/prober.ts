import type { ProofCall, ServerContract } from "../contract/index.ts";
import { isRecord } from "../wire/envelope.ts";
import { asFault, Fault } from "../wire/faults.ts";
import type { ProofOutcome } from "./healthState.ts";
import { listAll } from "./listing.ts";
import type { RpcChannel } from "./rpcChannel.ts";

function textOf(result: Readonly<Record<string, unknown>>): string {
  const content = Array.isArray(result["content"]) ? result["content"] : [];
  return content
    .map((part: unknown) => (isRecord(part) && typeof part["text"] === "string" ? part["text"] : ""))
    .join("\n");
}

async function proofCall(channel: RpcChannel, proof: ProofCall, remainingMs: () => number): Promise<void> {
  const result = await channel.call("tools/call", { name: proof.tool, arguments: proof.arguments }, remainingMs());
  if (!isRecord(result)) throw new Fault("upstream", `the proof call ${proof.tool} was answered without a result`);
  const text = textOf(result);
  if (result["isError"] === true)
    throw new Fault("upstream", `the proof call ${proof.tool} failed: ${text.slice(0, 200)}`);
  if (proof.expectText !== undefined && !text.includes(proof.expectText)) {
    throw new Fault("upstream", `the proof call ${proof.tool} did not answer ${JSON.stringify(proof.expectText)}`);
  }
}

/**
 * One functional proof on the existing connection (R-HLT-01, R-HLT-07): tools/list, which must not be empty, and the
 * declared harmless call with its result checked. Never throws.
 */
export async function prove(
  channel: RpcChannel,
  contract: Pick<ServerContract, "health" | "proof">,
): Promise<ProofOutcome> {
  const began = Date.now();
  const limitMs = contract.health.timeoutSeconds * 1000;
  const remainingMs = (): number => Math.max(1, began + limitMs - Date.now());
  try {
    const listed = await listAll(channel, "tools", remainingMs);
    const tools = listed.flatMap((tool) => (isRecord(tool) && typeof tool["name"] === "string" ? [tool["name"]] : []));
    if (tools.length === 0) throw new Fault("upstream", "the tool list is empty");
    if (contract.proof !== undefined) await proofCall(channel, contract.proof, remainingMs);
    return { ok: true, slow: false, durationMs: Date.now() - began, tools };
  } catch (error) {
    const fault = asFault(error);
    const slow = fault.kind === "timeout" && channel.lastAnswerAt > began;
    return { ok: false, slow, durationMs: Date.now() - began, reason: fault.message };
  }
}
