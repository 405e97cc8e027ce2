import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import type { Owner } from "../leftOvers.ts";
import { dataDir } from "../paths.ts";

const journalSchema = z.object({ volumes: z.array(z.string()) });

/**
 * Which volumes were gone when a recovery began. An update makes them anew and empty, and from then on only this file
 * knows that their data is still to come: it survives a recovery that is killed.
 */
export class RecoveryJournal {
  private readonly file: string;

  constructor({ estate, stack }: Owner, folder = dataDir()) {
    this.file = join(folder, "recovery", `${estate}-${stack}.json`);
  }

  /** Volumes whose data is still to come. */
  get volumes(): string[] {
    return existsSync(this.file) ? journalSchema.parse(JSON.parse(readFileSync(this.file, "utf8"))).volumes : [];
  }

  add(volumes: readonly string[]): void {
    this.write([...new Set([...this.volumes, ...volumes])].sort());
  }

  done(volume: string): void {
    this.write(this.volumes.filter((each) => each !== volume));
  }

  private write(volumes: readonly string[]): void {
    if (volumes.length === 0) {
      rmSync(this.file, { force: true });
      return;
    }
    mkdirSync(dirname(this.file), { recursive: true, mode: 0o700 });
    writeFileSync(`${this.file}.new`, JSON.stringify({ volumes }), { mode: 0o600, flush: true });
    renameSync(`${this.file}.new`, this.file);
  }
}
