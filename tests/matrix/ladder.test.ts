// Client × hub × faulty network: a blocked or broken carrier costs little time and no event, and people are told.

import type { Carrier, ConnectionStatus } from '@millrace/client';
import { describe, expect, test } from 'vitest';
import type { Rules } from '../support/proxy/rules.ts';
import { expectWithin } from '../support/timing.ts';
import { until } from '../support/wait.ts';
import { numbers, recordNumbers, startMatrixHub, upTo } from './matrix-hub.ts';

interface Blocked {
  readonly title: string;
  readonly rules: Rules;
  readonly transport: Carrier;
  readonly withinMs: number;
}

const blocked: readonly Blocked[] = [
  { title: 'nothing is blocked', rules: {}, transport: 'websocket', withinMs: 1_500 },
  {
    title: 'the upgrade is refused',
    rules: { websocket: { mode: 'refuse' } },
    transport: 'sse',
    withinMs: 1_500,
  },
  {
    title: 'the upgrade answers 403',
    rules: { websocket: { mode: 'status', status: 403 } },
    transport: 'sse',
    withinMs: 1_500,
  },
  {
    title: 'the upgrade answers 200',
    rules: { websocket: { mode: 'status', status: 200 } },
    transport: 'sse',
    withinMs: 1_500,
  },
  {
    title: 'the upgrade is never answered',
    rules: { websocket: { mode: 'blackhole' } },
    transport: 'sse',
    withinMs: 1_500,
  },
  {
    title: 'the socket drops after its 101',
    rules: { websocket: { mode: 'upgrade-then-drop' } },
    transport: 'sse',
    withinMs: 1_500,
  },
  {
    title: 'the socket swallows frames after its 101',
    rules: { websocket: { mode: 'upgrade-then-swallow' } },
    transport: 'sse',
    withinMs: 1_500,
  },
  {
    title: 'the socket closes after one frame',
    rules: { websocket: { mode: 'close-after-frames', frames: 1 } },
    transport: 'sse',
    withinMs: 1_500,
  },
  {
    title: 'WebSocket is refused and the stream is held back for ever',
    rules: { websocket: { mode: 'refuse' }, stream: { mode: 'buffer' } },
    transport: 'poll',
    withinMs: 2_000,
  },
  {
    title: 'WebSocket swallows frames and the stream is held back for ever',
    rules: {
      websocket: { mode: 'upgrade-then-swallow' },
      stream: { mode: 'buffer', head: 'held' },
    },
    transport: 'poll',
    withinMs: 2_000,
  },
  {
    title: 'WebSocket is refused and the stream is passed on in pieces of 4 KiB',
    rules: { websocket: { mode: 'refuse' }, stream: { mode: 'buffer-bytes', bytes: 4_096 } },
    transport: 'poll',
    withinMs: 2_000,
  },
];

describe('CLI-2: a page with nothing remembered', () => {
  test.each(blocked)('gets its first event in time when $title', async (network) => {
    await using server = await startMatrixHub(network.rules);
    const channel = numbers.of({ name: 'ladder' });
    await server.hub.publish(channel, { type: 'counted', data: { n: 1 } });
    const startedAt = performance.now();
    await using reader = recordNumbers('ladder', { url: server.url });
    await until(() => reader.seen.length === 1, { label: 'the first event' });
    const tookMs = performance.now() - startedAt;
    await server.hub.publish(channel, { type: 'counted', data: { n: 2 } });
    await until(() => reader.seen.length === 2, { label: 'the second event' });
    expect(reader.story).toEqual(['exact', 1, 2]);
    const status = reader.client.status.getSnapshot();
    expect(status).toMatchObject({ status: 'open', transport: network.transport });
    expect(noticeOf(status) === null).toBe(network.transport === 'websocket');
    expect(reader.errors).toEqual([]);
    expectWithin(tookMs, network.withinMs, 'the first event');
  });
});

test('CLI-3: the next page on the same network tries the remembered carrier alone', async () => {
  await using server = await startMatrixHub({ websocket: { mode: 'upgrade-then-swallow' } });
  const stored = new Map<string, string>();
  const environment = {
    load: (key: string) => stored.get(key) ?? null,
    store: (key: string, text: string) => void stored.set(key, text),
  };
  {
    await using first = recordNumbers('again', { url: server.url, environment });
    await until(() => first.story.length > 0, { label: 'the first page' });
  }
  const startedAt = performance.now();
  await using second = recordNumbers('again', { url: server.url, environment });
  await until(() => second.story.length > 0, { label: 'the second page' });
  const tookMs = performance.now() - startedAt;
  expect(second.client.status.getSnapshot()).toMatchObject({ transport: 'sse' });
  expectWithin(tookMs, 400, 'the second page');
});

test('CLI-5: the session moves to a better carrier as soon as there is one, and loses nothing', async () => {
  await using server = await startMatrixHub({
    websocket: { mode: 'refuse' },
    stream: { mode: 'refuse' },
  });
  const channel = numbers.of({ name: 'up' });
  await using reader = recordNumbers('up', { url: server.url });
  const transports: (string | null)[] = [];
  reader.client.status.subscribe(() =>
    transports.push(transportOf(reader.client.status.getSnapshot())),
  );
  await until(() => transportOf(reader.client.status.getSnapshot()) === 'poll', { label: 'poll' });
  server.proxy.setRules({});
  let n = 0;
  await until(
    async () => {
      n += 1;
      await server.hub.publish(channel, { type: 'counted', data: { n } });
      return transportOf(reader.client.status.getSnapshot()) === 'websocket';
    },
    { label: 'the better carrier', deadlineMs: 30_000, everyMs: 20 },
  );
  await until(() => reader.seen.length >= n, { label: 'all events' });
  expect(reader.story).toEqual(['exact', ...upTo(n)]);
  // It was never without a link in between.
  expect(transports.slice(transports.indexOf('poll')).includes(null)).toBe(false);
});

test.each(['websocket', 'sse', 'poll'] as const)(
  'LINK-6: a half-open %s with a beat of 2 s is noticed within 5 s',
  async (carrier) => {
    await using server = await startMatrixHub();
    await using reader = recordNumbers('half', {
      url: server.url,
      transports: [carrier],
      beatMs: 2_000,
    });
    await until(() => reader.story.length > 0, { label: 'open' });
    // A poll that is sent only afterwards would have a connection of its own: new ones pass.
    const isOut = () => server.proxy.connections().some(({ isBusy }) => isBusy);
    if (carrier === 'poll') await until(isOut, { label: 'the poll' });
    server.proxy.freeze('all');
    const frozenAt = performance.now();
    await until(() => transportOf(reader.client.status.getSnapshot()) === null, {
      label: 'the loss',
    });
    const noticedMs = performance.now() - frozenAt;
    await server.hub.publish(numbers.of({ name: 'half' }), { type: 'counted', data: { n: 1 } });
    await until(() => reader.seen.length === 1, { label: 'the event' });
    expect(reader.story).toEqual(['exact', 1]);
    expectWithin(noticedMs, 5_000, 'noticing the loss');
  },
);

function transportOf(status: ConnectionStatus): Carrier | null {
  return status.status === 'open' ? status.transport : null;
}

function noticeOf(status: ConnectionStatus): string | null {
  return status.status === 'open' ? status.notice : null;
}
