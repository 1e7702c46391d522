// A node's share of the work where its database fails, or is slow, just then.

import { PGlite } from '@electric-sql/pglite';
import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BEAT_MS } from './limits.ts';
import {
  asked,
  bedOfEach,
  finished,
  modelOf,
  question,
  read,
  texts,
  untilText,
  waitFor,
} from './testing/run-bed.ts';

const bed = bedOfEach({ beforeAll, afterAll, beforeEach, afterEach }, () => PGlite.create());

const hanging = { model: modelOf(() => ({ says: texts('It ma'), hangs: true })), messages: asked };
const quick = { model: modelOf(() => ({ says: [...texts('23.'), finished()] })), messages: asked };

/** The bed's, with some of it replaced. */
function databaseWith(more: Partial<SqlDatabase>): SqlDatabase {
  const { query, transaction, listen } = bed.database;
  return { query, transaction, listen, ...more };
}

describe('the work of a node', () => {
  test('RUN-7: a run is claimed with what its user spent, or not at all: nobody has died of it', async () => {
    let isGone = true;
    const failing = ({ query }: SqlTransaction): SqlTransaction['query'] => {
      return (sql, params) => {
        const isSpending = sql.includes('select user_id, sum(');
        return isGone && isSpending ? Promise.reject(new Error('gone')) : query(sql, params);
      };
    };
    const database = databaseWith({
      query: failing(bed.database),
      transaction: (run) => bed.database.transaction((tx) => run({ query: failing(tx) })),
    });
    const budget = { tokensPerUser: 1_000, windowMs: 60_000 };
    const node = await bed.startNode(() => quick, { database, budget });
    const { run } = await node.runs.start(question);
    await waitFor('the failure', () => node.errors.length > 0);
    expect(await node.runs.read(run.id)).toMatchObject({ status: 'queued', fence: 0 });
    isGone = false;
    await bed.database.query("select pg_notify('millrace_ai_runs', 'new')");
    expect((await read(node.hub, run.id)).state).toMatchObject({ status: 'completed', attempt: 1 });
  });

  test('RUN-8: a stop that comes while its run is being taken does not wait for a beat', async () => {
    const claimed = Promise.withResolvers<void>();
    const heard = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const database = databaseWith({
      async transaction(run) {
        let hasClaimed = false;
        const result = await bed.database.transaction(({ query }) =>
          run({
            async query(sql, params) {
              const rows = await query(sql, params);
              hasClaimed ||= sql.includes('fence = fence + 1') && rows.length > 0;
              return rows;
            },
          }),
        );
        if (!hasClaimed) return result;
        claimed.resolve();
        await release.promise;
        return result;
      },
      listen: (channel, listener, missed) =>
        bed.database.listen(
          channel,
          (word) => {
            listener(word);
            if (word.startsWith('stop')) heard.resolve();
          },
          missed,
        ),
    });
    const node = await bed.startNode(() => hanging, { database });
    const { run } = await node.runs.start(question);
    await claimed.promise;
    await node.runs.stop(run.id, 'ada');
    await heard.promise;
    const from = performance.now();
    release.resolve();
    expect((await read(node.hub, run.id)).state).toMatchObject({ status: 'stopped' });
    expect(performance.now() - from).toBeLessThan(BEAT_MS / 2);
  });

  test('RUN-7: who cannot hear is not made, and gives back what it had taken', async () => {
    const first = await bed.startNode(() => quick);
    await first.runs.close();
    const { run } = await first.runs.start(question);
    const isTaken = async () => (await first.runs.read(run.id))?.status === 'running';
    const database = databaseWith({
      async listen() {
        await waitFor('the claim', isTaken);
        throw new Error('no line');
      },
    });
    await expect(bed.startNode(() => hanging, { database })).rejects.toThrow('no line');
    expect(await first.runs.read(run.id)).toMatchObject({ owner: null });
    const other = await bed.startNode(() => quick);
    expect((await read(other.hub, run.id)).state).toMatchObject({ status: 'completed' });
    expect(await other.runs.read(run.id)).toMatchObject({ deaths: 0 });
  });

  test('RUN-7: a node whose line cannot be closed gives its runs back all the same', async () => {
    const database = databaseWith({
      listen: () => Promise.resolve(() => Promise.reject(new Error('no line'))),
    });
    const node = await bed.startNode(() => hanging, { database });
    const { run } = await node.runs.start(question);
    await untilText(node.hub, run.id, 'It ma');
    bed.forget(node);
    await expect(node.runs.close()).rejects.toThrow('no line');
    expect(await node.runs.read(run.id)).toMatchObject({ owner: null, deaths: 0 });
  });
});
