// The epoch of each channel that has no record, so that one that was forgotten never has an old one again.
// Costs a map's entry for each forgotten name until it is used again, up to a bound. Rules: LOG-4, LOG-14, CUR-4.

export interface Epochs {
  /** The epoch that the channel's first append will keep. */
  of(name: string): string;
  /** The channel has a record now, which holds its epoch. */
  taken(name: string): void;
  /** Gives the channel, which has no record any more, an epoch that none had before. */
  renew(name: string): string;
}

/** `maxNames`: past it every channel without a record gets another epoch: a false gap for who read it empty. */
export function createEpochs(token: string, maxNames: number): Epochs {
  const renewed = new Map<string, string>();
  let common = token;
  let count = 0;

  return {
    of: (name) => renewed.get(name) ?? common,
    taken: (name) => void renewed.delete(name),
    renew(name) {
      count += 1;
      const epoch = `${token}-${count}`;
      if (renewed.size < maxNames) {
        renewed.set(name, epoch);
      } else {
        renewed.clear();
        common = epoch;
      }
      return epoch;
    },
  };
}
