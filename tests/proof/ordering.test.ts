// Promises T14 (parallel publishers, one order) and T22 (a session that received nothing resumes), over real sockets.

import { PGlite } from '@electric-sql/pglite';
import { type Carrier, createClient } from '@millrace/client';
import type { Cursor } from '@millrace/protocol';
import { type Engine, memoryEngine } from '@millrace/server';
import { pgliteDatabase, pgliteEngine } from '@millrace/server/postgres';
import { readyPglite } from '@millrace/server/testing/servers';
import { describe, expect, test } from 'vitest';
import { numbers, recordNumbers, startMatrixHub, sums, upTo } from '../matrix/matrix-hub.ts';
import { createSeededRandom } from '../support/seeded-random.ts';
import { until } from '../support/wait.ts';

const carriers: readonly Carrier[] = ['websocket', 'sse', 'poll'];

const engines: Readonly<Record<string, () => Promise<Engine>>> = {
  memory: () => Promise.resolve(memoryEngine()),
  pglite: async () => pgliteEngine({ database: pgliteDatabase(await readyPglite(PGlite)) }),
};

describe.each(Object.keys(engines))('on the %s engine', (name) => {
  test('EVT-1: sixteen publishers at once, half of them clients, give every subscriber on every carrier one order', async () => {
    const engine = (await engines[name]?.()) ?? memoryEngine();
    await using server = await startMatrixHub(
      {},
      { engine, limits: { maxPublishesPerSecond: 10_000 } },
    );
    const channel = numbers.of({ name: 'busy' });
    const each = name === 'memory' ? 25 : 10;
    await using stack = new AsyncDisposableStack();
    // Two carriers cut now and then: a resumed reader must agree with the others.
    const readers = [...carriers, ...carriers].map((carrier, n) =>
      stack.use(
        recordNumbers('busy', {
          url: n < 3 ? server.directUrl : server.url,
          transports: [carrier],
        }),
      ),
    );
    await until(() => readers.every(({ story }) => story.length > 0), { label: 'all readers' });
    const random = createSeededRandom(1);
    const cutting = setInterval(
      () => server.proxy.cutAll({ how: random.pick(['rst', 'fin']) }),
      random.between(80, 160),
    );
    const publishers = Array.from({ length: 16 }, async (_, who) => {
      const client =
        who % 2 === 0
          ? null
          : createClient({
              url: server.directUrl,
              transports: [carriers[who % 3] ?? 'poll'],
            });
      for (let n = 1; n <= each; n += 1) {
        const event = { type: 'counted', data: { n: who * 1_000 + n } } as const;
        await (client === null
          ? server.hub.publish(channel, event)
          : client.publish(channel, event));
      }
      await client?.close();
    });
    await Promise.all(publishers);
    clearInterval(cutting);
    const total = 16 * each;
    await until(() => readers.every(({ seen }) => seen.length >= total), {
      label: 'everything',
      deadlineMs: 40_000,
    });
    const order: number[] = [];
    let after: Cursor | null = null;
    while (order.length < total) {
      const from: { after?: Cursor } = after === null ? {} : { after };
      const page = await server.hub.history(channel, from);
      order.push(...page.events.map(({ data }) => data.n));
      after = page.next;
    }
    for (const { seen, story } of readers) {
      expect(seen).toEqual(order);
      expect(story).toEqual(['exact', ...upTo(total)]);
    }
    for (let who = 0; who < 16; who += 1) {
      const own = order.filter((n) => Math.floor(n / 1_000) === who);
      expect(own).toEqual(upTo(each).map((n) => who * 1_000 + n));
    }
    await engine.close();
  });
});

describe.concurrent.each(carriers)('over %s', (carrier) => {
  test('SUB-3: a session that received nothing resumes again and again, with what came meanwhile and no more', async () => {
    await using server = await startMatrixHub();
    const { port } = new URL(server.directUrl);
    const other = sums.of({ name: 'quiet' });
    await using reader = recordNumbers('quiet', { url: server.url, transports: [carrier] });
    const states: unknown[] = [];
    const verdicts: string[] = [];
    reader.client.subscribe(other, {
      onVerdict: ({ verdict }) => verdicts.push(verdict),
      onState: (state) => states.push(state),
    });
    await until(() => reader.story.length === 1 && states.length === 1, { label: 'both verdicts' });
    // The first three times nothing happens at all; then something does while nobody is there.
    for (let round = 1; round <= 4; round += 1) {
      server.proxy.setTarget(null);
      server.proxy.cutAll({ how: round % 2 === 0 ? 'fin' : 'rst' });
      const status = () => reader.client.status.getSnapshot().status;
      await until(() => status() === 'connecting', { label: 'the loss' });
      if (round === 4) {
        await server.hub.publish(numbers.of({ name: 'quiet' }), {
          type: 'counted',
          data: { n: 1 },
        });
        await server.hub.publish(other, { type: 'counted', data: { n: 5 } });
      }
      server.proxy.setTarget({ host: '127.0.0.1', port: Number(port) });
      await until(() => status() === 'open', { label: 'the link', deadlineMs: 30_000 });
    }
    await until(() => reader.seen.length === 1 && states.length === 2, { label: 'what came' });
    expect(reader.story).toEqual(['exact', 1]);
    expect(verdicts).toEqual(['snapshot']);
    expect(states).toEqual([
      { sum: 0, count: 0 },
      { sum: 5, count: 1 },
    ]);
    expect(reader.errors).toEqual([]);
  });
});
