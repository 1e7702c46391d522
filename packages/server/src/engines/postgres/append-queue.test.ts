// What one batch's failure does to those that were gathered into the same statement.

import { MillraceError } from '@millrace/protocol';
import { toOffset } from '@millrace/protocol/wire';
import { expect, it } from 'vitest';
import type { AppendOutcome, AppendRequest } from '../../seams/log.ts';
import { event } from '../../testing/engine-cases/engine-case.ts';
import { createAppendQueue } from './append-queue.ts';
import { toEngineError } from './engine-error.ts';

/** A database that throws `refusal` at any statement with an event of channel `bad` in it; `first` holds the queue up. */
function queueOver(refusal: unknown) {
  const statements: string[][] = [];
  const append = createAppendQueue(async (batch) => {
    const channels = batch.map(({ channel }) => channel);
    statements.push(channels);
    await Promise.resolve();
    if (channels.includes('bad')) throw toEngineError(refusal);
    return batch.map(outcome);
  }, 100);
  return { append, statements };
}

function outcome(_request: AppendRequest, index: number): AppendOutcome {
  return {
    cursor: { epoch: 'e', offset: toOffset(index + 1) },
    at: '2026-01-01T00:00:00.000Z',
    isDuplicate: false,
  };
}

async function codesOf(appends: readonly Promise<unknown>[]): Promise<readonly string[]> {
  const settled = await Promise.allSettled(appends);
  return settled.map((one) => {
    if (one.status === 'fulfilled') return 'appended';
    return one.reason instanceof MillraceError ? one.reason.code : 'unknown';
  });
}

it('LOG-2: what the database refuses spoils nothing that was gathered with it', async () => {
  const { append, statements } = queueOver(Object.assign(new Error('NUL'), { code: '22021' }));
  const channels = ['first', 'good', 'bad', 'other'];
  const codes = await codesOf(channels.map((channel) => append([event(channel, 1)])));
  expect(codes).toEqual(['appended', 'appended', 'server/internal', 'appended']);
  expect(statements).toEqual([['first'], ['good', 'bad', 'other'], ['good'], ['bad'], ['other']]);
});

it('LOG-2: a statement whose end is unknown is not sent again', async () => {
  const { append, statements } = queueOver(new Error('Connection terminated'));
  const codes = await codesOf(['first', 'good', 'bad'].map((name) => append([event(name, 1)])));
  expect(codes).toEqual(['appended', 'engine/unavailable', 'engine/unavailable']);
  expect(statements).toEqual([['first'], ['good', 'bad']]);
});
