// What the log refuses an append with, in the same words on every engine. Rules: LOG-6, LOG-12, LOG-13.

import { type Cursor, encodeCursor, MillraceError } from '@millrace/protocol';

export function channelEnded(channel: string): MillraceError {
  return new MillraceError(
    'channel/ended',
    `The channel "${channel}" has ended and takes no more events.`,
  );
}

export function fenced(epoch: number): MillraceError {
  return new MillraceError(
    'publish/fenced',
    `This producer has gone on with epoch ${epoch}: somebody took over. Stop.`,
    { details: { epoch } },
  );
}

export function sequenceGap(expected: number): MillraceError {
  return new MillraceError(
    'publish/sequence-gap',
    `The producer's next sequence here is ${expected}. Publish what is missing, or begin a new epoch at 1.`,
    { details: { expected } },
  );
}

export function headMoved(head: Cursor): MillraceError {
  const text = encodeCursor(head);
  return new MillraceError(
    'publish/conflict',
    `The channel's head is ${text}, not where it was expected. Read on, then decide again.`,
    { details: { head: text } },
  );
}
