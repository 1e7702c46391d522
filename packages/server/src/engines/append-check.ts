// What becomes of an append that has a key, a producer or an expected head: the rule, pure.
// The SQL of the database engine and the script of the Redis engine say the same. Rules: LOG-5, LOG-6, LOG-12, LOG-13.

import type { Expected, MillraceError, Offset, Producer } from '@millrace/protocol';
import type { AppendEvent } from '../seams/log.ts';
import { channelEnded, fenced, headMoved, sequenceGap } from './refusals.ts';

/** What a channel remembers of a producer. */
export interface LastEvent {
  readonly epoch: number;
  readonly sequence: number;
  readonly offset: Offset;
  readonly at: string;
}

export interface CheckedChannel {
  readonly epoch: string;
  readonly head: Offset;
  readonly isEnded: boolean;
}

/** `repeat`: answer with the last event. `last`: what the channel remembers of the producer. */
export function checkAppend(
  { channel: name, expect }: AppendEvent,
  channel: CheckedChannel,
  producer: Producer | null,
  last: LastEvent | undefined,
): 'accept' | 'repeat' | MillraceError {
  if (producer !== null && last !== undefined) {
    if (producer.epoch < last.epoch) return fenced(last.epoch);
    if (producer.epoch === last.epoch && producer.sequence <= last.sequence) return 'repeat';
  }
  if (channel.isEnded) return channelEnded(name);
  if (producer !== null) {
    const next = producer.epoch === last?.epoch ? last.sequence + 1 : 1;
    if (producer.sequence !== next) return sequenceGap(next);
  }
  if (expect !== undefined && !isAt(channel, expect)) {
    return headMoved({ epoch: channel.epoch, offset: channel.head });
  }
  return 'accept';
}

function isAt({ epoch, head }: CheckedChannel, expect: Expected): boolean {
  return expect === 'empty' ? head === 0 : expect.offset === head && expect.epoch === epoch;
}
