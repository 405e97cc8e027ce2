import { isMap, isSeq, parseDocument, type Document } from "yaml";
import { z } from "zod";
import { UserError } from "./userError.ts";

const GATEWAY = ["config", "mcp-estate:gateway"];
/** Whose tokens are the stack's own. */
const OWNER = "owner";
/** What a caller has from the start. */
const FIRST = [{ name: "1" }];

const tokensSchema = z.array(z.strictObject({ name: z.string(), expires: z.string().optional() })).min(1);
type Token = z.infer<typeof tokensSchema>[number];

export interface Rotated {
  /** Of the stack's file. */
  text: string;
  /** Name of the new token. */
  name: string;
  /** When the earlier ones end; undefined: with the next update. */
  until: Date | undefined;
}

/**
 * Gives a caller one more token, and its earlier ones an end.
 * @param text of the stack's file; its comments are kept.
 * @param graceMinutes how long the earlier tokens go on; 0 takes them away.
 * @throws UserError when the file does not name the caller, or names its tokens wrongly.
 */
export function rotateToken(text: string, caller: string, graceMinutes: number, now = new Date()): Rotated {
  const document = parseDocument(text);
  const path = tokensOf(document, caller);
  const given = document.getIn(path);
  const parsed = tokensSchema.safeParse(isSeq(given) ? given.toJSON() : (given ?? FIRST));
  if (!parsed.success)
    throw new UserError(`${path.slice(1).join(".")} is no list of tokens such as [{ name: "1" }]: correct it first`);
  const until = graceMinutes > 0 ? new Date(now.getTime() + graceMinutes * 60_000) : undefined;
  const earlier = parsed.data.flatMap((token) => (until === undefined ? [] : ending(token, now, until)));
  const name = String(1 + Math.max(...parsed.data.map((token) => Number(/^\d+$/.exec(token.name)?.[0] ?? 0))));
  document.setIn(path, document.createNode([...earlier, { name }]));
  return { text: document.toString({ lineWidth: 120 }), name, until };
}

/** Where the caller's tokens stand; a plain list of names becomes one that takes settings. */
function tokensOf(document: Document, caller: string): string[] {
  if (caller === OWNER) return [...GATEWAY, "tokens"];
  const path = [...GATEWAY, "principals"];
  const principals = document.getIn(path);
  const names = isSeq(principals)
    ? (principals.toJSON() as string[])
    : isMap(principals)
      ? Object.keys(principals.toJSON() as object)
      : [];
  if (!names.includes(caller)) {
    throw new UserError(`there is no caller "${caller}" in the stack's file; there is ${[OWNER, ...names].join(", ")}`);
  }
  if (isSeq(principals)) document.setIn(path, document.createNode(Object.fromEntries(names.map((name) => [name, {}]))));
  return [...path, caller, "tokens"];
}

/** None of a token that has ended; another keeps its end where that comes sooner. */
function ending(token: Token, now: Date, until: Date): Token[] {
  const end = token.expires === undefined ? Infinity : Date.parse(token.expires);
  if (end <= now.getTime()) return [];
  return [end <= until.getTime() ? token : { ...token, expires: until.toISOString().replace(/\.\d+Z$/, "Z") }];
}
