import type Docker from "dockerode";
import type { Usage } from "./limits.ts";

/** All that Docker says of a container that is to be adopted. */
export interface Found {
  info: Docker.ContainerInspectInfo;
  image: Docker.ImageInspectInfo;
  /** Reference under which the image can be had. */
  reference: string;
  /** Files of its own layer. */
  changes: readonly string[];
  usage: Usage | undefined;
  /** Network in Docker → its key in the settings. */
  networkKeys: ReadonlyMap<string, string>;
}

/** What becomes of a container. */
export interface Adoption {
  /** Its entry in `services`, without what is secret. */
  entry: Record<string, unknown>;
  secretEnv: Record<string, string>;
  /** Volume's key in the entry → its name in Docker. */
  volumes: Record<string, string>;
  /** What will be different, and harms nobody who knows. */
  notes: string[];
  /** What an entry cannot say and is lost. */
  losses: string[];
}

/** What one aspect of a container adds. */
export type Part = Partial<Adoption>;

/** `data` for /var/lib/data, `data-2` for the next one. */
export function unusedKey(path: string, taken: Readonly<Record<string, unknown>>): string {
  const base = toKey(path.split("/").findLast((part) => part !== "") ?? "") || "data";
  let key = base;
  for (let i = 2; key in taken; i++) key = `${base}-${i}`;
  return key;
}

/** A name as the settings take them: `shop_db` is `shop-db`. */
export function toKey(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "")
    .slice(0, 40);
}

/** `A=b=c` → A, b=c. */
export function split(variable: string): [string, string] {
  const at = variable.indexOf("=");
  return at < 0 ? [variable, ""] : [variable.slice(0, at), variable.slice(at + 1)];
}

export function differs(own: unknown, inherited: unknown): boolean {
  const plain = (value: unknown) => (value === undefined || value === "" ? null : value);
  return JSON.stringify(plain(own)) !== JSON.stringify(plain(inherited));
}

export function list(words: string | readonly string[] | null | undefined): string[] {
  return typeof words === "string" ? [words] : [...(words ?? [])];
}

export function names(capabilities: unknown): string[] {
  return ((capabilities as string[] | null | undefined) ?? []).map((name) => name.replace(/^CAP_/, ""));
}

export function nonEmpty<T extends object>(map: T): T | undefined {
  return Object.keys(map).length > 0 ? map : undefined;
}
