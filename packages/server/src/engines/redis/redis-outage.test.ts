// A server that freezes, dies, or whose answers get lost: calls end in time, nothing is sent later or twice, no busy
// loop, and afterwards everything is there once and in order.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { MillraceError } from '@millrace/protocol';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import type { Engine } from '../../seams/engine.ts';
import type { AppendOutcome, AppendRequest } from '../../seams/log.ts';
import { dataOf, event, range, readAll } from '../../testing/engine-cases/engine-case.ts';
import { by, codesOf } from '../../testing/engine-cases/producer-cases.ts';
import { type RedisServer, startRedis } from '../../testing/redis-server.ts';
import { on, runCore, textsOf, verdictsOf } from '../../testing/run-core.ts';
import { openNotes } from '../../testing/test-channels.ts';
import { waitUntil } from '../../testing/waiting.ts';
import { type RedisEngineOptions, redisEngine } from './index.ts';

/** Other tests may be at work on the machine. */
const SOON = { timeout: 8_000 };

const notes = openNotes.of({ id: '1' });
const unavailable = { code: 'engine/unavailable', retryable: true };

interface Node extends AsyncDisposable {
  readonly engine: Engine;
  readonly errors: readonly string[];
}

function nodeOn(port: number, options: Partial<RedisEngineOptions> = {}): Node {
  const client = new Redis(port, { lazyConnect: true });
  const errors: string[] = [];
  const engine = redisEngine({ client, onError: ({ code }) => void errors.push(code), ...options });
  return {
    engine,
    errors,
    async [Symbol.asyncDispose]() {
      await engine.close();
      client.disconnect();
    },
  };
}

async function counted(server: RedisServer): Promise<{ commands: number; connects: number }> {
  const stats = await server.ask('INFO stats');
  const read = (name: string): number => Number(new RegExp(`${name}:(\\d+)`).exec(stats)?.[1]);
  return {
    commands: read('total_commands_processed'),
    connects: read('total_connections_received'),
  };
}

async function timed(work: Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await expect(work).rejects.toMatchObject(unavailable);
  return performance.now() - startedAt;
}

test('LOG-16: a frozen server is told in time, without a busy loop, and caught up with exactly', async () => {
  await using server = await startRedis();
  await using near = nodeOn(server.port, { answerWithinMs: 500, waitMs: 100 });
  await using far = nodeOn(server.port);
  await using hub = runCore({ engine: { ...near.engine, close: async () => undefined } });
  const link = hub.open(on(notes, 'start'));
  await hub.publish(notes, 'before');
  await waitUntil('the first note', () => textsOf(link).length === 1);
  const before = await counted(server);

  server.freeze();
  const calls = [
    timed(near.engine.log.append([event('a', 1)])),
    timed(near.engine.log.append([event('a', 2)])),
    timed(readAll(near.engine.log, 'a')),
    timed(near.engine.bus.publish('topic', 'text')),
  ];
  for (const took of await Promise.all(calls)) expect(took).toBeLessThan(2_000);
  // It is known by now: calls wait for it no longer than they are told to.
  const frozenUntil = performance.now() + 1_200;
  let failures = 0;
  while (performance.now() < frozenUntil) {
    expect(await timed(hub.publish(notes, 'lost'))).toBeLessThan(2_000);
    failures += 1;
  }
  expect(failures).toBeGreaterThan(1);
  server.thaw();

  await expect
    .poll(() => settles(far.engine.log.append([note('from elsewhere')])), { timeout: 8_000 })
    .toBe(true);
  await expect.poll(() => settles(hub.publish(notes, 'after')), { timeout: 5_000 }).toBe(true);
  await waitUntil('the last note', () => textsOf(link).includes('after'), 8_000);
  expect(textsOf(link)).toEqual(await keptNotes(far.engine));
  expect(verdictsOf(link)).toEqual(['exact']);
  const after = await counted(server);
  // Two connections of each node, each tried again after a tenth of a second and more.
  expect(after.connects - before.connects).toBeLessThan(60);
  expect(after.commands - before.commands).toBeLessThan(600);
  expect(near.errors.length).toBeGreaterThan(0);
  expect(near.errors.length).toBeLessThan(4);
});

test('LOG-16: while nobody calls, a server that is gone is not asked often', async () => {
  await using server = await startRedis();
  await using node = nodeOn(server.port, { answerWithinMs: 300 });
  node.engine.log.watch('a', { hinted: () => undefined, refresh: () => undefined });
  await readAll(node.engine.log, 'a');
  await server.stop();
  let connects = 0;
  const listener = createServer((socket) => {
    connects += 1;
    socket.destroy();
  }).listen(server.port, '127.0.0.1');
  await once(listener, 'listening');
  const until = performance.now() + 1_000;
  await waitUntil('a second', () => performance.now() > until);
  listener.close();
  expect(connects).toBeGreaterThan(1);
  expect(connects).toBeLessThan(30);
});

test('LOG-16: `wait` holds a call until the server is back, `fail` does not', async () => {
  await using server = await startRedis();
  await using patient = nodeOn(server.port, { waitMs: 5_000 });
  await using hasty = nodeOn(server.port, { onOutage: 'fail' });
  for (const { engine } of [patient, hasty]) await readAll(engine.log, 'a');
  await server.stop();
  // What was written to a connection that is not known to be broken fails either way.
  await expect.poll(() => patient.errors.length, SOON).toBe(1);
  await expect.poll(() => timed(hasty.engine.log.append([event('a', 1)])), SOON).toBeLessThan(400);
  const waiting = patient.engine.log.append([event('a', 2)]);
  await server.start();
  expect(codesOf(await waiting)).toEqual(['ok']);
  expect(dataOf(await readAll(patient.engine.log, 'a'))).toEqual([2]);
});

test('LOG-16: an engine may be made before its server is there', async () => {
  await using server = await startRedis();
  await server.stop();
  await using node = nodeOn(server.port, { onOutage: 'fail' });
  const early = node.engine.log.append([event('a', 1)]);
  await server.start();
  expect(codesOf(await early)).toEqual(['ok']);
});

test('LOG-12, LOG-16: with answers lost and connections cut, a producer that repeats has each event once', async () => {
  await using server = await startRedis();
  await using proxy = await losingAnswers(server.port, 3);
  await using node = nodeOn(proxy.port);
  await using far = nodeOn(server.port);
  await using hub = runCore({ engine: { ...node.engine, close: async () => undefined } });
  const link = hub.open(on(notes, 'start'));
  const steps = 18;
  for (const sequence of range(1, steps)) {
    const producer = { id: 'p', epoch: 1, sequence };
    const body = `"type":"note","data":{"text":"${sequence}"}`;
    const outcomes = await untilAnswered(node.engine, [{ channel: notes.name, body, producer }]);
    expect(codesOf(outcomes).some((code) => code.includes('/'))).toBe(false);
  }
  expect(proxy.lost()).toBeGreaterThan(4);
  const expected = range(1, steps).map(String);
  expect(await keptNotes(far.engine)).toEqual(expected);
  // Also what was appended here without an answer is heard here.
  await waitUntil('every note', () => textsOf(link).length === steps, 8_000);
  expect(textsOf(link)).toEqual(expected);
  // A zombie that still believes in its epoch is refused.
  await untilAnswered(node.engine, [
    { ...by(2, 1), producer: { id: 'p', epoch: 2, sequence: 1 }, channel: notes.name },
  ]);
  const [late] = await untilAnswered(node.engine, [{ ...by(1, 19), channel: notes.name }]);
  expect(late).toMatchObject({ error: { code: 'publish/fenced' } });
});

test('LOG-16: an append whose answer is lost is heard by those who watch here', async () => {
  await using server = await startRedis();
  await using proxy = await losingAnswers(server.port, 1);
  proxy.lose(false);
  await using node = nodeOn(proxy.port);
  await using hub = runCore({ engine: { ...node.engine, close: async () => undefined } });
  const link = hub.open(on(notes, 'start'));
  await node.engine.log.append([note('answered')]);
  await waitUntil('the first note', () => textsOf(link).length === 1);
  proxy.lose(true);
  await expect(node.engine.log.append([note('unanswered')])).rejects.toMatchObject(unavailable);
  await waitUntil('the second note', () => textsOf(link).length === 2, 5_000);
  expect(textsOf(link)).toEqual(['answered', 'unanswered']);
});

function note(text: string): AppendRequest {
  return { channel: notes.name, body: `"type":"note","data":{"text":"${text}"}` };
}

async function keptNotes({ log }: Engine): Promise<readonly string[]> {
  return dataOf(await readAll(log, notes.name)).map((data) => (data as { text: string }).text);
}

async function settles(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}

async function untilAnswered(
  { log }: Engine,
  batch: readonly AppendRequest[],
): Promise<readonly AppendOutcome[]> {
  for (;;) {
    try {
      return await log.append(batch);
    } catch (thrown) {
      if (!(thrown instanceof MillraceError) || !thrown.retryable) throw thrown;
    }
  }
}

interface LosingProxy extends AsyncDisposable {
  readonly port: number;
  lost(): number;
  lose(isLosing: boolean): void;
}

/** Of each `every` answers to appends it loses one, with the connection that it came on. */
async function losingAnswers(to: number, every: number): Promise<LosingProxy> {
  const sockets = new Set<Socket>();
  let answers = 0;
  let lost = 0;
  let isLosing = true;
  const proxy = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    let isAppending = false;
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    near.on('data', (chunk: Buffer) => {
      if (/evalsha|eval/.test(chunk.toString()) && chunk.includes('PUBLISH')) isAppending = true;
      far.write(chunk);
    });
    far.on('data', (chunk: Buffer) => {
      if (isAppending) answers += 1;
      if (isAppending && isLosing && answers % every === 0) {
        lost += 1;
        near.destroy();
        far.destroy();
        return;
      }
      isAppending = false;
      near.write(chunk);
    });
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = proxy.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    lost: () => lost,
    lose: (losing) => void (isLosing = losing),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}
