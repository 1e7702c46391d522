// Several engines on one PostgreSQL, as several nodes: each hears what the others append, sooner or later all of it.
// Rules: LOG-1, LOG-7, LOG-14, BUS-1, BUS-2.

import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { eventually } from '../../testing/check.ts';
import {
  appendOne,
  dataOf,
  end,
  event,
  range,
  readAll,
} from '../../testing/engine-cases/engine-case.ts';
import { type HeardHint, watchHints } from '../../testing/engine-cases/watch-cases.ts';
import {
  openPostgresNode,
  type PostgresNode,
  type PostgresNodeOptions,
} from '../../testing/postgres-node.ts';
import { type PostgresServer, startPostgres } from '../../testing/postgres-server.ts';
import { on, runCore, textsOf } from '../../testing/run-core.ts';
import { openNotes } from '../../testing/test-channels.ts';
import { waitUntil } from '../../testing/waiting.ts';

let server: PostgresServer;
let admin: pg.Pool;

beforeAll(async () => {
  server = await startPostgres();
  admin = new pg.Pool({ connectionString: server.url() });
});
afterAll(async () => {
  await admin.end();
  await server.close();
});
beforeEach(async () => {
  await admin.query('drop schema if exists millrace cascade');
});

/** Quick to look by itself only where a test says so: what is heard otherwise was told. */
async function openNode(options: PostgresNodeOptions = {}): Promise<PostgresNode> {
  const pool = new pg.Pool({ connectionString: server.url() });
  const node = openPostgresNode(pool, { reconcileMs: 60_000, ...options });
  await appendOne(node.engine.log, 'warm', 1);
  // Resolves once others are heard.
  await node.engine.bus.subscribe('warm', () => undefined);
  return node;
}

const heardOf = (hints: readonly HeardHint[], channel: string, head: number): boolean =>
  hints.some((hint) => hint.channel === channel && hint.head === head);

test('LOG-7: a node hears of what another appends, ends or forgets', async () => {
  await using here = await openNode();
  await using there = await openNode();
  const { hints } = watchHints(there.engine.log, 'a', 'b', 'c');
  await here.engine.log.append([event('a', 1), event('b', 1), event('a', 2)]);
  await waitUntil('both heads', () => heardOf(hints, 'a', 2) && heardOf(hints, 'b', 1));
  await here.engine.log.append([event('c', 1)]);
  await waitUntil('the head of the third', () => heardOf(hints, 'c', 1));
  await here.engine.log.append([end('a')]);
  await waitUntil('the end', () =>
    hints.some(({ channel, isEnded }) => channel === 'a' && isEnded),
  );
  await here.engine.log.forget('b');
  await waitUntil('that it was forgotten', () => heardOf(hints, 'b', 0));
  for (const channel of ['a', 'b', 'c']) {
    const { epoch, head } = await readAll(there.engine.log, channel);
    expect(hints.findLast((hint) => hint.channel === channel)).toMatchObject({ epoch, head });
  }
});

test('LOG-7: what a node appended it tells itself once, with the entries', async () => {
  await using here = await openNode();
  await using there = await openNode();
  const own = watchHints(here.engine.log, 'a');
  const other = watchHints(there.engine.log, 'a');
  for (const n of range(1, 20)) await appendOne(here.engine.log, 'a', n);
  await waitUntil('the last head', () => heardOf(other.hints, 'a', 20));
  // Its own notifications have come by now too: the server hands them out in one order.
  await appendOne(there.engine.log, 'a', 21);
  await waitUntil('the answer', () => heardOf(own.hints, 'a', 21));
  expect(own.hints.map(({ head, entries }) => [head, entries.length])).toEqual([
    ...range(1, 20).map((head) => [head, 1]),
    [21, 0],
  ]);
});

test('LOG-7: where many channels move at once nobody is left behind', async () => {
  await using here = await openNode();
  await using there = await openNode();
  const names = range(1, 900).map((n) => `many:${n}`);
  const { hints } = watchHints(there.engine.log, ...names);
  await here.engine.log.append(names.map((name) => event(name, 1)));
  const moved = (): Set<string> =>
    new Set(hints.filter(({ head }) => head === 1).map(({ channel }) => channel));
  await waitUntil('all of them', () => moved().size === 900);
  expect(moved()).toEqual(new Set(names));
});

test('LOG-1: sixteen publishers on two nodes give every reader on both one order, each event once', async () => {
  await using here = await openNode();
  await using there = await openNode();
  await using left = runCore({ engine: here.engine });
  await using right = runCore({ engine: there.engine });
  const channel = openNotes.of({ id: 'busy' });
  const links = [left, right, left, right].map((core) => core.open(on(channel, 'start')));
  for (const link of links) await link.next('verdict');
  const each = 25;
  await Promise.all(
    range(0, 15).map(async (who) => {
      const core = who % 2 === 0 ? left : right;
      for (const n of range(1, each)) await core.publish(channel, `${who}/${n}`);
    }),
  );
  for (const link of links) {
    await waitUntil('everything', () => textsOf(link).length >= 16 * each, 10_000);
  }
  const [order = [], ...others] = links.map(textsOf);
  for (const other of others) expect(other).toEqual(order);
  expect(new Set(order).size).toBe(16 * each);
  for (const who of range(0, 15)) {
    const own = order.filter((text) => text.startsWith(`${who}/`));
    expect(own).toEqual(range(1, each).map((n) => `${who}/${n}`));
  }
});

test('LOG-7: nothing is missed while the session that hears is killed again and again', async () => {
  await using here = await openNode();
  await using there = await openNode();
  await using left = runCore({ engine: here.engine });
  await using right = runCore({ engine: there.engine });
  const channel = openNotes.of({ id: 'cut' });
  const link = right.open(on(channel));
  await link.next('verdict');
  for (const n of range(1, 60)) {
    await left.publish(channel, `${n}`);
    if (n % 15 === 0) await eventually(async () => (await killListeners()) > 0, 'one is killed');
  }
  await waitUntil('everything', () => textsOf(link).length >= 60, 10_000);
  expect(textsOf(link)).toEqual(range(1, 60).map(String));
  expect(there.errors.length).toBeGreaterThan(0);
});

async function killListeners(): Promise<number> {
  const { rowCount } = await admin.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where query ~ '(listen|pg_notify)' and pid <> pg_backend_pid()",
  );
  return rowCount ?? 0;
}

test('LOG-7: a node whose hints never come is behind for no longer than its looking by itself takes', async () => {
  await using here = await openNode();
  // As behind a pooler that shares sessions: what it asks to hear goes to nobody.
  const deaf = new pg.Pool({ connectionString: server.url() });
  const noListening = {
    on: (...args: Parameters<pg.Pool['on']>) => deaf.on(...args),
    end: () => deaf.end(),
    async connect() {
      const client = await deaf.connect();
      const query = client.query.bind(client);
      const skipping = (sql: string, params?: unknown[]): Promise<unknown> =>
        sql.startsWith('listen') ? Promise.resolve({ rows: [] }) : query(sql, params);
      return Object.assign(client, { query: skipping });
    },
  };
  await using there = openPostgresNode(noListening, { reconcileMs: 200, answerWithinMs: 400 });
  await readAll(there.engine.log, 'a');
  const { hints } = watchHints(there.engine.log, 'a');
  await appendOne(here.engine.log, 'a', 1);
  await waitUntil('the head', () => heardOf(hints, 'a', 1));
  await waitUntil('the reason', () => there.errors.length > 0);
  await expect(there.engine.bus.subscribe('x', () => undefined)).rejects.toMatchObject({
    code: 'engine/unavailable',
  });
});

test('LOG-7: a client of its own may hear in place of one of the pool', async () => {
  await using here = await openNode();
  const connectListener = async (): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: server.url() });
    await client.connect();
    return client;
  };
  const pool = new pg.Pool({ connectionString: server.url(), max: 1 });
  await using there = openPostgresNode(pool, { connectListener, reconcileMs: 60_000 });
  await there.engine.bus.subscribe('warm', () => undefined);
  const { hints } = watchHints(there.engine.log, 'a');
  await appendOne(here.engine.log, 'a', 1);
  await waitUntil('the head', () => heardOf(hints, 'a', 1));
  expect(dataOf(await readAll(there.engine.log, 'a'))).toEqual([1]);
});

test('BUS-1: messages reach the subscribers of every node, in the order of each publisher, once', async () => {
  await using here = await openNode();
  await using there = await openNode();
  const heard = { here: [] as string[], there: [] as string[] };
  await here.engine.bus.subscribe('typing', (text) => void heard.here.push(text));
  await there.engine.bus.subscribe('typing', (text) => void heard.there.push(text));
  await Promise.all(
    [here, there].flatMap(({ engine }, node) =>
      range(1, 200).map((n) => engine.bus.publish('typing', `${node}/${n}`)),
    ),
  );
  for (const texts of Object.values(heard)) {
    await waitUntil('all messages', () => texts.length >= 400);
    for (const node of [0, 1]) {
      const own = texts.filter((text) => text.startsWith(`${node}/`));
      expect(own).toEqual(range(1, 200).map((n) => `${node}/${n}`));
    }
  }
});

test('BUS-2: a message larger than a notification arrives whole, one over the limit is refused', async () => {
  await using here = await openNode();
  await using there = await openNode();
  const heard: string[] = [];
  await there.engine.bus.subscribe('big', (text) => void heard.push(text));
  const texts = ['😀'.repeat(50_000), '', `"${'\\'.repeat(10_000)}\u0000`];
  await Promise.all(texts.map((text) => here.engine.bus.publish('big', text)));
  await waitUntil('all messages', () => heard.length === texts.length);
  expect(heard).toEqual(texts);
  await expect(here.engine.bus.publish('big', 'x'.repeat(262_145))).rejects.toMatchObject({
    code: 'limit/event-size',
  });
});
