// The relay beside a log in memory: who relays, what waits, what goes aside, what is in doubt.

import { PGlite } from '@electric-sql/pglite';
import { MillraceError } from '@millrace/protocol';
import { encodeEventBody } from '@millrace/protocol/wire';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { memoryEngine } from '../engines/memory/memory-engine.ts';
import { pgliteDatabase } from '../engines/postgres/pglite-database.ts';
import type { SqlDatabase, SqlRow } from '../seams/database.ts';
import type { Log } from '../seams/log.ts';
import { eventually } from '../testing/check.ts';
import { dataOf, readAll } from '../testing/engine-cases/engine-case.ts';
import { neverRelays, type OutboxSubject, runOutbox } from '../testing/outbox-subject.ts';
import { readyPglite } from '../testing/ready-pglite.ts';
import { waitUntil } from '../testing/waiting.ts';
import type { OutboxRequest } from './outbox-row.ts';
import { migrateOutbox } from './outbox-schema.ts';

let pglite: PGlite;
let database: SqlDatabase;
let log: Log;
let named = 0;

beforeAll(async () => {
  pglite = await readyPglite(PGlite);
  database = pgliteDatabase(pglite);
});
beforeEach(async () => {
  await pglite.exec('drop schema if exists millrace cascade');
  await migrateOutbox(database);
  log = memoryEngine().log;
});
afterAll(() => pglite.close());

function said(data: unknown, channel = 'a'): OutboxRequest {
  named += 1;
  return {
    channel,
    body: encodeEventBody({ type: 'said', data, id: `id ${named}` }),
    key: `key ${named}`,
  };
}

async function commit({ outbox }: OutboxSubject, ...requests: OutboxRequest[]): Promise<void> {
  await database.transaction((tx) => outbox.write(tx, requests));
}

const rows = (sql: string): Promise<readonly SqlRow[]> => database.query(sql, []);
const waiting = async (): Promise<unknown> =>
  (await rows('select count(*)::float8 as n from millrace.outbox'))[0]?.['n'];
const drained = (): Promise<void> => eventually(async () => (await waiting()) === 0, 'none waits');
const kept = async (channel = 'a'): Promise<unknown[]> => dataOf(await readAll(log, channel));

test('OUT-4: of many hubs one relays; when it closes another one does at once', async () => {
  const subjects = Array.from({ length: 4 }, () => runOutbox({ database, log }));
  const relaying = (): OutboxSubject[] =>
    subjects.filter(({ outbox }) => outbox.stats().isRelaying);
  await waitUntil('one that relays', () => relaying().length === 1);
  for (let round = 0; round < 3; round += 1) {
    const [holder] = relaying();
    await commit(subjects[0]!, said(round));
    await drained();
    expect(relaying()).toEqual([holder]);
    await holder?.outbox.close();
    await waitUntil('the next one', () => relaying().length === 1);
    expect(relaying()).not.toEqual([holder]);
  }
  expect(await kept()).toEqual([0, 1, 2]);
  for (const { outbox, errors } of subjects) {
    await outbox.close();
    expect(errors).toEqual([]);
  }
});

test('OUT-4: one that died is followed once its lease has lapsed, not before', async () => {
  let isDying = false;
  await using dead = runOutbox({ database, log, isKilledAt: () => isDying });
  await waitUntil('the first one', () => dead.outbox.stats().isRelaying);
  await using other = runOutbox({ database, log });
  isDying = true;
  // Before the renewal: its answer may take a while.
  const diedAt = performance.now();
  await rows(`update millrace.outbox_relay set renewed_at = clock_timestamp()`);
  await commit(other, said('left'));
  await drained();
  const tookMs = performance.now() - diedAt;
  // A lease of 300 ms, looked at every 50: the real ones are twenty and forty times that.
  expect(tookMs).toBeGreaterThan(290);
  expect(tookMs).toBeLessThan(900);
  expect(await kept()).toEqual(['left']);
});

test('OUT-4: a database that was started since, or whose clock was set back, voids the lease', async () => {
  for (const renewedAt of [
    `pg_postmaster_start_time() - interval '1 ms'`,
    `now() + interval '1 h'`,
  ]) {
    await rows(`update millrace.outbox_relay
      set holder = gen_random_uuid(), renewed_at = ${renewedAt}`);
    await using subject = runOutbox({ database, log, timing: { leaseMs: 60_000 } });
    await commit(subject, said(renewedAt));
    await drained();
  }
  expect(await kept()).toHaveLength(2);
});

test('OUT-6, OUT-2: what is out of reach alone waits alone, and is there once', async () => {
  const { errors, isAway, subject } = runBesideAway();
  await using _ = subject;
  await commit(subject, said(1, 'far'), said(1), said(2, 'far'), { channel: 'far', isEnd: true });
  await eventually(async () => (await kept()).length === 1, 'the channel that is near has it');
  await waitUntil('it is tried again', () => errors().length >= 2);
  expect(await waiting()).toBe(3);
  expect(await rows('select code from millrace.outbox_refused')).toEqual([]);
  expect(new Set(errors())).toEqual(new Set(['engine/unavailable']));
  isAway.now = false;
  await drained();
  // The first try had been carried out, and its answer was lost.
  expect(await kept('far')).toEqual([1, 2]);
  expect(await kept()).toEqual([1]);
  expect((await readAll(log, 'far')).isEnded).toBe(true);
});

/** As on a cluster one of whose servers carries out what it is asked, and does not answer. */
function runBesideAway(): {
  readonly subject: OutboxSubject;
  readonly isAway: { now: boolean };
  readonly errors: () => string[];
} {
  const isAway = { now: true };
  const error = new MillraceError('engine/unavailable', 'That server did not answer.');
  const subject = runOutbox({
    database,
    log: {
      ...log,
      async append(batch) {
        const outcomes = await log.append(batch);
        return outcomes.map((outcome, index) =>
          isAway.now && batch[index]?.channel === 'far' ? { error } : outcome,
        );
      },
    },
  });
  return { subject, isAway, errors: () => subject.errors.map(({ code }) => code) };
}

test('OUT-5: what is refused for good goes aside with its reason, is told, and holds up nothing', async () => {
  await log.append([{ channel: 'over', isEnd: true }]);
  await using subject = runOutbox({ database, log });
  const requests = [
    said(1),
    said('no\u0000more', 'over'),
    said(2),
    { ...said(3), expect: 'empty' as const },
    said(4),
  ];
  await commit(subject, ...requests);
  await rows(`insert into millrace.outbox (channel, kind, body, conditions) values
    ('a', 'hymn', null, '{}'), ('a', 'event', 'x', '{}'), ('a', 'event', 'x', '{"key": 7}')`);
  await commit(subject, said(5));
  await drained();
  expect(await kept()).toEqual([1, 2, 4, 5]);
  const refused = await rows(
    'select channel, kind, code, reason from millrace.outbox_refused order by id',
  );
  expect(refused.map(({ channel, kind, code }) => [channel, kind, code].join(' '))).toEqual([
    'over event channel/ended',
    'a event publish/conflict',
    'a hymn protocol/malformed',
    'a event protocol/malformed',
    'a event protocol/malformed',
  ]);
  await waitUntil('all told', () => subject.errors.length === 5);
  expect(subject.errors[0]).toMatchObject({
    code: 'channel/ended',
    message: expect.stringContaining('millrace.outbox_refused'),
    details: { channel: 'over', outboxId: expect.any(Number) },
  });
  await waitUntil('counted', () => subject.outbox.stats().refused === 5);
  // Put back by hand once the reason is gone.
  await log.forget('over');
  await rows(`with again as (delete from millrace.outbox_refused where code = 'channel/ended' returning *)
    insert into millrace.outbox (channel, kind, body, conditions)
    select channel, kind, body, conditions from again`);
  await drained();
  expect(await kept('over')).toEqual(['no\u0000more']);
});

test('OUT-5: a row that only ever fails goes aside while others pass, and waits while none does', async () => {
  let failing = /poison/;
  const append: Log['append'] = (batch) =>
    batch.some((request) => 'body' in request && failing.test(request.body))
      ? Promise.reject(new Error('a defect'))
      : log.append(batch);
  await using subject = runOutbox({ database, log: { ...log, append } });
  await commit(subject, said(1), said('poison'), said(2), { channel: 'b', isEnd: true });
  await drained();
  expect(await kept()).toEqual([1, 2]);
  expect((await readAll(log, 'b')).isEnded).toBe(true);
  expect(await rows('select code from millrace.outbox_refused')).toEqual([
    { code: 'server/internal' },
  ]);
  // Now it fails for all, which is no row's fault.
  failing = /./;
  await commit(subject, said(3), said(4));
  const before = subject.errors.length;
  await waitUntil('many attempts', () => subject.errors.length > before + 7, 14_000);
  expect(await waiting()).toBe(2);
  failing = /never/;
  await drained();
  expect(await kept()).toEqual([1, 2, 3, 4]);
});

test('OUT-6: out of reach, rows wait without a busy loop, and follow exactly; another hub may try', async () => {
  let isDown = true;
  let attempts = 0;
  const append: Log['append'] = (batch) => {
    attempts += 1;
    return isDown ? Promise.reject(unavailable()) : log.append(batch);
  };
  await using cutOff = runOutbox({ database, log: { ...log, append } });
  await waitUntil('the first one', () => cutOff.outbox.stats().isRelaying);
  await commit(cutOff, ...[1, 2, 3].map((n) => said(n)));
  await waitUntil('a lease given up', () => !cutOff.outbox.stats().isRelaying);
  expect(attempts).toBe(3);
  expect(await kept()).toEqual([]);
  {
    await using reaching = runOutbox({ database, log });
    await drained();
    expect(reaching.errors).toEqual([]);
  }
  isDown = false;
  await commit(cutOff, said(4));
  await drained();
  expect(await kept()).toEqual([1, 2, 3, 4]);
  expect(new Set(cutOff.errors.map(({ code }) => code))).toEqual(new Set(['engine/unavailable']));
});

test('OUT-6: a database out of reach is asked again, with pauses', async () => {
  let isDown = true;
  let asked = 0;
  const ask = <Result>(work: () => Promise<Result>): Promise<Result> => {
    asked += 1;
    return isDown ? Promise.reject(new Error('connection refused')) : work();
  };
  const flaky: SqlDatabase = {
    query: (sql, params) => ask(() => database.query(sql, params)),
    transaction: (work) => ask(() => database.transaction(work)),
    listen: (channel, listener) => ask(() => database.listen(channel, listener)),
  };
  await using subject = runOutbox({ database: flaky, log });
  await expect(commit(subject, said(0))).rejects.toMatchObject({ code: 'engine/unavailable' });
  await waitUntil('a few attempts', () => asked >= 4);
  expect(subject.errors.length).toBeLessThan(6);
  isDown = false;
  await eventually(
    () =>
      commit(subject, said(1)).then(
        () => true,
        () => false,
      ),
    'a publish is taken again',
  );
  await drained();
  isDown = true;
  await commit(subject, said(2));
  const { length } = subject.errors;
  await waitUntil('told', () => subject.errors.length > length);
  isDown = false;
  await drained();
  expect(await kept()).toEqual([1, 2]);
});

test('OUT-7: a full outbox refuses, says how full it is, and takes again once it has drained', async () => {
  let isDown = true;
  const append: Log['append'] = (batch) =>
    isDown ? Promise.reject(unavailable()) : log.append(batch);
  await using subject = runOutbox({
    ...{ database, log: { ...log, append } },
    limits: { maxOutboxEvents: 10 },
  });
  const { outbox } = subject;
  await commit(subject, ...Array.from({ length: 700 }, (_, n) => said(n)));
  await waitUntil('seen', () => outbox.stats().waiting > 10);
  expect(outbox.stats()).toMatchObject({ refused: 0, oldestMs: expect.any(Number) });
  await expect(commit(subject, said('over'))).rejects.toMatchObject({
    code: 'server/overloaded',
    details: { retryAfterMs: expect.any(Number) },
  });
  isDown = false;
  await waitUntil('drained', () => outbox.stats().waiting === 0, 10_000);
  await commit(subject, said('again'));
  await drained();
  expect(await kept()).toEqual([...Array.from({ length: 700 }, (_, n) => n), 'again']);
});

test('a long backlog leaves everything else its turn, though the database runs in this thread', async () => {
  await using subject = runOutbox({ database, log });
  await commit(subject, ...Array.from({ length: 10_000 }, (_, n) => said(n)));
  let turns = 0;
  const counting = setInterval(() => (turns += 1), 1);
  await drained();
  clearInterval(counting);
  // One for each batch of 500 at least.
  expect(turns).toBeGreaterThan(10);
  expect(await kept()).toEqual(Array.from({ length: 10_000 }, (_, n) => n));
});

test('OUT-11: to wait for what was committed ends when it is appended, and at its deadline', async () => {
  let isDown = true;
  const append: Log['append'] = (batch) =>
    isDown ? Promise.reject(unavailable()) : log.append(batch);
  await using subject = runOutbox({ database, log: { ...log, append } });
  await subject.outbox.relayed(5_000);
  await commit(subject, said('late'));
  await expect(subject.outbox.relayed(60)).rejects.toMatchObject({ code: 'engine/unavailable' });
  const waited = subject.outbox.relayed(10_000).then(() => kept());
  isDown = false;
  expect(await waited).toEqual(['late']);
});

test('OUT-8: what may have been appended too long ago is looked for in the log, and goes aside if that cannot tell', async () => {
  {
    // Appended, then killed before it was settled.
    await using dead = runOutbox({ database, log, isKilledAt: (step) => step === 'before settle' });
    await commit(dead, said('kept', 'whole'), said('gone', 'trimmed'));
    await eventually(async () => (await kept('trimmed')).length === 1, 'it is appended');
  }
  // Taken with them, and not appended.
  await using writer = runOutbox({ database, log, isKilledAt: neverRelays });
  await commit(writer, said('never', 'whole'), said('lost?', 'trimmed'), {
    channel: 'over',
    isEnd: true,
  });
  await rows(`update millrace.outbox_relay set taken = array(select id from millrace.outbox)`);
  // As an engine does that has forgotten the keys, and a contract that keeps one event.
  const forgetful: Log = {
    ...log,
    append: (batch) =>
      log.append(batch.map((one) => ('key' in one ? { ...one, key: `late ${one.key}` } : one))),
  };
  await log.append([said('another', 'trimmed') as never]);
  await log.compact('trimmed', { size: 1, maxAgeMs: 3_600_000 });
  await using subject = runOutbox({ database, log: forgetful, timing: { sureMs: 0 } });
  await drained();
  expect(await kept('whole')).toEqual(['kept', 'never']);
  expect(await kept('trimmed')).toEqual(['another']);
  expect((await readAll(log, 'over')).isEnded).toBe(true);
  const refused = await rows('select channel, code from millrace.outbox_refused');
  expect(refused).toEqual([
    { channel: 'trimmed', code: 'server/internal' },
    { channel: 'trimmed', code: 'server/internal' },
  ]);
  expect(subject.errors).toHaveLength(2);
});

test('OUT-8: an id of the application that stands on another event proves nothing', async () => {
  await log.append([said('before') as never]);
  const id = `id ${named}`;
  await using writer = runOutbox({ database, log, isKilledAt: neverRelays });
  const body = encodeEventBody({ type: 'said', data: 'after', id });
  await commit(writer, { channel: 'a', body, key: 'another' });
  await rows(`update millrace.outbox_relay set taken = array(select id from millrace.outbox)`);
  await using _ = runOutbox({ database, log, timing: { sureMs: 0 } });
  await drained();
  expect(await kept()).toEqual(['before', 'after']);
});

test('OUT-9, OUT-2: a relay that stalled until it was replaced brings nothing back that was forgotten', async () => {
  const { promise: stalled, resolve: goOn } = Promise.withResolvers<void>();
  let isStalling = false;
  await using slow = runOutbox({
    log,
    database: {
      ...database,
      async query(sql, params) {
        const answer = await database.query(sql, params);
        if (sql.includes('batch as materialized') && typeof answer[0]?.['id'] === 'number') {
          isStalling = true;
          await stalled;
        }
        return answer;
      },
    },
  });
  await commit(slow, said('erased'));
  await waitUntil('it stalls', () => isStalling);
  await using other = runOutbox({ database, log });
  await drained();
  expect(await kept()).toEqual(['erased']);
  await commit(other, { channel: 'a', isForget: true });
  await drained();
  goOn();
  await waitUntil('it has noticed', () => !slow.outbox.stats().isRelaying);
  await commit(other, said('after'));
  await drained();
  expect(await kept()).toEqual(['after']);
});

test('OUT-9: to forget is repeated until it is done, and erases nothing that came after it', async () => {
  for (const step of ['before forget', 'after forget', 'before settle']) {
    await log.append([said('secret') as never]);
    {
      await using dead = runOutbox({ database, log, isKilledAt: (name) => name === step });
      await commit(dead, { channel: 'a', isForget: true });
      await waitUntil('it relays', () => dead.outbox.stats().isRelaying);
      if (step === 'before forget')
        await eventually(async () => (await waiting()) === 1, 'it waits');
      else await eventually(async () => (await kept()).length === 0, 'it is erased');
    }
    if (step !== 'before forget') {
      await log.append([said('new') as never]);
    }
    await using _ = runOutbox({ database, log });
    await drained();
    expect(await kept()).toEqual(step === 'before forget' ? [] : ['new']);
  }
});

function unavailable(): MillraceError {
  return new MillraceError('engine/unavailable', 'Out of reach.');
}
