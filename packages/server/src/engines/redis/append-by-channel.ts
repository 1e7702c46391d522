// Appends on a cluster: each channel's part of a batch is a call of its own, and waits behind that channel's calls
// alone, so that a server that says nothing holds up no channel of another. Rules: LOG-1, LOG-16.

import { MillraceError } from '@millrace/protocol';
import type { AppendOutcome, AppendRequest } from '../../seams/log.ts';
import type { AppendBatch } from './append-gather.ts';

/** `createGather`: the calls of one channel, and told when there are none. */
export function createAppendByChannel(
  createGather: (onIdle: () => void) => AppendBatch,
): AppendBatch {
  const gathers = new Map<string, AppendBatch>();

  function appendIn(channel: string, batch: readonly AppendRequest[]): ReturnType<AppendBatch> {
    let gather = gathers.get(channel);
    if (gather === undefined) {
      gather = createGather(() => gathers.delete(channel));
      gathers.set(channel, gather);
    }
    return gather(batch);
  }

  return async (batch) => {
    const places = Map.groupBy(batch.keys(), (place) => batch[place]?.channel ?? '');
    const outcomes: AppendOutcome[] = [];
    const failures: MillraceError[] = [];
    const parts = [...places].map(async ([channel, own]) => {
      try {
        const answers = await appendIn(
          channel,
          own.flatMap((place) => batch[place] ?? []),
        );
        for (const [index, place] of own.entries()) {
          const answer = answers[index];
          if (answer !== undefined) outcomes[place] = answer;
        }
      } catch (thrown) {
        if (!(thrown instanceof MillraceError)) throw thrown;
        failures.push(thrown);
        for (const place of own) outcomes[place] = { error: thrown };
      }
    });
    await Promise.all(parts);
    // What failed in one channel is told of that alone, unless it failed in all.
    if (failures[0] !== undefined && failures.length === places.size) throw failures[0];
    return outcomes;
  };
}
