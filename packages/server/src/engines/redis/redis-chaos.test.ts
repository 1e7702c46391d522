// Three nodes whose connections to Redis are cut, reset and silenced every second or so, by a seed: what producers that
// repeat have published is read on every node once, in one order, without a gap.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { MillraceError } from '@millrace/protocol';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { range } from '../../testing/engine-cases/engine-case.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { on, type RunningCore, runCore, textsOf, verdictsOf } from '../../testing/run-core.ts';
import { openNotes } from '../../testing/test-channels.ts';
import { waitUntil } from '../../testing/waiting.ts';
import { redisEngine } from './index.ts';

const FAULTS_MS = 2_500;
const channels = range(1, 4).map((id) => openNotes.of({ id: `${id}` }));

test.each([20_261_126])(
  'LOG-16, LOG-12, EVT-1: cut, reset and silent connections, seed %i',
  async (seed) => {
    const random = randomBy(seed);
    await using server = await startRedis();
    const proxies = await Promise.all(range(1, 3).map(() => startFaultyProxy(server.port, random)));
    const hubs = proxies.map(({ port }) =>
      runCore({
        engine: redisEngine({
          client: new Redis(port, { lazyConnect: true }),
          answerWithinMs: 800,
          waitMs: 300,
        }),
      }),
    );
    const links = hubs.map((hub) => channels.map((channel) => hub.open(on(channel, 'start'))));
    const untilMs = performance.now() + FAULTS_MS;
    const counts = await Promise.all(
      range(0, 5).map((id) => publishUntil(untilMs, hubs[id % 3] ?? runCore(), `p${id}`, random)),
    );
    for (const proxy of proxies) proxy.heal();
    for (const [index, { name }] of channels.entries()) {
      const published = counts.reduce((sum, count) => sum + (count.get(name) ?? 0), 0);
      const readers = links.flatMap((own) => own[index] ?? []);
      for (const link of readers) {
        await waitUntil('every note', () => textsOf(link).length >= published, 9_000);
        expect(verdictsOf(link)).toEqual(['exact']);
        expect(textsOf(link)).toEqual(readers.map(textsOf)[0]);
      }
      expect(new Set(readers.flatMap(textsOf)).size).toBe(published);
      expect(readers.flatMap(textsOf).length).toBe(3 * published);
    }
    for (const hub of hubs) await hub[Symbol.asyncDispose]();
    for (const proxy of proxies) proxy.close();
  },
  40_000,
);

/** Publishes as a producer, repeating what was not answered. Returns how many each channel got. */
async function publishUntil(
  untilMs: number,
  { core }: RunningCore,
  id: string,
  random: () => number,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  while (performance.now() < untilMs) {
    const channel = channels[Math.floor(random() * channels.length)]?.name ?? '';
    const sequence = (counts.get(channel) ?? 0) + 1;
    const event = { type: 'note', data: { text: `${id}/${sequence}` } };
    const producer = { id, epoch: 1, sequence };
    while (!(await isAnswered(core.publisher.publish([{ channel, event, producer }]))));
    counts.set(channel, sequence);
    await new Promise((resolve) => setTimeout(resolve, random() * 10));
  }
  return counts;
}

async function isAnswered(
  publishing: ReturnType<RunningCore['core']['publisher']['publish']>,
): Promise<boolean> {
  try {
    const [result] = await publishing;
    if (result !== undefined && 'error' in result) throw result.error;
    return true;
  } catch (thrown) {
    if (thrown instanceof MillraceError && thrown.code === 'engine/unavailable') return false;
    throw thrown;
  }
}

function randomBy(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** Each connection lives for a second or so; then it ends, is reset, or says nothing any more before it ends. */
async function startFaultyProxy(
  to: number,
  random: () => number,
): Promise<{ readonly port: number; heal(): void; close(): void }> {
  const sockets = new Set<Socket>();
  let isHealed = false;
  const proxy = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    const both = [near, far];
    for (const socket of both) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        for (const one of both) one.destroy();
      });
    }
    near.pipe(far);
    far.pipe(near);
    const [how, lifetimeMs] = [random(), 200 + random() * 1_200];
    setTimeout(() => {
      if (isHealed) return;
      if (how < 0.3) for (const one of both) one.unpipe();
      else if (how < 0.6) near.resetAndDestroy();
      else near.destroy();
      setTimeout(() => near.destroy(), 1_500).unref();
    }, lifetimeMs).unref();
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = proxy.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    heal: () => void (isHealed = true),
    close() {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    },
  };
}
