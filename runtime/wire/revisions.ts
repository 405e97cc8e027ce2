import { Fault } from "./faults.ts";

/** MCP revisions that these programs speak, newest first; the same as SDK 1.32.2 offers over Streamable HTTP. */
export const REVISIONS: readonly string[] = ["2025-11-25", "2025-06-18", "2025-03-26"];
export const LATEST_REVISION = "2025-11-25";

/** The revision to answer a client with: its own when we speak it, else our latest (MCP lifecycle, negotiation). */
export function negotiate(requested: unknown): string {
  return typeof requested === "string" && REVISIONS.includes(requested) ? requested : LATEST_REVISION;
}

/** The header MCP-Protocol-Version. Throws Fault that names the revisions spoken, in the words of 2026-07-28. */
export function checkRevision(requested: string | undefined): void {
  if (requested === undefined || REVISIONS.includes(requested)) return;
  const message = `MCP-Protocol-Version ${requested} is not supported; known: ${REVISIONS.join(", ")}`;
  throw new Fault("unsupported-revision", message, { details: { supported: REVISIONS, requested } });
}
