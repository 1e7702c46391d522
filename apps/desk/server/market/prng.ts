// Seeded randomness: sfc32 ("small fast counting", Chris Doty-Humphrey, PractRand, public domain),
// 128 bits of state of which 32 are a counter, so no seed falls into a short cycle.
// A stream is named by a path: fork('x') depends on the parent's path only, never on how much the
// parent has drawn, so adding a draw in one place leaves every other stream as it was.
import { z } from 'zod';

export type RandomState = { path: string; words: [number, number, number, number] };

export const randomStateSchema: z.ZodType<RandomState> = z.object({
  path: z.string(),
  words: z.tuple([z.int32(), z.int32(), z.int32(), z.int32()]),
});

export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  uniform(): number;
  /** Uniform integer in [0, below); `below` at most 2³². */
  integer(below: number): number;
  /** Mean 0, deviation 1. The sum of twelve uniforms: exact arithmetic, never beyond ±6. */
  normal(): number;
  /** The independent stream `<path>/<label>`, from its beginning. */
  fork(label: string): Random;
  snapshot(): RandomState;
}

/** A stream of its own for each seed text. */
export function createRandom(seed: string): Random {
  const random = restoreRandom(firstState(seed));
  // The generator's author lets it mix for twelve rounds before the first number is used.
  for (let n = 0; n < 12; n += 1) random.uniform();
  return random;
}

/** Goes on exactly where `snapshot()` was taken. */
export function restoreRandom(state: RandomState): Random {
  const { path } = state;
  let [a, b, c, counter] = state.words;

  const bits = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  const uniform = (): number => bits() / 4_294_967_296;

  return {
    uniform,
    integer: (below) => Math.floor(uniform() * below),
    normal() {
      let sum = -6;
      for (let n = 0; n < 12; n += 1) sum += uniform();
      return sum;
    },
    fork: (label) => createRandom(`${path}/${label}`),
    snapshot: () => ({ path, words: [a, b, c, counter] }),
  };
}

/** One of `items`, each equally likely. */
export function pick<Item>(random: Random, items: readonly [Item, ...Item[]]): Item {
  return items[random.integer(items.length)] ?? items[0];
}

/** Four differently started FNV-1a hashes of the text, each finished with MurmurHash3's mixer. */
function firstState(path: string): RandomState {
  const lane = (start: number): number => {
    let hash = start;
    for (let n = 0; n < path.length; n += 1) {
      hash = Math.imul(hash ^ path.charCodeAt(n), 0x01000193);
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) | 0;
  };
  return { path, words: [lane(0x811c9dc5), lane(0x9e3779b9), lane(0x243f6a88), 1] };
}
