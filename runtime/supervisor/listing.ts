import { isRecord } from "../wire/envelope.ts";
import { Fault } from "../wire/faults.ts";
import type { LiveChild } from "./liveChild.ts";
import type { RpcChannel } from "./rpcChannel.ts";

/** What a server can be asked to list: the method, the member of its result, the capability it takes. */
export const LISTINGS = {
  tools: { method: "tools/list", member: "tools", capability: "tools" },
  prompts: { method: "prompts/list", member: "prompts", capability: "prompts" },
  resources: { method: "resources/list", member: "resources", capability: "resources" },
  templates: { method: "resources/templates/list", member: "resourceTemplates", capability: "resources" },
} as const;
export type ListingKind = keyof typeof LISTINGS;

export function isListingKind(value: string): value is ListingKind {
  return Object.hasOwn(LISTINGS, value);
}

/** A server that hands out cursors without end must not hold us for good. */
const MAX_PAGES = 100;

/** All pages of a listing on the existing connection. Throws Fault when the answer is no such list. */
export async function listAll(channel: RpcChannel, kind: ListingKind, remainingMs: () => number): Promise<unknown[]> {
  const { method, member } = LISTINGS[kind];
  const items: unknown[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const result = await channel.call(method, cursor === undefined ? {} : { cursor }, remainingMs());
    const list = isRecord(result) ? result[member] : undefined;
    if (!Array.isArray(list)) throw new Fault("upstream", `${method} was answered with something that is no list`);
    for (const item of list) items.push(item);
    const next = isRecord(result) ? result["nextCursor"] : undefined;
    if (typeof next !== "string" || next === "") return items;
    cursor = next;
  }
  throw new Fault("upstream", `${method} has more than ${MAX_PAGES} pages`);
}

/** As listAll, and empty where the server does not have that capability at all. */
export async function listFor(child: LiveChild, kind: ListingKind, timeoutMs: number): Promise<unknown[]> {
  const capabilities = child.initializeResult?.["capabilities"];
  if (!isRecord(capabilities) || capabilities[LISTINGS[kind].capability] === undefined) return [];
  const until = Date.now() + timeoutMs;
  return listAll(child.channel, kind, () => Math.max(1, until - Date.now()));
}
