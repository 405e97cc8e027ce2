import { randomBytes } from "node:crypto";
import type { Planted } from "./search.ts";

const LETTERS = 16;

/** A new value with all signs that some way of writing changes. */
export function newCanary(): string {
  return `canary-${randomBytes(12).toString("hex")} "\\ %+/&=`;
}

/** One that may stand in clear: letters alone, as a name of a server is, and as no policy takes for a secret. */
export function openCanary(): string {
  const letters = [...randomBytes(LETTERS)].map((byte) => String.fromCharCode(97 + (byte % 26)));
  return `open-${letters.join("")}`;
}

/** What of a private key is of this key alone and stands in one line, however the key is written. */
export function plantedKey(name: string, pem: string): Planted[] {
  const lines = pem.split("\n").filter((line) => line !== "" && !line.startsWith("-----"));
  // The last line of a short key is its public half.
  return lines.slice(0, -1).map((value, i) => ({ name: `${name}, line ${i + 1}`, value }));
}
