// What is a cluster's own: slots that move under appends and watchers, a master that dies, a server among several.

import { PGlite } from '@electric-sql/pglite';
import { encodeEventBody } from '@millrace/protocol/wire';
import { Cluster } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LogListener } from '../../seams/log.ts';
import { appendOne, dataOf, event, readAll } from '../../testing/engine-cases/engine-case.ts';
import { runOutbox } from '../../testing/outbox-subject.ts';
import { readyPglite } from '../../testing/ready-pglite.ts';
import {
  clusterIdOf,
  type RedisServer,
  startCluster,
  startClusterReplica,
} from '../../testing/redis-server.ts';
import { pgliteDatabase } from '../postgres/pglite-database.ts';
import { redisEngine } from './index.ts';
import { slotOf } from './slot.ts';

/** Other tests may be at work on the machine. */
const SOON = { timeout: 8_000 };

let servers: readonly RedisServer[];
let client: Cluster;
beforeAll(async () => {
  servers = await startCluster(3);
  client = new Cluster(servers.map(({ port }) => ({ host: '127.0.0.1', port })));
});
afterAll(async () => {
  client.disconnect();
  for (const server of servers) await server[Symbol.asyncDispose]();
});

function ownerOf(slot: number): number {
  return Math.min(2, Math.floor((slot * 3) / 16_384));
}

interface Move {
  readonly slot: number;
  readonly from: RedisServer;
  readonly to: RedisServer;
}

function moveOf(channel: string): Move {
  const slot = slotOf(`{${channel}}`);
  const [from, to] = [servers[ownerOf(slot)], servers[(ownerOf(slot) + 1) % 3]];
  if (from === undefined || to === undefined) throw new Error('three servers');
  return { slot, from, to };
}

async function begin({ slot, from, to }: Move): Promise<void> {
  await to.ask(`CLUSTER SETSLOT ${slot} IMPORTING ${await clusterIdOf(from)}`);
  await from.ask(`CLUSTER SETSLOT ${slot} MIGRATING ${await clusterIdOf(to)}`);
}

async function moveKeys({ slot, from, to }: Move): Promise<void> {
  const text = await from.ask(`CLUSTER GETKEYSINSLOT ${slot} 100`);
  for (const key of text.split('\r\n').filter((line) => line.includes('{'))) {
    expect(await from.ask(`MIGRATE 127.0.0.1 ${to.port} ${key} 0 1000`)).toContain('+OK');
  }
}

async function finish({ slot, from, to }: Move): Promise<void> {
  const id = await clusterIdOf(to);
  for (const server of [to, from, ...servers])
    await server.ask(`CLUSTER SETSLOT ${slot} NODE ${id}`);
}

test('REDIS-1, REDIS-5: a slot that moves gives its channels another epoch, and its watchers go on', async () => {
  const prefix = 'moved:';
  const [here, there] = [redisEngine({ client, prefix }), redisEngine({ client, prefix })];
  const channel = 'job:moving';
  const heard: string[] = [];
  let refreshed = 0;
  const listener: LogListener = {
    hinted: ({ entries }) => void heard.push(...dataOf({ entries }).map(String)),
    refresh: () => void (refreshed += 1),
  };
  here.log.watch(channel, listener);
  here.log.watch('job:staying', listener);
  const before = await appendOne(there.log, channel, 'before');
  const staying = await appendOne(there.log, 'job:staying', 'before');
  await expect.poll(() => refreshed, SOON).toBeGreaterThan(0);
  const move = moveOf(channel);

  await begin(move);
  expect((await appendOne(there.log, channel, 'while it is there')).epoch).toBe(before.epoch);
  await moveKeys(move);
  const asked = await appendOne(there.log, channel, 'asked');
  expect(asked.offset).toBe(3);
  expect(asked.epoch).not.toBe(before.epoch);
  const told = refreshed;
  await finish(move);

  const moved = await appendOne(there.log, channel, 'moved');
  expect(moved).toEqual({ epoch: asked.epoch, offset: 4 });
  await expect.poll(() => refreshed, { timeout: 5_000 }).toBeGreaterThan(told);
  // What comes before it listens at the slot's new place is not heard: for that it has looked, or looks then.
  const isHeard = async (): Promise<boolean> => {
    await appendOne(there.log, channel, 'heard');
    return heard.includes('heard');
  };
  await expect.poll(isHeard, { timeout: 8_000, interval: 200 }).toBe(true);
  expect([...new Set(dataOf(await readAll(here.log, channel)))]).toEqual([
    'before',
    'while it is there',
    'asked',
    'moved',
    'heard',
  ]);
  expect((await appendOne(here.log, 'job:staying', 'after')).epoch).toBe(staying.epoch);
  await Promise.all([here.close(), there.close()]);
});

test('LOG-16: while one server is frozen, the channels of the others go on, and its own are told', async () => {
  const engine = redisEngine({ client, prefix: 'frozen:', answerWithinMs: 500, waitMs: 100 });
  const channels = Array.from({ length: 12 }, (_, index) => `job:${index}`);
  await engine.log.append(channels.map((channel) => event(channel, 'before')));
  const frozen = servers[0];
  frozen?.freeze();
  const outcomes = await engine.log.append(channels.map((channel) => event(channel, 'while')));
  frozen?.thaw();
  for (const [index, channel] of channels.entries()) {
    const isFrozen = ownerOf(slotOf(`{${channel}}`)) === 0;
    expect(outcomes[index]).toMatchObject(
      isFrozen ? { error: { code: 'engine/unavailable' } } : { cursor: { offset: 2 } },
    );
  }
  await expect
    .poll(
      () =>
        engine.log.append(channels.map((channel) => event(channel, 'after'))).then(
          (answers) => answers.every((answer) => 'cursor' in answer),
          () => false,
        ),
      { timeout: 8_000 },
    )
    .toBe(true);
  await engine.close();
});

test('OUT-6, OUT-2: while one server is frozen, what was committed for its channels waits, and is there once', async () => {
  const engine = redisEngine({ client, prefix: 'outbox:', answerWithinMs: 300, waitMs: 100 });
  const channels = Array.from({ length: 12 }, (_, index) => `job:${index}`);
  const keptIn = async (channel: string): Promise<unknown[]> =>
    dataOf(await readAll(engine.log, channel));
  const pglite = await readyPglite(PGlite);
  const database = pgliteDatabase(pglite);
  const subject = runOutbox({ database, log: engine.log });
  const frozen = servers[0];
  frozen?.freeze();
  await database.transaction((tx) =>
    subject.outbox.write(
      tx,
      channels.map((channel) => {
        const body = encodeEventBody({ type: 'said', data: channel, id: channel });
        return { channel, body, key: channel };
      }),
    ),
  );
  const near = channels.find((channel) => ownerOf(slotOf(`{${channel}}`)) !== 0) ?? '';
  await expect.poll(() => keptIn(near), SOON).toEqual([near]);
  await expect.poll(() => subject.errors.length, SOON).toBeGreaterThan(0);
  frozen?.thaw();
  await subject.outbox.relayed(15_000);
  for (const channel of channels) expect(await keptIn(channel)).toEqual([channel]);
  expect(await database.query('select from millrace.outbox_refused', [])).toEqual([]);
  await subject[Symbol.asyncDispose]();
  await engine.close();
  await pglite.close();
});

test('REDIS-1, REDIS-5, LOG-16: a master that dies is replaced by its replica: another epoch, and its watchers go on', async () => {
  const prefix = 'failover:';
  const channel = Array.from({ length: 100 }, (_, index) => `job:${index}`).find(
    (name) => ownerOf(slotOf(`{${name}}`)) === 2,
  );
  const master = servers[2];
  if (channel === undefined || master === undefined) throw new Error('three servers');
  await using replica = await startClusterReplica(master, servers);
  const [here, there] = [redisEngine({ client, prefix }), redisEngine({ client, prefix })];
  const heard: string[] = [];
  let refreshed = 0;
  here.log.watch(channel, {
    hinted: ({ entries }) => void heard.push(...dataOf({ entries }).map(String)),
    refresh: () => void (refreshed += 1),
  });
  const before = await appendOne(there.log, channel, 'before');
  await expect.poll(() => refreshed, SOON).toBeGreaterThan(0);
  await expect.poll(() => replica.ask('DBSIZE'), SOON).toBe(await master.ask('DBSIZE'));
  const told = refreshed;
  await master.stop();
  const after = await expect
    .poll(() => appendOne(there.log, channel, 'after').catch(() => null), { timeout: 12_000 })
    .not.toBeNull()
    .then(() => readAll(there.log, channel));
  expect(after.epoch).not.toBe(before.epoch);
  expect(dataOf(after)[0]).toBe('before');
  await expect.poll(() => refreshed, { timeout: 8_000 }).toBeGreaterThan(told);
  await appendOne(there.log, channel, 'heard');
  await expect.poll(() => heard, { timeout: 5_000 }).toContain('heard');
  await Promise.all([here.close(), there.close()]);
});
