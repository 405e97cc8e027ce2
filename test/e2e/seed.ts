/** Numbers that look random and come again with the same seed. */
export interface Random {
  readonly seed: number;
  /** From 0 inclusive to 1 exclusive. */
  next(): number;
  pick<T>(values: readonly T[]): T;
}

/** @param seed @default the environment's SEED, else a new one, which the caller prints */
export function seededRandom(seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31))): Random {
  let state = seed >>> 0;
  // mulberry32: 32 bits of state are plenty for choosing among a dozen things.
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    seed,
    next,
    pick: (values) => {
      const value = values[Math.floor(next() * values.length)];
      if (value === undefined) throw new Error("nothing to pick from");
      return value;
    },
  };
}
