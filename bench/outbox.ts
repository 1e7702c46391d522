// What does publishing in a transaction cost, and how many events go through the outbox?
//
// One process with PGlite on a folder, a hub on it and one WebSocket reader. The log is in the same database, or in
// memory beside it. Latency: one event a transaction, one after the other, from the commit's answer to the reader's
// callback; beside it a plain publish, from its call to the callback. Throughput: what waits already, until it is gone;
// and from the first transaction to the last event appended.

import { createServer } from 'node:http';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { createClient } from '@millrace/client';
import { defineChannel, type StandardSchema } from '@millrace/protocol';
import { createHub, type Engine, type Hub, memoryEngine } from '@millrace/server';
import { pgliteDatabase, pgliteEngine, type SqlDatabase } from '@millrace/server/postgres';
import { freePort, tempFolder, until } from '@millrace/tests';
import type { Bench, BenchOptions, Figure, Findings } from './lib/bench.ts';
import { percentile } from './lib/statistics.ts';

const EVENTS = 20_000;
const PER_TRANSACTION = 100;
const SINGLES = 400;

const numbered: StandardSchema<{ readonly n: number; readonly text: string }> = {
  '~standard': {
    version: 1,
    vendor: 'millrace-bench',
    validate: (value) => ({ value: value as { readonly n: number; readonly text: string } }),
  },
};
const ledger = defineChannel({
  type: 'ledger',
  events: { entry: numbered },
  history: { size: 100_000 },
  access: { subscribe: 'public' },
});
const channel = ledger.of();
const entry = (n: number) => ({ type: 'entry' as const, data: { n, text: 'x'.repeat(100) } });

const LOGS: Readonly<Record<string, (database: SqlDatabase) => Engine>> = {
  'log in the same database': (database) => pgliteEngine({ database }),
  'log in memory': () => memoryEngine(),
};

export const outbox: Bench = {
  name: 'outbox',
  question:
    'What does publishing in a transaction cost, and how many events go through the outbox?',
  method: `PGlite on a folder, in the hub's own thread, as is the WebSocket reader. Latency: ${SINGLES} transactions one after the other, one event of some 130 bytes each, from the answered commit to the reader's callback; a plain publish from its call to the callback. Drain: ${EVENTS} rows that wait, in batches of 500. Whole way: ${EVENTS} events in transactions of ${PER_TRANSACTION}, from the first begin to the last append.`,
  run,
};

async function run({ runs = 5 }: BenchOptions): Promise<Findings> {
  const figures = new Map<string, Figure & { readonly values: number[] }>();
  const note = (label: string, unit: string, value: number): void => {
    const figure = figures.get(label) ?? { label, unit, values: [] };
    figure.values.push(value);
    figures.set(label, figure);
  };
  for (let round = 0; round < runs; round += 1) {
    for (const [name, engineOn] of Object.entries(LOGS)) {
      await using bed = await openBed(engineOn);
      const { hub, database } = bed;
      const committed = await latencies(bed, (n) =>
        database.transaction((tx) => hub.publish(channel, entry(n), { tx })),
      );
      const plain = await latencies(bed, (n) => hub.publish(channel, entry(n)), true);
      note(`commit to reader, median, ${name}`, 'ms', percentile(committed, 0.5));
      note(`commit to reader, p99, ${name}`, 'ms', percentile(committed, 0.99));
      note(`plain publish to reader, median, ${name}`, 'ms', percentile(plain, 0.5));
      note(`drain, ${name}`, 'events/s', await drain(bed));
      note(`whole way, ${name}`, 'events/s', await wholeWay(bed));
    }
  }
  return { figures: [...figures.values()] };
}

interface Bed extends AsyncDisposable {
  readonly hub: Hub;
  readonly database: SqlDatabase;
  /** When the reader was called with the n-th entry. */
  readonly heardAt: Map<number, number>;
}

async function openBed(engineOn: (database: SqlDatabase) => Engine): Promise<Bed> {
  const folder = await tempFolder();
  const pglite = await PGlite.create(join(folder.path, 'pg'));
  const database = pgliteDatabase(pglite);
  const engine = engineOn(database);
  const hub = createHub({ contracts: [ledger], engine, outbox: { database } });
  const server = createServer((req, res) => void hub.handle(req, res));
  server.on('upgrade', (req, socket, head) => hub.upgrade(req, socket, head));
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const heardAt = new Map<number, number>();
  const client = createClient({ url: `http://127.0.0.1:${port}/realtime` });
  client.subscribe(channel, {
    onEvent: ({ data }) => heardAt.set(data.n, performance.now()),
  });
  await until(() => hub.stats().subscriptions === 1, { label: 'a reader' });
  return {
    hub,
    database,
    heardAt,
    async [Symbol.asyncDispose]() {
      void client.close();
      await hub.close();
      await engine.close();
      server.close();
      await pglite.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function latencies(
  { heardAt }: Bed,
  publish: (n: number) => Promise<unknown>,
  isFromCall = false,
): Promise<number[]> {
  const taken: number[] = [];
  for (let n = 0; n < SINGLES; n += 1) {
    heardAt.delete(n);
    const calledAt = performance.now();
    await publish(n);
    const answeredAt = performance.now();
    await until(() => heardAt.has(n), { label: 'the event', everyMs: 1 });
    // What was heard before the answer came took no time after it.
    const from = isFromCall ? calledAt : answeredAt;
    taken.push(Math.max(0, (heardAt.get(n) ?? 0) - from));
  }
  return taken;
}

async function drain({ hub, database }: Bed): Promise<number> {
  const body = `"id":"'||n||'","type":"entry","data":{"n":'||n||',"text":"${'x'.repeat(100)}"}`;
  await database.query(`insert into millrace.outbox (channel, kind, body, conditions)
    select 'ledger', 'event', '${body}', '{"key":"drained '||n||'"}' from generate_series(100000, ${99_999 + EVENTS}) n`);
  // Nobody was notified: the relay finds them when it looks, and the clock starts with the first that is gone.
  const counted = async (): Promise<number> =>
    Number(
      (await database.query('select count(*)::float8 as n from millrace.outbox', []))[0]?.['n'],
    );
  await until(async () => (await counted()) < EVENTS, { label: 'the first batch', everyMs: 5 });
  const left = await counted();
  const startedAt = performance.now();
  await hub.relayed({ withinMs: 120_000 });
  return (left / (performance.now() - startedAt)) * 1_000;
}

async function wholeWay({ hub, database }: Bed): Promise<number> {
  const startedAt = performance.now();
  for (let n = 0; n < EVENTS; n += PER_TRANSACTION) {
    const items = Array.from({ length: PER_TRANSACTION }, (_, index) => ({
      channel,
      event: entry(200_000 + n + index),
    }));
    await database.transaction((tx) => hub.publishMany(items, { tx }));
  }
  await hub.relayed({ withinMs: 120_000 });
  return (EVENTS / (performance.now() - startedAt)) * 1_000;
}
