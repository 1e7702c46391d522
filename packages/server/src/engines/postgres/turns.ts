// So many at a time, the others in their order: in front of a pool, whose own queue cannot be left. Who waited there while
// the database went away would still dial, one after the other. Rule: LOG-16.

import { within } from './within.ts';

export interface Turns {
  /** Resolves with what gives the turn back. Rejects with `engine/unavailable` after so long, and takes none later. */
  take(withinMs: number): Promise<() => void>;
}

/** @param most how many at a time; asked anew for each */
export function createTurns(most: () => number): Turns {
  const waiting: (() => void)[] = [];
  let taken = 0;

  function next(): void {
    if (taken >= most()) return;
    const begin = waiting.shift();
    if (begin === undefined) return;
    taken += 1;
    begin();
  }

  function giveBack(): void {
    taken -= 1;
    next();
  }

  return {
    async take(withinMs) {
      if (waiting.length === 0 && taken < most()) {
        taken += 1;
        return giveBack;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push(resolve);
      next();
      try {
        await within(withinMs, promise, giveBack);
      } catch (expired) {
        const place = waiting.indexOf(resolve);
        if (place >= 0) waiting.splice(place, 1);
        throw expired;
      }
      return giveBack;
    },
  };
}
