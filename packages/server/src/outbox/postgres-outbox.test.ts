// The outbox on a real server: transactions that commit in another order than they began, relays in several processes
// that are killed. The log lives in the same database, shared by all of them.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { encodeEventBody } from '@millrace/protocol/wire';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type PostgresDatabase, postgresDatabase } from '../engines/postgres/postgres-database.ts';
import { postgresEngine } from '../engines/postgres/postgres-engine.ts';
import { createHub } from '../hub.ts';
import type { Engine } from '../seams/engine.ts';
import { dataOf, readAll } from '../testing/engine-cases/engine-case.ts';
import { neverRelays, QUICK, runOutbox } from '../testing/outbox-subject.ts';
import { type PostgresServer, startPostgres } from '../testing/postgres-server.ts';
import { openNotes, testHubOptions } from '../testing/test-channels.ts';
import { waitUntil } from '../testing/waiting.ts';
import type { OutboxRequest } from './outbox-row.ts';
import { RELAY_TIMING, type RelayTiming } from './relay.ts';

let server: PostgresServer;
let pool: pg.Pool;
let database: PostgresDatabase;
let engine: Engine;
const children: ChildProcess[] = [];

beforeAll(async () => {
  server = await startPostgres();
  pool = new pg.Pool({ connectionString: server.url(), max: 30 });
  database = postgresDatabase({ pool });
});
beforeEach(async () => {
  await pool.query('drop schema if exists millrace cascade');
  engine = postgresEngine({ database });
  await readAll(engine.log, 'any');
});
afterEach(() => engine.close());
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await pool.end();
  await server.close();
});

function said(text: string, channel = 'main'): OutboxRequest {
  return { channel, body: encodeEventBody({ type: 'said', data: text, id: text }), key: text };
}

async function drained(withinMs = 10_000): Promise<void> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    const [row] = await database.query('select count(*)::float8 as n from millrace.outbox', []);
    const waiting = Number(row?.['n']);
    if (waiting === 0) return;
    if (performance.now() > giveUpAt) throw new Error(`${waiting} rows still wait`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const kept = async (): Promise<unknown[]> => dataOf(await readAll(engine.log, 'main'));

test('OUT-3: a transaction that began first and commits last is not passed over', async () => {
  await using subject = runOutbox({ database, log: engine.log });
  const { outbox } = subject;
  const early = await pool.connect();
  await early.query('begin');
  await outbox.write(early, [said('early 1'), said('early 2')]);
  for (const text of ['late 1', 'late 2']) {
    await database.transaction((tx) => outbox.write(tx, [said(text)]));
  }
  await drained();
  expect(await kept()).toEqual(['late 1', 'late 2']);
  await outbox.write(early, [said('early 3')]);
  await early.query('commit');
  early.release();
  await drained();
  expect(await kept()).toEqual(['late 1', 'late 2', 'early 1', 'early 2', 'early 3']);
  expect(subject.errors).toEqual([]);
});

test('OUT-12: whoever relays is told outside of the transaction, before its commit, and is there soon after it', async () => {
  // Looks by itself every 2 s only.
  await using relaying = runOutbox({ database, log: engine.log, timing: RELAY_TIMING });
  await waitUntil('the relay', () => relaying.outbox.stats().isRelaying);
  await using writer = runOutbox({ database, log: engine.log, timing: RELAY_TIMING });
  let told = 0;
  const deafen = await database.listen('millrace_outbox', () => (told += 1));
  for (const text of ['first', 'second']) {
    told = 0;
    await database.transaction(async (tx) => {
      await writer.outbox.write(tx, [said(text)]);
      // The transaction goes on meanwhile.
      await waitUntil('the word', () => told > 0);
      await tx.query('select pg_sleep(0.1)', []);
    });
    const committedAt = performance.now();
    await drained();
    expect(performance.now() - committedAt).toBeLessThan(1_000);
  }
  expect(await kept()).toEqual(['first', 'second']);
  await deafen();
});

test('OUT-2, OUT-3: hundreds of transactions at once, any of which may roll back, beside plain publishes', async () => {
  const subjects = Array.from({ length: 3 }, () => runOutbox({ database, log: engine.log }));
  const committed: string[][] = [];
  const plain: string[] = [];
  const work = async (worker: number): Promise<void> => {
    for (let round = 0; round < 25; round += 1) {
      const { outbox } = subjects[worker % subjects.length]!;
      const texts = Array.from({ length: 1 + (round % 4) }, (_, n) => `${worker}.${round}.${n}`);
      const isKept = (worker + round) % 3 !== 0;
      await database
        .transaction(async (tx) => {
          for (const text of texts) {
            await outbox.write(tx, [said(text)]);
            await tx.query('select pg_sleep(random() / 200)', []);
          }
          if (!isKept) throw new Error('undone');
        })
        .catch((error: unknown) => {
          if (isKept) throw error;
        });
      if (isKept) committed.push(texts);
      plain.push(`plain ${worker}.${round}`);
      await engine.log.append([
        { channel: 'main', body: encodeEventBody({ type: 'said', data: plain.at(-1) }) },
      ]);
    }
  };
  await Promise.all(Array.from({ length: 16 }, (_, worker) => work(worker)));
  await drained();
  const delivered = (await kept()).map(String);
  expect(delivered.toSorted()).toEqual([...committed.flat(), ...plain].toSorted());
  for (const texts of committed) {
    expect(delivered.filter((text) => texts.includes(text))).toEqual(texts);
  }
  for (const { outbox, errors } of subjects) {
    await outbox.close();
    expect(errors).toEqual([]);
  }
});

test('OUT-1: a client of pg is a transaction', async () => {
  const hub = createHub({ ...testHubOptions, engine });
  const channel = openNotes.of({ id: 'pg' });
  const note = (text: string) => ({ type: 'note' as const, data: { text } });
  const client = await pool.connect();
  await client.query('begin');
  const id = await hub.publish(channel, note('€ \u0000 \ud800'), { tx: client });
  await client.query('commit');
  await client.query('begin');
  await hub.publish(channel, note('undone'), { tx: client });
  await client.query('rollback');
  client.release();
  await hub.relayed();
  const { events } = await hub.history(channel);
  expect(events).toMatchObject([{ id, data: { text: '€ \u0000 \ud800' } }]);
  await hub.close();
});

const here = (path: string): string => JSON.stringify(join(import.meta.dirname, path));

/** A process with a pool, a log and a relay, which says when it has appended something. */
const RELAY = `
  import pg from 'pg';
  const { postgresDatabase, postgresEngine } = await import(${here('../engines/postgres/index.ts')});
  const { runOutbox } = await import(${here('../testing/outbox-subject.ts')});
  const { url, timing } = JSON.parse(process.argv[1]);
  const database = postgresDatabase({ pool: new pg.Pool({ connectionString: url }) });
  const { log } = postgresEngine({ database });
  runOutbox({
    ...{ database, log, timing },
    isKilledAt: (step) => (step === 'after append' && console.log('appended'), false),
  });
  setInterval(() => undefined, 60_000);
`;

interface RelayProcess {
  readonly child: ChildProcess;
  /** Resolves when it appends next. */
  appended(): Promise<unknown>;
}

function startRelayProcess(timing: RelayTiming): RelayProcess {
  const options = JSON.stringify({ url: server.url(), timing });
  const child = spawn(
    process.execPath,
    ['--conditions=@millrace/source', '--input-type=module', '--eval', RELAY, options],
    { stdio: ['ignore', 'pipe', 'inherit'], cwd: import.meta.dirname },
  );
  children.push(child);
  const lines = createInterface({ input: child.stdout });
  return { child, appended: () => once(lines, 'line') };
}

test('OUT-2, OUT-4: relays are killed one after the other; the next follows within 10 s, nothing is lost or doubled', async () => {
  await using writer = runOutbox({ database, log: engine.log, isKilledAt: neverRelays });
  let isWriting = true;
  const committed: string[] = [];
  const writing = (async () => {
    for (let n = 0; isWriting; n += 1) {
      const texts = [`${n}.0`, `${n}.1`];
      await database.transaction(async (tx) => {
        for (const text of texts) await writer.outbox.write(tx, [said(text)]);
        await tx.query('select pg_sleep(0.005)', []);
      });
      committed.push(...texts);
    }
  })();
  // Two that take over fast, and one as it is in life, which waits for its whole lease.
  const quick = [startRelayProcess(QUICK), startRelayProcess(QUICK)];
  await Promise.race(quick.map((one) => one.appended()));
  const patient = startRelayProcess(RELAY_TIMING);
  while (quick.length > 0) {
    const relaying = await Promise.race(quick.map((one) => one.appended().then(() => one)));
    relaying.child.kill('SIGKILL');
    quick.splice(quick.indexOf(relaying), 1);
  }
  const killedAt = performance.now();
  await patient.appended();
  expect(performance.now() - killedAt).toBeLessThan(10_000);
  isWriting = false;
  await writing;
  await drained();
  expect((await kept()).map(String)).toEqual(committed);
});
