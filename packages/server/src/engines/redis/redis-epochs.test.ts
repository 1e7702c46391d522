// What happens to a server behind the engine's back: whatever was lost, whoever resumes is told, before the next event.

import { appendFile, copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cursor, encodeCursor } from '@millrace/protocol';
import { toOffset } from '@millrace/protocol/wire';
import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import type { Engine } from '../../seams/engine.ts';
import {
  appendOne,
  dataOf,
  event,
  offsetsOf,
  readAll,
} from '../../testing/engine-cases/engine-case.ts';
import { type RedisServer, startRedis, startReplica } from '../../testing/redis-server.ts';
import { on, type RunningCore, runCore, textsOf } from '../../testing/run-core.ts';
import { openNotes } from '../../testing/test-channels.ts';
import { waitUntil } from '../../testing/waiting.ts';
import { type RedisEngineOptions, redisEngine } from './index.ts';

const notes = openNotes.of({ id: '1' });

interface Node extends AsyncDisposable {
  readonly engine: Engine;
}

function nodeOn(port: number, options: Partial<RedisEngineOptions> = {}): Node {
  const client = new Redis(port, { retryStrategy: () => 100 });
  client.on('error', () => undefined);
  const engine = redisEngine({ client, ...options });
  return {
    engine,
    async [Symbol.asyncDispose]() {
      await engine.close();
      client.disconnect();
    },
  };
}

async function isPublished(hub: RunningCore, text: string): Promise<boolean> {
  return hub.publish(notes, text).then(
    () => true,
    () => false,
  );
}

/** Five notes; the cursors of the third and of the last. */
async function published(engine: Engine): Promise<readonly Cursor[]> {
  const cursors: Cursor[] = [];
  for (const step of [1, 2, 3, 4, 5]) {
    const body = `"type":"note","data":{"text":"${step}"}`;
    const [outcome] = await engine.log.append([{ channel: notes.name, body }]);
    if (outcome !== undefined && 'cursor' in outcome) cursors.push(outcome.cursor);
  }
  return cursors.filter(({ offset }) => offset === 3 || offset === 5);
}

/** Resumes at each cursor through a hub, and tells what it was told. */
async function resumed(engine: Engine, cursors: readonly Cursor[]): Promise<readonly unknown[]> {
  await using hub = runCore({ engine: { ...engine, close: async () => undefined } });
  const verdicts: unknown[] = [];
  for (const cursor of cursors) {
    const link = hub.open(on(notes, cursor));
    const { verdict, ...told } = await link.next('verdict');
    verdicts.push('reason' in told ? `${verdict} ${told.reason}` : verdict);
    link.cut();
  }
  return verdicts;
}

const DAMAGE: readonly {
  readonly what: string;
  readonly args?: readonly string[];
  /** Where the channels are afterwards. */
  damage(server: RedisServer, engine: Engine): Promise<RedisServer>;
}[] = [
  {
    what: 'FLUSHALL',
    async damage(server) {
      await server.ask('FLUSHALL');
      return server;
    },
  },
  {
    what: 'a start without what it held',
    async damage(server) {
      await server.stop();
      await server.start();
      return server;
    },
  },
  {
    what: 'a start from an older copy',
    async damage(server, engine) {
      await server.ask('SAVE');
      await published(engine);
      await server.stop();
      await server.start();
      expect(await server.ask('DBSIZE')).toContain(':2');
      return server;
    },
  },
  {
    what: 'a start from a log that had lost its end',
    args: ['--appendonly', 'yes', '--appendfsync', 'always'],
    async damage(server, engine) {
      const file = join(server.folder, 'appendonlydir', 'appendonly.aof.1.incr.aof');
      await copyFile(file, `${file}.old`);
      await published(engine);
      await server.stop();
      await copyFile(`${file}.old`, file);
      // Half a command, as a power cut leaves it.
      await appendFile(file, '*3\r\n$4\r\nHSET\r\n$1');
      await server.start();
      return server;
    },
  },
  {
    what: 'a start with all that it held',
    args: ['--appendonly', 'yes', '--appendfsync', 'always'],
    async damage(server) {
      await server.stop();
      await server.start();
      return server;
    },
  },
  {
    what: 'a replica promoted that lagged',
    async damage(server, engine) {
      const replica = await startReplica(server);
      // Its master goes on without it.
      await replica.ask('REPLICAOF 127.0.0.1 1');
      await published(engine);
      await server.stop();
      await replica.ask('REPLICAOF NO ONE');
      return replica;
    },
  },
];

describe.each(DAMAGE)('after $what', ({ args, damage }) => {
  test('REDIS-1, REDIS-2: every resume is told, and so is the next append', async () => {
    await using server = await startRedis({ args: args ?? [] });
    await using before = nodeOn(server.port);
    const cursors = await published(before.engine);
    await using after = await damage(server, before.engine);
    await using node = nodeOn(after.port);
    const epochs = new Set(cursors.map(({ epoch }) => epoch));
    expect(epochs.size).toBe(1);
    expect(await resumed(node.engine, cursors)).toEqual(['gap restarted', 'gap restarted']);
    // It keeps that epoch, and goes on after what is left.
    const { epoch, head } = await readAll(node.engine.log, notes.name);
    expect(epochs.has(epoch)).toBe(false);
    const next = await appendOne(node.engine.log, notes.name, 'next');
    expect(encodeCursor(next)).toBe(`${epoch}.${head + 1}`);
  });

  test('REDIS-1, REDIS-2: whoever appends first finds another epoch, also at a cursor expected', async () => {
    await using server = await startRedis({ args: args ?? [] });
    await using before = nodeOn(server.port);
    const [, last] = await published(before.engine);
    await using after = await damage(server, before.engine);
    await using node = nodeOn(after.port);
    if (last === undefined) throw new Error('nothing was published');
    const request = event(notes.name, 'lost');
    const [refused] = await node.engine.log.append([{ ...request, expect: last }]);
    expect(refused).toMatchObject({ error: { code: 'publish/conflict' } });
    const next = await appendOne(node.engine.log, notes.name, 'next');
    expect(next.epoch).not.toBe(last.epoch);
    expect((await readAll(node.engine.log, notes.name)).epoch).toBe(next.epoch);
    const page = await readAll(node.engine.log, notes.name);
    expect(offsetsOf(page)).toEqual(Array.from({ length: page.head }, (_, index) => index + 1));
  });

  test('REDIS-1, REDIS-5: who reads live is told before the next event', async () => {
    await using server = await startRedis({ args: args ?? [] });
    await using node = nodeOn(server.port);
    await published(node.engine);
    await using hub = runCore({ engine: { ...node.engine, close: async () => undefined } });
    const link = hub.open(on(notes, 'start'));
    await waitUntil('five notes', () => textsOf(link).length === 5);
    const from = link.frames.length;
    await using after = await damage(server, node.engine);
    // The one that was promoted is another server: its clients are those of the test above.
    if (after !== server) return;
    await expect.poll(() => isPublished(hub, 'next'), { timeout: 5_000 }).toBe(true);
    await waitUntil('the next note', () => textsOf(link).at(-1) === 'next');
    const types = link.frames.slice(from).flatMap((frame) => {
      if (frame.type === 'verdict') return [frame.verdict];
      return frame.type === 'events' ? ['events'] : [];
    });
    const gapAt = types.indexOf('gap');
    expect(gapAt).toBeGreaterThanOrEqual(0);
    const nextAt = link.frames.findLastIndex(({ type }) => type === 'events');
    const verdictAt = link.frames.findLastIndex(({ type }) => type === 'verdict');
    expect(verdictAt).toBeLessThan(nextAt);
  });
});

test('REDIS-1: what a server with its log synced had answered is there after a kill, in another epoch', async () => {
  await using server = await startRedis({
    args: ['--appendonly', 'yes', '--appendfsync', 'always'],
  });
  await using node = nodeOn(server.port);
  const answered: number[] = [];
  const stopping = Promise.withResolvers<void>();
  for (let step = 1; ; step += 1) {
    const isAnswered = await appendOne(node.engine.log, 'a', step, `k${step}`).then(
      () => true,
      () => false,
    );
    if (!isAnswered) break;
    answered.push(step);
    if (step === 150) void server.stop().then(stopping.resolve);
  }
  await stopping.promise;
  await server.start();
  await expect.poll(() => isReadable(node.engine), { timeout: 5_000 }).toBe(true);
  const page = await readAll(node.engine.log, 'a');
  expect(dataOf(page).slice(0, answered.length)).toEqual(answered);
  // What was under way may be there or not; repeated, it is there once.
  const unanswered = answered.length + 1;
  await appendOne(node.engine.log, 'a', unanswered, `k${unanswered}`);
  const kept = dataOf(await readAll(node.engine.log, 'a'));
  expect(kept).toEqual([...answered, unanswered]);
  // A repeat of what was answered finds itself, at its offset.
  const again = await appendOne(node.engine.log, 'a', 'again', 'k7');
  expect(again).toEqual({ epoch: page.epoch, offset: toOffset(7) });
});

async function isReadable({ log }: Engine): Promise<boolean> {
  return readAll(log, 'a').then(
    () => true,
    () => false,
  );
}

test('REDIS-1: a replica is never appended to, also one that would take it', async () => {
  await using master = await startRedis();
  await using replica = await startReplica(master, ['--replica-read-only', 'no']);
  await using node = nodeOn(replica.port, { onOutage: 'fail' });
  const unavailable = { code: 'engine/unavailable', retryable: true };
  await expect(appendOne(node.engine.log, 'a', 1)).rejects.toMatchObject(unavailable);
  await expect(readAll(node.engine.log, 'a')).rejects.toMatchObject(unavailable);
  expect(await replica.ask('DBSIZE')).toContain(':0');
});

test.each([
  ['the entries', ':entries', [6, 6]],
  ['the record', '', [1, 1]],
])('REDIS-2, REDIS-4: %s taken away are a gap', async (_what, suffix, [head]) => {
  await using server = await startRedis();
  await using node = nodeOn(server.port);
  const cursors = await published(node.engine);
  await server.ask(`DEL millrace:{${notes.name}}${suffix}`);
  const verdicts = await resumed(node.engine, cursors);
  // At the head nothing was missed, if the record says so.
  expect(verdicts).toEqual(
    suffix === '' ? ['gap restarted', 'gap restarted'] : ['gap trimmed', 'exact'],
  );
  const next = await appendOne(node.engine.log, notes.name, 'next');
  expect(next.offset).toBe(head);
  expect(offsetsOf(await readAll(node.engine.log, notes.name))).toEqual([head]);
});

test('REDIS-4: a hole in the entries is a gap up to behind it', async () => {
  await using server = await startRedis();
  await using node = nodeOn(server.port);
  const cursors = await published(node.engine);
  await server.ask(`XDEL millrace:{${notes.name}}:entries 4-0`);
  expect(await resumed(node.engine, cursors)).toEqual(['gap trimmed', 'exact']);
  const page = await readAll(node.engine.log, notes.name);
  expect([page.first, ...offsetsOf(page)]).toEqual([5, 5]);
});

test('REDIS-2, LOG-14: names that were only read, refused or forgotten do not stay', async () => {
  await using server = await startRedis();
  await using node = nodeOn(server.port);
  const { log } = node.engine;
  const { epoch } = await readAll(log, 'read');
  await log.append([{ ...event('refused', 1), expect: { epoch, offset: toOffset(9) } }]);
  await appendOne(log, 'forgotten', 1, 'k');
  await log.forget('forgotten');
  const keys = (await server.ask('KEYS *')).split('\r\n').filter((line) => line.includes('{'));
  expect(keys.length).toBe(4);
  for (const key of keys) {
    expect(Number((await server.ask(`PTTL ${key}`)).slice(1).split('\r\n')[0])).toBeGreaterThan(0);
  }
  await appendOne(log, 'read', 1);
  expect(await server.ask('PTTL millrace:{read}')).toContain(':-1');
  expect((await readAll(log, 'read')).epoch).toBe(epoch);
});
