// Several nodes on one Redis: one order for all, only what is watched is listened to, and what a person sees who
// listens with redis-cli.

import { spawn } from 'node:child_process';
import { parseJson, parseJsonObject } from '@millrace/protocol/wire';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Engine } from '../../seams/engine.ts';
import type { LogListener } from '../../seams/log.ts';
import {
  appendOne,
  dataOf,
  event,
  range,
  readAll,
} from '../../testing/engine-cases/engine-case.ts';
import { type RedisServer, startRedis } from '../../testing/redis-server.ts';
import { on, runCore, textsOf, verdictsOf } from '../../testing/run-core.ts';
import { openNotes } from '../../testing/test-channels.ts';
import { waitUntil } from '../../testing/waiting.ts';
import { type RedisEngineOptions, redisEngine } from './index.ts';
import { FORGET } from './scripts/forget-script.ts';

/** Other tests may be at work on the machine. */
const SOON = { timeout: 8_000 };

let server: RedisServer;
let client: Redis;
let prefix = 'millrace:';
let round = 0;
beforeAll(async () => {
  server = await startRedis();
  client = new Redis(server.port);
});
afterAll(async () => {
  client.disconnect();
  await server[Symbol.asyncDispose]();
});
beforeEach(() => {
  round += 1;
  prefix = `round${round}:`;
});

interface Node extends AsyncDisposable {
  readonly engine: Engine;
}

function nodeWith(options: Partial<RedisEngineOptions> = {}): Node {
  const engine = redisEngine({ client, prefix, ...options });
  return { engine, [Symbol.asyncDispose]: () => engine.close() };
}

const deaf = (): LogListener => ({ hinted: () => undefined, refresh: () => undefined });

async function subscribed(): Promise<readonly string[]> {
  return (await client.pubsub('CHANNELS', '*')).map(String).toSorted();
}

describe('several nodes', () => {
  test('LOG-1, EVT-1: sixteen publishers on two nodes, and every reader on both sees one order', async () => {
    await using near = runCore({ engine: redisEngine({ client, prefix }) });
    await using far = runCore({ engine: redisEngine({ client, prefix }) });
    const notes = openNotes.of({ id: 'busy' });
    const links = [near, far, near, far].map((hub) => hub.open(on(notes, 'start')));
    await Promise.all(links.map((link) => link.next('verdict')));
    const each = 40;
    await Promise.all(
      range(1, 16).map(async (publisher) => {
        const hub = publisher % 2 === 0 ? near : far;
        for (const step of range(1, each)) await hub.publish(notes, `${publisher}/${step}`);
      }),
    );
    for (const link of links) {
      await waitUntil('all notes', () => textsOf(link).length >= 16 * each);
      expect(verdictsOf(link)).toEqual(['exact']);
      expect(textsOf(link)).toEqual(textsOf(links[0] ?? link));
    }
    const kept = dataOf(await readAll(near.engine.log, notes.name));
    expect(textsOf(links[0] ?? far.open())).toEqual(
      kept.map((data) => (data as { text: string }).text),
    );
    for (const publisher of range(1, 16)) {
      const own = textsOf(links[1] ?? far.open()).filter((text) =>
        text.startsWith(`${publisher}/`),
      );
      expect(own).toEqual(range(1, each).map((step) => `${publisher}/${step}`));
    }
  });

  test('REDIS-5: a node listens to what is watched and nothing else, and stops with the last watcher', async () => {
    await using node = nodeWith();
    const { log } = node.engine;
    await appendOne(log, 'unwatched', 1);
    const ends = range(1, 1_200).map((step) => log.watch(`job:${step}`, deaf()));
    const twice = log.watch('job:7', deaf());
    await expect.poll(async () => (await subscribed()).length, SOON).toBe(1_200);
    for (const end of ends) end();
    await expect.poll(subscribed, SOON).toEqual(['job:7']);
    twice();
    await expect.poll(subscribed, SOON).toEqual([]);
  });

  test('REDIS-5: many watchers of one tick are few commands', async () => {
    await using node = nodeWith();
    node.engine.log.watch('first', deaf());
    await expect.poll(subscribed, SOON).toEqual(['first']);
    const commands = async (): Promise<number> =>
      Number(/cmdstat_subscribe:calls=(\d+)/.exec(await client.info('commandstats'))?.[1]);
    const before = await commands();
    for (const step of range(1, 1_000)) node.engine.log.watch(`job:${step}`, deaf());
    await expect.poll(async () => (await subscribed()).length, SOON).toBe(1_001);
    expect((await commands()) - before).toBe(2);
  });

  test('REDIS-5: a connection that was cut listens again, and its watchers look at the log', async () => {
    await using node = nodeWith();
    await using far = nodeWith();
    const heard: number[] = [];
    let refreshed = 0;
    node.engine.log.watch('job:1', {
      hinted: ({ head }) => void heard.push(head),
      refresh: () => void (refreshed += 1),
    });
    await expect.poll(() => refreshed, SOON).toBe(1);
    await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await appendOne(far.engine.log, 'job:1', 'unheard, perhaps');
    await expect.poll(() => refreshed, { timeout: 3_000 }).toBeGreaterThan(1);
    await appendOne(far.engine.log, 'job:1', 'heard');
    await expect.poll(() => heard, SOON).toContain(2);
  });

  test('REDIS-3: redis-cli shows events under the plain name', async () => {
    await using node = nodeWith();
    const cli = spawn('redis-cli', ['-p', `${server.port}`, 'PSUBSCRIBE', 'job_progress:*']);
    try {
      let shown = '';
      cli.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()));
      await waitUntil('the subscription', () => shown.includes('psubscribe'));
      const { log } = node.engine;
      await log.append([event('job_progress:7', { percent: 50 }), event('job_progress:7', 'é')]);
      await log.append([{ channel: 'job_progress:7', isEnd: true }]);
      await waitUntil('two messages', () => shown.split('pmessage').length > 2);
      const messages = shown.split(/\r?\n/).filter((line) => line.startsWith('{'));
      const [first, second] = messages.map((line) => parseJsonObject(line));
      const { epoch, entries } = await readAll(log, 'job_progress:7');
      expect(first).toMatchObject({ log: prefix, epoch, head: 2, ended: false });
      expect(first?.['entries']).toEqual(entries.map(({ text }) => parseJson(text)));
      expect(second).toMatchObject({ head: 2, ended: true, entries: [] });
    } finally {
      cli.kill();
    }
  });

  test('REDIS-3: a batch too large for a message is told of by its head alone', async () => {
    await using node = nodeWith();
    await using far = nodeWith();
    const hints: unknown[] = [];
    let refreshed = 0;
    far.engine.log.watch('large', {
      hinted: ({ head, entries }) => void hints.push([head, entries.length]),
      refresh: () => void (refreshed += 1),
    });
    await expect.poll(() => refreshed, SOON).toBe(1);
    await node.engine.log.append(range(1, 5).map(() => event('large', 'x'.repeat(60_000))));
    await node.engine.log.append([event('large', 'small')]);
    await expect
      .poll(() => hints, SOON)
      .toEqual([
        [5, 0],
        [6, 1],
      ]);
  });

  test('REDIS-3: what others publish under a channel’s name is nobody’s event', async () => {
    await using node = nodeWith();
    await using other = nodeWith({ prefix: 'other:' });
    const hints: number[] = [];
    let refreshed = 0;
    node.engine.log.watch('job:1', {
      hinted: ({ head }) => void hints.push(head),
      refresh: () => void (refreshed += 1),
    });
    await expect.poll(() => refreshed, SOON).toBe(1);
    await client.publish('job:1', 'hello');
    await client.publish('job:1', `{"log":"${prefix}","origin":"x","head":9}`);
    await other.engine.log.append([event('job:1', 1), event('job:1', 2)]);
    await appendOne(node.engine.log, 'job:1', 'own');
    await expect.poll(() => hints, SOON).toEqual([1]);
  });

  test('REDIS-1: a user of Redis who may not call INFO is served, and it is said what is not noticed', async () => {
    await client.acl('SETUSER', 'app', 'on', '>word', '~*', '&*', '+@all', '-info');
    const restricted = new Redis(server.port, {
      username: 'app',
      password: 'word',
      enableReadyCheck: false,
    });
    const errors: string[] = [];
    const onError = ({ code }: { readonly code: string }): void => void errors.push(code);
    await using node = nodeWith({ client: restricted, onError });
    expect(node.engine.capabilities.seesRollback).toBe(true);
    const { epoch } = await appendOne(node.engine.log, 'a', 1);
    expect(node.engine.capabilities.seesRollback).toBe(false);
    expect((await appendOne(node.engine.log, 'a', 2)).epoch).toBe(epoch);
    expect(errors).toEqual(['settings/invalid']);
    await client.del(`${prefix}{a}`);
    expect((await appendOne(node.engine.log, 'a', 1)).epoch).not.toBe(epoch);
    restricted.disconnect();
  });

  test('REDIS-3: a user who may not publish appends all the same, and is told', async () => {
    await client.acl('SETUSER', 'mute', 'on', '>word', '~*', '+@all', 'resetchannels');
    const restricted = new Redis(server.port, { username: 'mute', password: 'word' });
    const errors: string[] = [];
    await using node = nodeWith({
      client: restricted,
      onError: ({ code }) => void errors.push(code),
    });
    expect((await appendOne(node.engine.log, 'a', 1)).offset).toBe(1);
    expect(errors).toEqual(['server/internal']);
    restricted.disconnect();
  });

  test('LOG-2: a key of somebody else’s in the way of one channel spoils no other', async () => {
    await using node = nodeWith();
    await client.set(`${prefix}{taken}`, 'a text');
    const { log } = node.engine;
    await appendOne(log, 'half', 1);
    await client.set(`${prefix}{half}:entries`, 'a text');
    const outcomes = await log.append([event('taken', 1), event('half', 1), event('free', 1)]);
    expect(outcomes).toMatchObject([
      { error: { code: 'server/internal' } },
      { error: { code: 'server/internal' } },
      { cursor: { offset: 1 } },
    ]);
    await expect(log.append([event('taken', 1)])).rejects.toMatchObject({
      code: 'server/internal',
    });
    await expect(readAll(log, 'taken')).rejects.toMatchObject({ code: 'server/internal' });
  });

  test('LOG-16: a server that has forgotten its scripts is sent them again', async () => {
    await using node = nodeWith();
    await appendOne(node.engine.log, 'a', 1);
    await client.script('FLUSH');
    expect((await appendOne(node.engine.log, 'a', 2)).offset).toBe(2);
    await client.script('FLUSH');
    expect((await readAll(node.engine.log, 'a')).head).toBe(2);
  });

  test('LOG-14a: a forgetting that is sent again after a lost answer erases nothing that came since', async () => {
    await using node = nodeWith();
    const { log } = node.engine;
    const { epoch } = await appendOne(log, 'a', 'old');
    for (const ofEpoch of [epoch, '']) {
      const keys = [`${prefix}{a}`, `${prefix}{a}:entries`];
      const args = [`token-${ofEpoch}`, 86_400_000, '{}', 'PUBLISH', 'a', ofEpoch];
      const forget = (): Promise<unknown> => client.eval(FORGET.source, 2, ...keys, ...args);
      expect(await forget()).toEqual([1, 1, 1, '']);
      await appendOne(log, 'a', 'new');
      expect(await forget()).toEqual([1, 1, 0, '']);
      expect(dataOf(await readAll(log, 'a'))).toEqual(['new']);
    }
  });

  test('REDIS-5: a channel is heard whatever it is called, also beside a topic of the bus', async () => {
    await using near = nodeWith();
    await using far = nodeWith();
    const name = `${prefix}bus:7`;
    let heard = 0;
    const unsubscribe = await near.engine.bus.subscribe('7', () => undefined);
    near.engine.log.watch(name, { ...deaf(), hinted: ({ head }) => void (heard = head) });
    await expect.poll(subscribed, SOON).toContain(name);
    unsubscribe();
    await appendOne(far.engine.log, name, 1);
    await expect.poll(() => heard, SOON).toBe(1);
  });

  test('LOG-2: the time of an event is that of the server, to the millisecond', async () => {
    await using node = nodeWith();
    for (const _ of range(1, 20)) {
      const [seconds, micros] = (await client.time()).map(Number);
      const [outcome] = await node.engine.log.append([event('a', 1)]);
      const at = outcome !== undefined && 'at' in outcome ? Date.parse(outcome.at) : 0;
      const before = (seconds ?? 0) * 1_000 + Math.floor((micros ?? 0) / 1_000);
      expect(at).toBeGreaterThanOrEqual(before);
      expect(at).toBeLessThan(before + 1_000);
    }
  });
});
