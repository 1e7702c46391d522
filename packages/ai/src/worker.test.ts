// A node's share of the work where its database fails, or is slow, just then.

import { PGlite } from '@electric-sql/pglite';
import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';
import { readyPglite } from '@millrace/server/testing/servers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BEAT_MS } from './limits.ts';
import type { RunRow } from './store/run-row.ts';
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

const bed = bedOfEach({ beforeAll, afterAll, beforeEach, afterEach }, () => readyPglite(PGlite));

const hanging = { model: modelOf(() => ({ says: texts('It ma'), hangs: true })), messages: asked };
const quick = { model: modelOf(() => ({ says: [...texts('23.'), finished()] })), messages: asked };

/** A run that nobody has. */
async function waiting(): Promise<RunRow> {
  const node = await bed.startNode(() => quick);
  await node.runs.close();
  return (await node.runs.start(question)).run;
}

/** What was asked of the database until now is done, a node's first look too, and what follows from it. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await bed.database.query('select 1');
}

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
    const run = await waiting();
    const node = await bed.startNode(() => quick, { database, budget });
    await waitFor('the failure', () => node.errors.length > 0);
    expect(await node.runs.read(run.id)).toMatchObject({ status: 'queued', fence: 0 });
    isGone = false;
    await bed.database.query("select pg_notify('millrace_ai_runs', 'new')");
    expect((await read(node.hub, run.id)).state).toMatchObject({ status: 'completed', attempt: 1 });
  });

  test.each([
    ['claimed', 'fence = fence + 1'],
    ['accepted', 'insert into millrace.ai_runs'],
  ] as const)(
    'RUN-8: a stop that comes while its run is %s does not wait for a beat',
    async (how, statement) => {
      const run = how === 'claimed' ? await waiting() : null;
      const taken = Promise.withResolvers<string>();
      const heard = Promise.withResolvers<void>();
      const release = Promise.withResolvers<void>();
      const database = databaseWith({
        async transaction(work) {
          let id: unknown;
          const result = await bed.database.transaction(({ query }) =>
            work({
              async query(sql, params) {
                const rows = await query(sql, params);
                if (sql.includes(statement)) id ??= rows[0]?.['id'];
                return rows;
              },
            }),
          );
          if (typeof id !== 'string') return result;
          taken.resolve(id);
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
      const started = run === null ? node.runs.start(question) : null;
      const id = await taken.promise;
      await node.runs.stop(id, 'ada');
      await heard.promise;
      const from = performance.now();
      release.resolve();
      await started;
      expect((await read(node.hub, id)).state).toMatchObject({ status: 'stopped', attempt: 1 });
      expect(performance.now() - from).toBeLessThan(BEAT_MS / 2);
    },
  );

  test('RUN-7: what is accepted where there is room is that node’s from its first row on; else it waits for one', async () => {
    const first = await bed.startNode(() => hanging, { maxOwned: 1 });
    await quiet();
    const mine = await first.runs.start(question);
    expect(mine.run).toMatchObject({ status: 'running', fence: 1 });
    const full = await first.runs.start({ ...question, conversationId: 'c2' });
    expect(full.run).toMatchObject({ status: 'queued', owner: null, fence: 0 });
    const other = await bed.startNode(() => quick);
    expect((await read(other.hub, full.run.id)).state).toMatchObject({ status: 'completed' });
    const behind = await other.runs.start({ ...question, overlap: 'queue' });
    expect(behind.run).toMatchObject({ status: 'queued', owner: null });
    expect(await first.runs.read(mine.run.id)).toMatchObject({ owner: mine.run.owner, deaths: 0 });
  });

  test('RUN-7: what is claimed just now takes its room', async () => {
    const claimed = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const database = databaseWith({
      async transaction(work) {
        let isClaim = false;
        const result = await bed.database.transaction(({ query }) =>
          work({
            query(sql, params) {
              isClaim ||= sql.includes('fence = fence + 1');
              return query(sql, params);
            },
          }),
        );
        if (!isClaim) return result;
        claimed.resolve();
        await release.promise;
        return result;
      },
    });
    const first = await waiting();
    const node = await bed.startNode(() => hanging, { database, maxOwned: 1 });
    await claimed.promise;
    const ofOther = (conversationId: string) => node.runs.start({ ...question, conversationId });
    const second = await ofOther('c2');
    expect(second.run).toMatchObject({ status: 'queued', owner: null });
    release.resolve();
    await untilText(node.hub, first.id, 'It ma');
  });

  test('RUN-7: what is accepted now does not overtake what waits for room', async () => {
    const release = Promise.withResolvers<void>();
    let isHeld = false;
    const database = databaseWith({
      async query(sql, params) {
        if (isHeld && sql.includes('jsonb_to_recordset')) await release.promise;
        return bed.database.query(sql, params);
      },
    });
    const node = await bed.startNode(() => hanging, { database, maxOwned: 2 });
    await quiet();
    const start = async (conversationId: string) =>
      (await node.runs.start({ ...question, conversationId })).run;
    const [first, second, third] = [await start('c1'), await start('c2'), await start('c3')];
    expect([first.status, second.status, third.status]).toEqual(['running', 'running', 'queued']);
    // There is room from now on, and nobody has looked yet who it is for.
    isHeld = true;
    await node.runs.stop(first.id, 'ada');
    await read(node.hub, first.id);
    await quiet();
    expect(await start('c4')).toMatchObject({ status: 'queued', owner: null });
    release.resolve();
    await untilText(node.hub, third.id, 'It ma');
  });

  test('RUN-7: a start whose answer is lost is answered all the same, and nobody has died of it', async () => {
    let isLost = false;
    const database = databaseWith({
      async transaction(work) {
        const result = await bed.database.transaction(work);
        if (!isLost) return result;
        isLost = false;
        throw new Error('the line broke');
      },
    });
    const node = await bed.startNode(() => quick, { database });
    await quiet();
    isLost = true;
    await expect(node.runs.start(question)).rejects.toThrow('the line broke');
    const [row] = await bed.database.query('select id from millrace.ai_runs');
    const { state } = await read(node.hub, String(row?.['id']));
    expect(state).toMatchObject({ status: 'completed', attempt: 2 });
    expect(await node.runs.read(String(row?.['id']))).toMatchObject({ deaths: 0 });
  });

  test('RUN-7: what is accepted while its node closes is given back with the rest', async () => {
    const deaf = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    let isHeld = false;
    const database = databaseWith({
      async transaction(work) {
        if (isHeld) await release.promise;
        return bed.database.transaction(work);
      },
      async listen(...of) {
        const unlisten = await bed.database.listen(...of);
        return async () => {
          await unlisten();
          deaf.resolve();
        };
      },
    });
    const node = await bed.startNode(() => hanging, { database });
    isHeld = true;
    const started = node.runs.start(question);
    const closed = node.runs.close();
    // What it would give back without waiting it has asked for by then.
    await deaf.promise;
    await quiet();
    release.resolve();
    const { run } = await started;
    await closed;
    expect(await node.runs.read(run.id)).toMatchObject({
      status: 'running',
      owner: null,
      deaths: 0,
    });
    const other = await bed.startNode(() => quick);
    expect((await read(other.hub, run.id)).state).toMatchObject({ status: 'completed' });
  });

  test('RUN-7: who cannot hear is not made, and gives back what it had taken', async () => {
    const run = await waiting();
    const rowOf = async () => (await bed.database.query('select * from millrace.ai_runs'))[0];
    const isTaken = async () => (await rowOf())?.['status'] === 'running';
    const database = databaseWith({
      async listen() {
        await waitFor('the claim', isTaken);
        throw new Error('no line');
      },
    });
    await expect(bed.startNode(() => hanging, { database })).rejects.toThrow('no line');
    expect(await rowOf()).toMatchObject({ owner: null });
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
