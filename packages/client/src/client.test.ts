// The client against the hub in memory: what an application sees.

import type { Cursor } from '@millrace/protocol';
import { agentMessages } from '@millrace/protocol/channels';
import { expect, test, vi } from 'vitest';
import { createClient } from './client.ts';
import { createFakeLink } from './testing/index.ts';

const message = (id: string) => ({
  type: 'message' as const,
  data: {
    id,
    agentId: 'a',
    type: 'opinion' as const,
    content: 'x',
    timestamp: '2026-01-01T00:00:00.000Z',
  },
});

test('SUB-2: a first subscription gets its verdict, then the events in order', async () => {
  const fake = createFakeLink();
  await using client = createClient(fake.options);
  const told: unknown[] = [];
  client.subscribe(agentMessages.of(), {
    onVerdict: ({ verdict }) => told.push(verdict),
    onEvent: ({ data }, cursor: Cursor) => told.push([data.id, cursor.offset]),
  });
  await vi.waitFor(() => expect(client.status.getSnapshot().status).toBe('open'));
  await vi.waitFor(() => expect(told).toEqual(['exact']));
  fake.emit(agentMessages.of(), message('1'));
  fake.emit(agentMessages.of(), message('2'));
  expect(told).toEqual(['exact', ['1', 1], ['2', 2]]);
});

test('SUB-3: what was published while the link was cut comes exactly once', async () => {
  const fake = createFakeLink();
  await using client = createClient(fake.options);
  const ids: string[] = [];
  client.subscribe(agentMessages.of(), {
    start: 'start',
    onEvent: ({ data }) => ids.push(data.id),
  });
  await vi.waitFor(() => expect(client.status.getSnapshot().status).toBe('open'));
  fake.emit(agentMessages.of(), message('1'));
  await vi.waitFor(() => expect(ids).toEqual(['1']));
  fake.cut();
  fake.emit(agentMessages.of(), message('2'));
  expect(client.status.getSnapshot().status).toBe('connecting');
  await vi.waitFor(() => expect(ids).toEqual(['1', '2']));
  fake.emit(agentMessages.of(), message('3'));
  expect(ids).toEqual(['1', '2', '3']);
});

test('CLI-13: a publish waits for the link and resolves with its cursor', async () => {
  const fake = createFakeLink({ isAutomatic: false });
  await using client = createClient(fake.options);
  const published = client.publish(agentMessages.of(), message('1'));
  await vi.waitFor(() => expect(fake.sent).toHaveLength(1));
  fake.accept();
  expect(await published).toEqual({ epoch: 'fake', offset: 1 });
});

test('PUB-7: what a publish expects goes with it, as a cursor’s text or `empty`', async () => {
  const fake = createFakeLink();
  await using client = createClient(fake.options);
  const channel = agentMessages.of();
  const first = await client.publish(channel, message('1'), { expect: 'empty' });
  await client.publish(channel, message('2'), { expect: first, key: 'k' });
  await client.publish(channel, message('3'));
  const items = fake.sent.flatMap((frame) => (frame.type === 'publish' ? frame.events : []));
  expect(items).toMatchObject([{ expect: 'empty' }, { expect: 'fake.1', key: 'k' }, {}]);
  expect(items[2]).not.toHaveProperty('expect');
});
