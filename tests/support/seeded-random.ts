// Randomness that can be repeated: one seed, one sequence. Owns the generator and the choice of a
// run's seed (printed, so that a failing run can be repeated). Not for secrets.

export interface SeededRandom {
  /** Next number in [0, 1). */
  next(): number;
  /** Whole number in [from, to], both included. */
  between(from: number, to: number): number;
  /** One of the items; throws on an empty list. */
  pick<Item>(items: readonly Item[]): Item;
  /** An independent sequence for a part: its draws do not depend on how often the others drew. */
  fork(part: number): SeededRandom;
}

/** SplitMix32: small, passes for test choices, the same on every platform. */
export function createSeededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    return mix(state) / 0x1_0000_0000;
  };
  return {
    next,
    between: (from, to) => from + Math.floor(next() * (to - from + 1)),
    pick(items) {
      const item = items[Math.floor(next() * items.length)];
      if (item === undefined) throw new Error('pick needs at least one item');
      return item;
    },
    fork: (part) => createSeededRandom(mix((seed ^ Math.imul(part + 1, 0x85ebca6b)) >>> 0)),
  };
}

/** The seed of this run: MILLRACE_SEED when set, else a new one. Prints it either way. */
export function seedOfRun(label: string): number {
  const given = process.env['MILLRACE_SEED'];
  const seed = given === undefined ? Math.floor(Math.random() * 0x1_0000_0000) : Number(given);
  if (!Number.isInteger(seed))
    throw new Error(`MILLRACE_SEED must be a whole number, got ${given}`);
  console.info(`${label}: seed ${seed} (repeat with MILLRACE_SEED=${seed})`);
  return seed;
}

function mix(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
