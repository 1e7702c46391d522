// A line over clients that are made up: deaf, silent, broken. Rules: LOG-7, LOG-10, LOG-16.

import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { waitUntil } from '../../testing/waiting.ts';
import { createLine, type Line } from './line.ts';
import type { PgClient } from './pool.ts';

type Mood = 'well' | 'deaf' | 'silent' | 'refused';

interface Server {
  mood: Mood;
  connects: number;
  left: number;
  pings: number;
  missed: number;
  readonly heard: string[];
  readonly errors: string[];
  newest: EventEmitter;
  readonly line: Line;
}

function startLine(mood: Mood): Server {
  const server = {
    mood,
    connects: 0,
    left: 0,
    pings: 0,
    missed: 0,
    heard: [] as string[],
    errors: [] as string[],
    newest: new EventEmitter(),
  };
  const query = (client: EventEmitter, sql: string, params: unknown[] = []): Promise<unknown> => {
    if (server.mood === 'silent') return new Promise(() => undefined);
    const [channels, payloads] = params.map((one) => [one].flat());
    if (sql.includes('pg_notify($1')) server.pings += 1;
    if (server.mood === 'well') {
      for (const [n, channel] of (channels ?? []).entries()) {
        client.emit('notification', { channel, payload: payloads?.[n] });
      }
    }
    return Promise.resolve({ rows: [] });
  };
  const line = createLine({
    async connect() {
      server.connects += 1;
      if (server.mood === 'refused') throw new Error('refused');
      const client = new EventEmitter();
      server.newest = client;
      const seat: PgClient = Object.assign(client, {
        query: (sql: string, params?: unknown[]) => query(client, sql, params),
      });
      return { client: seat, leave: () => void (server.left += 1) };
    },
    channels: ['news'],
    ear: {
      heard: (channel, payload) => void server.heard.push(`${channel} ${payload}`),
      missed: () => void (server.missed += 1),
    },
    answerWithinMs: 60,
    pingEveryMs: 20,
    onError: (error) => server.errors.push(String(error.cause)),
  });
  return Object.assign(server, { line });
}

test('LOG-7: tells and hears, and its own pings are nobody else’s business', async () => {
  const server = startLine('well');
  await server.line.up();
  await server.line.tell([
    { channel: 'news', payload: 'one' },
    { channel: 'news', payload: 'two' },
  ]);
  await waitUntil('pings', () => server.pings > 3);
  expect(server.heard).toEqual(['news one', 'news two']);
  expect([server.connects, server.missed, server.errors]).toEqual([1, 1, []]);
  await server.line.close();
  await server.line.close();
  expect(server.left).toBe(1);
  await expect(server.line.tell([])).rejects.toMatchObject({ code: 'engine/unavailable' });
  await expect(server.line.up()).rejects.toMatchObject({ code: 'engine/closed' });
});

test.each(['silent', 'deaf'] as const)(
  'LOG-16: a session that becomes %s is noticed by its ping, and made again',
  async (mood) => {
    const server = startLine('well');
    await server.line.up();
    server.mood = mood;
    await waitUntil('that it is given up', () => server.left === 1);
    expect(server.errors).toHaveLength(1);
    server.mood = 'well';
    await waitUntil('that it hears again', () => server.missed === 2);
    await server.line.close();
    expect(server.left).toBe(server.connects);
  },
);

test('LOG-7: a session that never hears itself is never up, and the reason is told', async () => {
  const server = startLine('deaf');
  await expect(server.line.up()).rejects.toMatchObject({ code: 'engine/unavailable' });
  await waitUntil('the reason', () => server.errors.length === 1);
  expect(server.errors[0]).toContain('connectListener');
  expect(server.missed).toBe(0);
  await server.line.close();
});

test('LOG-16: a connection that breaks is made again with pauses, and what is told meanwhile is refused', async () => {
  const server = startLine('well');
  await server.line.up();
  server.mood = 'refused';
  const brokenAt = performance.now();
  server.newest.emit('error', new Error('reset'));
  server.newest.emit('end');
  await expect(server.line.tell([{ channel: 'news', payload: 'x' }])).rejects.toMatchObject({
    code: 'engine/unavailable',
  });
  await waitUntil('some tries', () => server.connects >= 4);
  // Three pauses of 100 ms at least.
  expect(performance.now() - brokenAt).toBeGreaterThan(300);
  server.mood = 'well';
  await waitUntil('that it is up', () => server.missed === 2);
  expect(server.errors).toEqual(['Error: reset']);
  await server.line.close();
});
