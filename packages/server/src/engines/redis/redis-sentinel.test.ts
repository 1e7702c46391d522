// A master that dies behind Sentinel: its replica goes on in another epoch, and who reads live is told.

import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { readAll } from '../../testing/engine-cases/engine-case.ts';
import { startRedis, startReplica, startSentinel } from '../../testing/redis-server.ts';
import { on, runCore, textsOf, verdictsOf } from '../../testing/run-core.ts';
import { openNotes } from '../../testing/test-channels.ts';
import { waitUntil } from '../../testing/waiting.ts';
import { redisEngine } from './index.ts';

/** Other tests may be at work on the machine. */
const SOON = { timeout: 8_000 };

const notes = openNotes.of({ id: '1' });

test('REDIS-1, LOG-16: after a failover by Sentinel appends go on, in another epoch that readers are told of', async () => {
  await using master = await startRedis();
  await using replica = await startReplica(master);
  await using sentinel = await startSentinel(master);
  await expect
    .poll(() => sentinel.ask('SENTINEL REPLICAS main'), { timeout: 12_000 })
    .toContain(`${replica.port}`);
  const client = new Redis({
    sentinels: [{ host: '127.0.0.1', port: sentinel.port }],
    name: 'main',
  });
  client.on('error', () => undefined);
  await using hub = runCore({ engine: redisEngine({ client }) });
  const link = hub.open(on(notes, 'start'));
  const before = await hub.publish(notes, 'before');
  await waitUntil('the first note', () => textsOf(link).length === 1);
  await expect.poll(() => replica.ask('DBSIZE'), SOON).toContain(':2');
  await master.stop();
  await expect
    .poll(
      () =>
        hub.publish(notes, 'after').then(
          () => true,
          () => false,
        ),
      { timeout: 15_000 },
    )
    .toBe(true);
  await waitUntil('the note after it', () => textsOf(link).includes('after'), 8_000);
  expect(verdictsOf(link)).toEqual(['exact', 'gap']);
  const page = await readAll(hub.engine.log, notes.name);
  expect(page.epoch).not.toBe(before.epoch);
  // What is kept follows the gap, from the oldest on.
  expect(textsOf(link)).toEqual(['before', 'before', 'after']);
  client.disconnect();
});
