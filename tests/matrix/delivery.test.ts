// Client × hub on every carrier: the same transcript with and without cuts, and across forced migrations.

import type { Carrier } from '@millrace/client';
import { describe, expect, test } from 'vitest';
import { createSeededRandom } from '../support/seeded-random.ts';
import { until } from '../support/wait.ts';
import { numbers, recordNumbers, startMatrixHub, upTo } from './matrix-hub.ts';

const carriers: readonly Carrier[] = ['websocket', 'sse', 'poll'];
const SEED = Number(process.env['MATRIX_SEED'] ?? 1);

describe.each(carriers)('over %s', (carrier) => {
  test('EVT-1: events published before and after subscribing arrive once and in order', async () => {
    await using server = await startMatrixHub();
    const channel = numbers.of({ name: carrier });
    for (const n of upTo(10)) await server.hub.publish(channel, { type: 'counted', data: { n } });
    await using reader = recordNumbers(carrier, { url: server.url, transports: [carrier] });
    await until(() => reader.seen.length === 10, { label: 'the past' });
    for (let n = 11; n <= 50; n += 1) {
      await server.hub.publish(channel, { type: 'counted', data: { n } });
    }
    await until(() => reader.seen.length >= 50, { label: 'the rest' });
    expect(reader.story).toEqual(['exact', ...upTo(50)]);
    expect(reader.errors).toEqual([]);
    expect(reader.client.status.getSnapshot()).toMatchObject({
      status: 'open',
      transport: carrier,
      isRealtime: carrier !== 'poll',
      notice: null,
    });
  });

  test(`EVT-1: cuts change nothing about the transcript (seed ${SEED})`, async () => {
    await using server = await startMatrixHub();
    const random = createSeededRandom(SEED);
    const channel = numbers.of({ name: carrier });
    await using reader = recordNumbers(carrier, { url: server.url, transports: [carrier] });
    for (const n of upTo(300)) {
      await server.hub.publish(channel, { type: 'counted', data: { n } });
      if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      if (random.next() < 0.03) server.proxy.cutAll({ how: random.next() < 0.5 ? 'rst' : 'fin' });
    }
    await until(() => reader.seen.length >= 300, { label: 'all events', deadlineMs: 60_000 });
    expect(reader.story).toEqual(['exact', ...upTo(300)]);
    expect(reader.errors).toEqual([]);
  });

  test('SUB-3: a reader that received nothing resumes after a cut without a gap', async () => {
    await using server = await startMatrixHub();
    await using reader = recordNumbers('quiet', { url: server.url, transports: [carrier] });
    await until(() => reader.story.length === 1, { label: 'the verdict' });
    server.proxy.setTarget(null);
    server.proxy.cutAll({ how: 'rst' });
    await until(() => reader.client.status.getSnapshot().status === 'connecting', {
      label: 'the loss',
    });
    await server.hub.publish(numbers.of({ name: 'quiet' }), { type: 'counted', data: { n: 1 } });
    const { port } = new URL(server.directUrl);
    server.proxy.setTarget({ host: '127.0.0.1', port: Number(port) });
    await until(() => reader.seen.length === 1, { label: 'the event', deadlineMs: 30_000 });
    expect(reader.story).toEqual(['exact', 1]);
  });

  test('SUB-1: who begins earlier on a channel that is being read gets its past, and nobody anything twice', async () => {
    await using server = await startMatrixHub();
    const channel = numbers.of({ name: 'shared' });
    const publish = async (from: number, to: number): Promise<void> => {
      for (const n of upTo(to).slice(from - 1)) {
        await server.hub.publish(channel, { type: 'counted', data: { n } });
      }
    };
    await publish(1, 5);
    await using reader = recordNumbers('shared', { url: server.url, transports: [carrier] });
    await until(() => reader.seen.length === 5, { label: 'the first one' });
    const others: (number | string)[][] = [];
    for (const start of ['start', { last: 2 }, 'start'] as const) {
      const story: (number | string)[] = [];
      others.push(story);
      reader.client.subscribe(channel, {
        start,
        onVerdict: ({ verdict }) => story.push(verdict),
        onEvent: ({ offset }) => story.push(offset),
      });
    }
    await until(() => others.every((story) => story.includes(5)), {
      label: 'the past',
      details: () => JSON.stringify([others, server.proxy.stats]),
    });
    await publish(6, 8);
    await until(() => [reader.story, ...others].every((story) => story.includes(8)), {
      label: 'what follows',
    });
    expect([reader.story, ...others]).toEqual([
      ['exact', ...upTo(8)],
      ['exact', ...upTo(8)],
      ['exact', 4, 5, 6, 7, 8],
      ['exact', ...upTo(8)],
    ]);
    // A poll is a request of its own; the others need a link for each turn, and no more.
    const { stream, websocket } = server.proxy.stats.requests;
    expect(stream + websocket).toBeLessThan(12);
  });
});
