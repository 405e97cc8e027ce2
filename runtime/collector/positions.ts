import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import * as z from "zod";

/** How far a container's log has been delivered. */
export interface Position {
  /** Of the last delivered line, Unix time in nanoseconds. */
  nanoseconds: bigint;
  /** Delivered lines with that very time. */
  lines: number;
}

const fileSchema = z.record(z.string(), z.strictObject({ nanoseconds: z.string().regex(/^\d+$/), lines: z.int() }));

/** Positions of all containers by id, in a file that outlives the program. */
export class Positions {
  readonly #path: string;
  readonly #known: Map<string, Position>;
  #changed = false;

  /** @param path of the file; what cannot be read is as if nothing had been delivered: a line comes twice, none is lost. */
  constructor(path: string) {
    this.#path = path;
    this.#known = new Map(Object.entries(read(path)));
  }

  get(id: string): Position | undefined {
    return this.#known.get(id);
  }

  set(id: string, position: Position): void {
    this.#known.set(id, position);
    this.#changed = true;
  }

  /** Forgets all others. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#changed = this.#known.delete(id);
  }

  /** In one step, so that a killed program leaves the old file or the new one. */
  save(): void {
    if (!this.#changed) return;
    const entries = [...this.#known].map(([id, { nanoseconds, lines }]) => [
      id,
      { nanoseconds: nanoseconds.toString(), lines },
    ]);
    writeFileSync(`${this.#path}.new`, JSON.stringify(Object.fromEntries(entries)));
    renameSync(`${this.#path}.new`, this.#path);
    this.#changed = false;
  }
}

function read(path: string): Record<string, Position> {
  if (!existsSync(path)) return {};
  try {
    const file = fileSchema.parse(JSON.parse(readFileSync(path, "utf8")));
    return Object.fromEntries(
      Object.entries(file).map(([id, { nanoseconds, lines }]) => [id, { nanoseconds: BigInt(nanoseconds), lines }]),
    );
  } catch {
    return {};
  }
}
