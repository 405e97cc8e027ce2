import type { TestEstate } from "./testEstate.ts";

/** A version as `npm run history -- --json` tells of it. */
export interface HistoryRow {
  number: number;
  kind: string;
  result: string;
  message: string;
  gate: string;
  release?: { images: Record<string, { tag: string; id: string }>; smoke: { tools: Record<string, string[]> } };
}

export async function versions(estate: TestEstate): Promise<HistoryRow[]> {
  return JSON.parse((await estate.succeed("history", ["--json"])).stdout) as HistoryRow[];
}

export async function lastVersion(estate: TestEstate): Promise<HistoryRow | undefined> {
  return (await versions(estate)).at(-1);
}
