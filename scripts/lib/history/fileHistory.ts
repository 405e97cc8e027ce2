import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { z } from "zod";
import { messageOf } from "../userError.ts";
import { releaseOf, type Version } from "./version.ts";

const entrySchema = z.object({
  kind: z.string(),
  startTime: z.number(),
  message: z.string().default(""),
  result: z.string().default("unknown"),
  config: z.record(z.string(), z.unknown()).nullish(),
});

const checkpointSchema = z.object({
  checkpoint: z.object({
    latest: z.object({
      resources: z
        .array(
          z.looseObject({ urn: z.string(), type: z.string(), outputs: z.record(z.string(), z.unknown()).optional() }),
        )
        .default([]),
    }),
  }),
});

/** Where the engine keeps a stack's history in a folder: two files a version, named by its time in nanoseconds. */
export interface HistoryFolder {
  /** The backend's `.pulumi`. */
  state: string;
  project: string;
  stack: string;
}

/** Settings of the newest version, without looking at any other; undefined where there is none that can be read. */
export function lastSettings(where: HistoryFolder): Record<string, unknown> | undefined {
  const [folder, names] = entriesIn(where);
  const newest = names.at(-1);
  if (newest === undefined) return undefined;
  try {
    return entrySchema.parse(readJson(join(folder, newest))).config ?? {};
  } catch {
    return undefined;
  }
}

/** All versions of a stack, oldest first. An entry that cannot be read has a fault and keeps its number. */
export function readFileHistory(where: HistoryFolder): Version[] {
  const [folder, names] = entriesIn(where);
  return names.map((name, i) => readVersion(where, folder, name, name.replace(ENTRY, ""), i + 1));
}

const ENTRY = /\.history\.json(\.gz)?$/;

/** The folder of the history, and the names of its entries, oldest first. */
function entriesIn(where: HistoryFolder): [string, string[]] {
  const folder = join(where.state, "history", where.project, where.stack);
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => ENTRY.test(name)) : [];
  return [folder, names.sort((a, b) => (timeIn(a) < timeIn(b) ? -1 : 1))];
}

/** `dev-1795270391084189601.history.json`: too long for a number. */
function timeIn(name: string): bigint {
  return BigInt(/-(\d+)\.history\./.exec(name)?.[1] ?? 0);
}

function readVersion(where: HistoryFolder, folder: string, name: string, stem: string, number: number): Version {
  let entry: z.infer<typeof entrySchema>;
  try {
    entry = entrySchema.parse(readJson(join(folder, name)));
  } catch (error) {
    const time = new Date(Number(timeIn(name) / 1_000_000n));
    const fault = `${join(folder, name)} cannot be read: ${firstLine(error)}`;
    return { number, time, kind: "unknown", result: "unknown", message: "", config: {}, fault };
  }
  const { kind, result, message, startTime } = entry;
  const version: Version = {
    number,
    time: new Date(startTime * 1000),
    kind,
    result,
    message,
    config: entry.config ?? {},
  };
  if (kind !== "update" || result !== "succeeded") return version;
  try {
    const release = releaseIn(where, join(folder, stem));
    return release === undefined ? version : { ...version, release };
  } catch (error) {
    return { ...version, fault: firstLine(error) };
  }
}

function releaseIn({ project, stack }: HistoryFolder, stem: string) {
  const file = [`${stem}.checkpoint.json`, `${stem}.checkpoint.json.gz`].find((path) => existsSync(path));
  if (file === undefined) throw new Error(`its checkpoint ${stem}.checkpoint.json is missing`);
  const { resources } = parseCheckpoint(file).checkpoint.latest;
  const root = resources.find(({ type }) => type === "pulumi:pulumi:Stack");
  const own = `urn:pulumi:${stack}::${project}::`;
  if (root !== undefined && !root.urn.startsWith(own)) {
    throw new Error(`its checkpoint is of another project or stack: ${root.urn.split("::").slice(0, 2).join("::")}`);
  }
  return releaseOf(root?.outputs);
}

function parseCheckpoint(file: string): z.infer<typeof checkpointSchema> {
  try {
    return checkpointSchema.parse(readJson(file));
  } catch (error) {
    throw new Error(`its checkpoint ${file} cannot be read: ${firstLine(error)}`, { cause: error });
  }
}

function readJson(file: string): unknown {
  const bytes = readFileSync(file);
  return JSON.parse((file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8")) as unknown;
}

function firstLine(error: unknown): string {
  return messageOf(error).split("\n")[0] ?? "";
}
