/** MCP revisions that these programs speak, newest first; the same as SDK 1.32.2 offers over Streamable HTTP. */
export const REVISIONS: readonly string[] = ["2025-11-25", "2025-06-18", "2025-03-26"];
export const LATEST_REVISION = "2025-11-25";

/** The revision to answer a client with: its own when we speak it, else our latest (MCP lifecycle, negotiation). */
export function negotiate(requested: unknown): string {
  return typeof requested === "string" && REVISIONS.includes(requested) ? requested : LATEST_REVISION;
}
