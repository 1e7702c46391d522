// What an event costs a node that others read it on: one message and no read, however many read it there. Counted by
// Redis itself.

import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { range } from '../../testing/engine-cases/engine-case.ts';
import { type RedisServer, startRedis } from '../../testing/redis-server.ts';
import { on, runCore, textsOf } from '../../testing/run-core.ts';
import { openNotes } from '../../testing/test-channels.ts';
import { waitUntil } from '../../testing/waiting.ts';
import { redisEngine } from './index.ts';

const events = 50;
const text = 'x'.repeat(150);

let server: RedisServer;
let client: Redis;
beforeAll(async () => {
  server = await startRedis();
  client = new Redis(server.port);
});
afterAll(async () => {
  client.disconnect();
  await server[Symbol.asyncDispose]();
});

interface Traffic {
  readonly appends: number;
  readonly published: number;
  /** Each message goes to so many connections. */
  readonly listeners: number;
  /** From Redis to all nodes. */
  readonly bytes: number;
}

/** One node publishes, another has so many readers. */
async function trafficOf(readers: number): Promise<Traffic> {
  await using near = runCore({ engine: redisEngine({ client, prefix: `${readers}:` }) });
  await using far = runCore({ engine: redisEngine({ client, prefix: `${readers}:` }) });
  const notes = openNotes.of({ id: `${readers}` });
  const links = range(1, readers).map(() => far.open(on(notes)));
  await Promise.all(links.map((link) => link.next('verdict')));
  await near.publish(notes, 'heard');
  await waitUntil('the first', () => links.every((link) => textsOf(link).length === 1));
  const [, listeners] = await client.pubsub('NUMSUB', notes.name);

  await client.config('RESETSTAT');
  for (const step of range(1, events)) await near.publish(notes, `${step} ${text}`);
  await waitUntil('all of them', () => links.every((link) => textsOf(link).length === events + 1));
  const told = await client.info('everything');
  const read = (pattern: RegExp): number => Number(pattern.exec(told)?.[1]);
  return {
    appends: read(/cmdstat_evalsha:calls=(\d+)/),
    published: read(/cmdstat_publish:calls=(\d+)/),
    listeners: Number(listeners),
    bytes: read(/total_net_output_bytes:(\d+)/),
  };
}

test('LOG-7, REDIS-3: an event costs another node one message and no read, whether one reads it there or a hundred', async () => {
  const one = await trafficOf(1);
  const hundred = await trafficOf(100);
  for (const traffic of [one, hundred]) {
    // A read would be one more script.
    expect(traffic).toMatchObject({ appends: events, published: events, listeners: 1 });
  }
  expect(one.bytes).toBeGreaterThan(events * text.length);
  // Not quite the same: pings, and longer numbers.
  expect(hundred.bytes).toBeLessThan(one.bytes * 1.1);
});
