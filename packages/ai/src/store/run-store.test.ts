// The rows of runs on PGlite: one at work in a conversation, one owner at a time, whatever starts, stops and dies.

import { PGlite } from '@electric-sql/pglite';
import { pgliteDatabase } from '@millrace/server/postgres';
import { readyPglite } from '@millrace/server/testing/servers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { LEASE_MS, RUN_LIMITS } from '../limits.ts';
import { migrateRuns } from './run-schema.ts';
import {
  acceptRun,
  beatRuns,
  claimRuns,
  type Ended,
  finishRun,
  type NewRun,
  type Overlap,
  readActiveRun,
  readRunById,
  requestStop,
} from './run-store.ts';

let pglite: PGlite;
let database: ReturnType<typeof pgliteDatabase>;

beforeAll(async () => {
  pglite = await readyPglite(PGlite);
  database = pgliteDatabase(pglite);
  await migrateRuns(database);
  await migrateRuns(database);
});

afterAll(() => pglite.close());

beforeEach(async () => {
  await database.query('truncate millrace.ai_runs cascade');
});

function accept(
  run: Partial<NewRun> & { readonly id: string },
  overlap: Overlap = 'queue',
  owner: string | null = null,
) {
  const whole: NewRun = {
    ...{ conversationId: 'c1', userId: 'ada', messageId: `m-${run.id}`, key: null },
    ...{ retryOf: null, prefix: null },
    ...{ settings: { model: 'built-in' }, question: { text: 'Why?' } },
    ...run,
  };
  return database.transaction((tx) => acceptRun(tx, whole, { overlap, limits: RUN_LIMITS, owner }));
}

const beat = (...ids: readonly string[]) =>
  beatRuns(
    database,
    'node-a',
    ids.map((id) => ({ id, inputTokens: 3, outputTokens: 2 })),
  );
const claim = (owner: string, most = 10) => claimRuns(database, owner, most);
const idsOf = (runs: readonly { readonly id: string }[]): string[] =>
  runs.map(({ id }) => id).sort();
const statusOf = async (id: string) => (await readRunById(database, id))?.status;

/** As if its owner had not beaten for so long. */
function expire(id: string): Promise<unknown> {
  return database.query(
    `update millrace.ai_runs set lease_until = lease_until - interval '${LEASE_MS + 1} ms' where id = '${id}'`,
  );
}

const completed: Ended = {
  ...{ status: 'completed', finishReason: 'stop', error: null, partial: null },
  usage: { inputTokens: 10, outputTokens: 3_000_000_000, isEstimated: false },
};

describe('the rows of runs', () => {
  test('RUN-6: a start that is repeated under its key answers with the same run', async () => {
    const first = await accept({ id: 'r1', key: 'k' });
    const second = await accept({ id: 'r2', key: 'k' });
    const other = await accept({ id: 'r3', key: 'k', conversationId: 'c2' });
    expect([first.is, second.is, other.is]).toEqual(['new', 'known', 'new']);
    expect(second).toMatchObject({
      run: { id: 'r1', question: { text: 'Why?' }, status: 'queued' },
    });
    expect(await readRunById(database, 'r2')).toBeNull();
  });

  test('RUN-6: of a conversation one is at work; others wait in their order, are refused, or stop it', async () => {
    await accept({ id: 'r1' });
    await accept({ id: 'r2' });
    await accept({ id: 'o1', conversationId: 'other' });
    expect(idsOf(await claim('node-a'))).toEqual(['o1', 'r1']);
    expect(await claim('node-b')).toEqual([]);
    expect(await accept({ id: 'r3' }, 'reject')).toEqual({ is: 'busy', by: 'r1' });
    const interrupting = await accept({ id: 'r4', userId: 'bob' }, 'interrupt');
    expect(interrupting).toMatchObject({
      is: 'new',
      stopping: [
        { id: 'r1', status: 'stopping', stoppedBy: 'bob' },
        { id: 'r2', status: 'stopped', stoppedBy: 'bob' },
      ],
    });
    expect(await claim('node-b')).toEqual([]);
    await finishRun(database, { id: 'r1', owner: 'node-a', fence: 1 }, completed);
    expect(idsOf(await claim('node-b'))).toEqual(['r4']);
  });

  test('RUN-7: accepted by an owner it is at work from its row on, unless something is ahead of it', async () => {
    const first = await accept({ id: 'r1', key: 'k' }, 'queue', 'node-a');
    expect(first).toMatchObject({ run: { status: 'running', owner: 'node-a', fence: 1 } });
    expect(await claim('node-b')).toEqual([]);
    expect(await beat('r1')).toMatchObject([{ id: 'r1' }]);
    const known = await accept({ id: 'r2', key: 'k' }, 'queue', 'node-b');
    expect(known).toMatchObject({ is: 'known', run: { id: 'r1', owner: 'node-a', fence: 1 } });
    const behind = await accept({ id: 'r3' }, 'queue', 'node-b');
    expect(behind).toMatchObject({ run: { status: 'queued', owner: null, fence: 0 } });
    const instead = await accept({ id: 'r4' }, 'interrupt', 'node-b');
    expect(instead).toMatchObject({ run: { status: 'queued', owner: null, fence: 0 } });
    await finishRun(database, { id: 'r1', owner: 'node-a', fence: 1 }, completed);
    expect(await claim('node-b')).toMatchObject([{ id: 'r4', fence: 1, deaths: 0 }]);
  });

  test('RUN-7: whoever does not beat is replaced, with a higher fence, and can end nothing any more', async () => {
    await accept({ id: 'r1' });
    const [taken] = await claim('node-a');
    expect(taken).toMatchObject({ fence: 1, status: 'running', owner: 'node-a' });
    expect(idsOf(await beat('r1', 'r9'))).toEqual(['r1']);
    expect(await claim('node-b')).toEqual([]);
    await expire('r1');
    expect(await claim('node-b')).toMatchObject([{ id: 'r1', fence: 2, owner: 'node-b' }]);
    expect(await beat('r1')).toEqual([]);
    expect(
      await finishRun(database, { id: 'r1', owner: 'node-a', fence: 1 }, completed),
    ).toBeNull();
    const ended = await finishRun(database, { id: 'r1', owner: 'node-b', fence: 2 }, completed);
    expect(ended).toMatchObject({ status: 'completed', usage: completed.usage });
    expect(
      await finishRun(database, { id: 'r1', owner: 'node-b', fence: 2 }, completed),
    ).toBeNull();
  });

  test('RUN-7: one that was asked to stop is still to be stopped by whoever takes it over', async () => {
    await accept({ id: 'r1' });
    await claim('node-a');
    await requestStop(database, 'r1', 'ada');
    await expire('r1');
    expect(await claim('node-b')).toMatchObject([
      { status: 'stopping', stoppedBy: 'ada', fence: 2 },
    ]);
  });

  test('RUN-8: a stop is of one run, from whomever, as often as they like', async () => {
    await accept({ id: 'r1' });
    await accept({ id: 'r2' });
    await claim('node-a');
    expect(await requestStop(database, 'r1', 'ada')).toMatchObject({ status: 'stopping' });
    expect(await requestStop(database, 'r1', 'bob')).toMatchObject({ stoppedBy: 'ada' });
    expect(await beat('r1')).toMatchObject([{ status: 'stopping' }]);
    await finishRun(
      database,
      { id: 'r1', owner: 'node-a', fence: 1 },
      { ...completed, status: 'stopped', partial: [{ type: 'text', text: 'It ma' }] },
    );
    expect(await requestStop(database, 'r1', 'ada')).toBeNull();
    expect(await requestStop(database, 'unknown', 'ada')).toBeNull();
    expect(await statusOf('r2')).toBe('queued');
    expect(await requestStop(database, 'r2', 'ada')).toMatchObject({ status: 'stopped' });
    expect(await claim('node-a')).toEqual([]);
  });

  test('RUN-6: a conversation has the run at work, then the one that waits, then for a moment the last that ended', async () => {
    const active = async (graceMs: number) => (await readActiveRun(database, 'c1', graceMs))?.id;
    expect(await active(60_000)).toBeUndefined();
    await accept({ id: 'r1' });
    await accept({ id: 'r2' });
    expect(await active(0)).toBe('r1');
    await claim('node-a');
    const end = (id: string) => finishRun(database, { id, owner: 'node-a', fence: 1 }, completed);
    await end('r1');
    expect(await active(60_000)).toBe('r2');
    await claim('node-a');
    await end('r2');
    expect(await active(60_000)).toBe('r2');
    expect(await active(0)).toBeUndefined();
  });

  test('RUN-7: a node takes no more than it asked for', async () => {
    for (const id of ['r1', 'r2', 'r3']) await accept({ id, conversationId: id });
    expect(await claim('node-a', 2)).toHaveLength(2);
    expect(await claim('node-b', 2)).toHaveLength(1);
  });
});
