import { isDeepStrictEqual } from "node:util";
import { z } from "zod";

/** What an update writes into the stack's outputs of itself (index.ts), so that any checkpoint carries it. */
const releaseSchema = z.looseObject({
  program: z.object({ hash: z.string(), commit: z.string(), dirty: z.boolean() }),
  images: z.record(z.string(), z.object({ tag: z.string(), id: z.string() })),
  smoke: z.object({
    checks: z.array(z.object({ passed: z.boolean() })),
    tools: z.record(z.string(), z.array(z.string())),
  }),
});
export type Release = z.infer<typeof releaseSchema>;

/** The record in a stack's outputs; undefined where there is none: nothing was deployed, or by an older program. */
export function releaseOf(outputs: unknown): Release | undefined {
  return z.object({ release: releaseSchema }).safeParse(outputs).data?.release;
}

/** One run of the engine on a stack. */
export interface Version {
  /** 1 is the oldest. */
  number: number;
  time: Date;
  /** update, refresh, destroy, import, … */
  kind: string;
  result: string;
  message: string;
  /** The stack's settings then, in the shape of a stack file: secret values encrypted. */
  config: Record<string, unknown>;
  /** Only a successful update has one: a failed one leaves that of the update before it in its outputs. */
  release?: Release;
  /** Why there is no release where one should be: its checkpoint is missing or cannot be read. */
  fault?: string;
}

/** Whether a rollback may go there: a deployment that was recorded and passed its gate. */
export function isGood(version: Version): version is Version & { release: Release } {
  return version.release !== undefined && version.release.smoke.checks.every(({ passed }) => passed);
}

/** `12 of 12`, or "" where no gate was passed. */
export function gateInWords({ release }: Version): string {
  if (release === undefined) return "";
  const { checks } = release.smoke;
  return `${checks.filter(({ passed }) => passed).length} of ${checks.length}`;
}

/** `abc1234`, `abc1234 and changes`, or what tells programs apart without git. */
export function programInWords({ program }: Release): string {
  if (program.commit === "") return `files ${program.hash.slice(0, 7)}`;
  return program.commit.slice(0, 7) + (program.dirty ? " and changes" : "");
}

/** Whether two versions deploy the same from the same. */
export function sameDeployment(a: Version, b: Version): boolean {
  return a.release?.program.hash === b.release?.program.hash && isDeepStrictEqual(a.config, b.config);
}

/** What differs from an earlier version: `program`, `image memory`, `servers.memory.limits.pids`. Never a value. */
export function differences(before: Version | undefined, after: Version): string[] {
  if (before === undefined) return [];
  const words = changedKeys(before.config, after.config, "").map((key) => key.replace(/^[^:.]+:/, ""));
  if (before.release === undefined || after.release === undefined) return words;
  if (before.release.program.hash !== after.release.program.hash) words.push("program");
  const [old, now] = [before.release.images, after.release.images];
  const components = [...new Set([...Object.keys(old), ...Object.keys(now)])].sort();
  return [...words, ...components.filter((name) => old[name]?.tag !== now[name]?.tag).map((name) => `image ${name}`)];
}

function changedKeys(before: unknown, after: unknown, path: string): string[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isMap(before) || !isMap(after) || "secure" in before || "secure" in after) return [path];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys.flatMap((key) => changedKeys(before[key], after[key], path === "" ? key : `${path}.${key}`));
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
