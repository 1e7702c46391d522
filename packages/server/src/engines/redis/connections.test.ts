// What the engine's connections do at moments that a real server seldom gives: a script that is unknown too late, a
// close while one waits to connect again, a SUBSCRIBE that fails in passing.

import { EventEmitter } from 'node:events';
import { expect, test, vi } from 'vitest';
import type { RedisClient } from './client.ts';
import { type Connection, runScript } from './connection.ts';
import { unavailable } from './failure.ts';
import { attempt } from './patience.ts';
import { defineScript } from './scripts/script.ts';
import { createServerConnection } from './server-connection.ts';
import { createSubscriber, type Subscriber } from './subscriber.ts';

/** As ioredis, as far as it is used here. */
class FakeClient extends EventEmitter {
  readonly isCluster = false;
  readonly options = {};
  status = 'ready';
  connects = 0;
  readonly subscribed: string[][] = [];
  /** What the next SUBSCRIBE fails with. */
  failure: Error | null = null;

  duplicate(): RedisClient {
    return this as unknown as RedisClient;
  }
  async connect(): Promise<void> {
    this.connects += 1;
  }
  disconnect(): void {
    this.status = 'end';
  }
  async ping(): Promise<unknown> {
    return 'PONG';
  }
  async subscribe(...names: string[]): Promise<unknown> {
    this.subscribed.push(names);
    const { failure } = this;
    this.failure = null;
    if (failure !== null) throw failure;
    return names.length;
  }
}

const script = defineScript('return 1');

function connectionOn(client: FakeClient): Connection {
  return createServerConnection({
    client: client.duplicate(),
    patience: { answerWithinMs: 1_000, waitMs: 0 },
    onRegained: () => undefined,
    onLost: () => undefined,
  });
}

function subscriberOn(
  client: FakeClient,
  onConfirmed: (names: readonly string[]) => void = () => undefined,
): Subscriber {
  return createSubscriber({
    client: client.duplicate(),
    isSharded: false,
    pingEveryMs: 1_000,
    onMessage: () => undefined,
    onConfirmed,
    onRefused: () => undefined,
  });
}

test('LOG-16: a script that turns out to be unknown after its caller was told is not sent', async () => {
  const sent: string[] = [];
  const server = {
    async evalsha(): Promise<unknown> {
      sent.push('evalsha');
      throw new Error('NOSCRIPT No matching script.');
    },
    async eval(): Promise<unknown> {
      sent.push('eval');
      return 'done';
    },
  };
  const call = { script, keys: ['k'], args: [] };
  await expect(runScript(server, call, performance.now() - 1)).rejects.toThrow('NOSCRIPT');
  expect(sent).toEqual(['evalsha']);
  expect(await runScript(server, call, performance.now() + 60_000)).toBe('done');
});

test('LOG-10: who is closed while it waits to connect again connects no more', async () => {
  const [commands, listener, witness] = [new FakeClient(), new FakeClient(), new FakeClient()];
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  try {
    const closed = [connectionOn(commands), subscriberOn(listener)];
    const open = connectionOn(witness);
    for (const client of [commands, listener, witness]) {
      client.status = 'end';
      client.emit('end');
    }
    for (const one of closed) one.close();
    vi.advanceTimersByTime(1_000);
    expect([commands, listener, witness].map(({ connects }) => connects)).toEqual([0, 0, 1]);
    open.close();
  } finally {
    vi.useRealTimers();
  }
});

test('REDIS-5: what could not be listened to in passing is asked for again, on the same connection', async () => {
  const client = new FakeClient();
  client.failure = new Error('CLUSTERDOWN The cluster is down');
  const confirmed: string[] = [];
  const subscriber = subscriberOn(client, (names) => confirmed.push(...names));
  client.emit('ready');
  subscriber.add('a');
  await expect.poll(() => confirmed).toEqual(['a']);
  expect(client.subscribed).toEqual([['a'], ['a']]);
  subscriber.close();
});

test('BUS-2: a message that could not be taken fails, so that none is overtaken; a script is tried again', async () => {
  const sent: string[] = [];
  const target = {
    client: () => 'server',
    changed: () => Promise.resolve(),
    onStale: () => undefined,
    firstUntilMs: 0,
  };
  const call = (tries: 'once' | 'until-done', text: string): Promise<unknown> =>
    attempt(
      target,
      {
        tries,
        async send() {
          sent.push(text);
          if (sent.filter((one) => one === text).length === 1) throw new Error('LOADING');
          return 'taken';
        },
      },
      { answerWithinMs: 5_000, waitMs: 5_000 },
    );
  const script = call('until-done', 'script');
  await expect(call('once', 'message')).rejects.toMatchObject({ code: 'engine/unavailable' });
  expect(await script).toBe('taken');
  expect(sent).toEqual(['script', 'message', 'script']);
});

test('ERR-2: what a failed command had in it stays out of what is told', () => {
  const cause = Object.assign(new Error('WRONGPASS invalid'), {
    name: 'ReplyError',
    command: { name: 'auth', args: ['a secret'] },
  });
  const told = unavailable(cause);
  expect(told.cause).toMatchObject({ name: 'ReplyError', message: 'WRONGPASS invalid' });
  expect(told.cause).not.toHaveProperty('command');
});
