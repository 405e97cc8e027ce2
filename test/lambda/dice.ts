import { createHash } from "node:crypto";

/** Random numbers that a seed decides. */
export class Dice {
  private readonly seed: number;
  private rolls = 0;

  constructor(seed: number) {
    this.seed = seed;
  }

  private roll(): Buffer {
    this.rolls += 1;
    return createHash("sha256").update(`${this.seed} ${this.rolls}`).digest();
  }

  below(count: number): number {
    return this.roll().readUInt32BE(0) % count;
  }

  /** As often as that of a thousand times. */
  hits(perThousand: number): boolean {
    return this.below(1000) < perThousand;
  }

  id(): string {
    return this.roll().toString("hex").slice(0, 32);
  }
}
