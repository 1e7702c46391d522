// Client × hub that takes no more links for the moment: a refusal ends the race, the client comes back when it was told
// to and not before, on every carrier. A refused upgrade shows a browser no status: the next rung learns of it.

import type { ConnectionStatus } from '@millrace/client';
import { expect, test } from 'vitest';
import { expectWithin } from '../support/timing.ts';
import { until } from '../support/wait.ts';
import {
  type MatrixHub,
  numbers,
  recordNumbers,
  startMatrixHub,
  type Transcript,
} from './matrix-hub.ts';

/** One link a second, with a burst of two, and both are taken. A late event loop is no reason here to refuse another. */
async function startFullHub(): Promise<MatrixHub> {
  const limits = { maxConnectsPerSecond: 1, maxLoopDelayMs: 60_000 };
  const server = await startMatrixHub({}, { limits });
  const connect = {
    type: 'connect',
    protocol: 1,
    session: 'somebody-else-0000000001',
    link: 1,
    channels: [],
    holdMs: 0,
  };
  for (let taken = 0; taken < 2; taken += 1) {
    const body = JSON.stringify({ ...connect, link: taken + 1 });
    const answer = await fetch(`${server.directUrl}/poll`, { method: 'POST', body });
    expect(answer.status).toBe(200);
  }
  return server;
}

function statusOf({ client }: Transcript): ConnectionStatus {
  return client.status.getSnapshot();
}

test.each(['sse', 'poll'] as const)(
  'CLI-4: a %s that is refused comes back after what it was told, not before',
  async (carrier) => {
    await using server = await startFullHub();
    const startedAt = Date.now();
    await using reader = recordNumbers('full', { url: server.url, transports: [carrier] });
    await until(() => waitOf(statusOf(reader)) !== null, { label: 'the refusal' });
    const status = statusOf(reader);
    expect(status).toMatchObject({ status: 'connecting', error: { code: 'server/overloaded' } });
    expect(waitOf(status) ?? 0).toBeGreaterThanOrEqual(startedAt + 500);
    await until(() => reader.story.length > 0, { label: 'the verdict', deadlineMs: 30_000 });
    expect(Date.now()).toBeGreaterThanOrEqual(startedAt + 500);
    expect(reader.story).toEqual(['exact']);
    const { refused, pressure } = server.hub.stats();
    expect(Object.keys(refused)).toEqual(['server/overloaded']);
    expect(pressure.notAdmitted).toBe(refused['server/overloaded']);
    // One whose lot falls in the first second finds nobody's place free yet, and draws another.
    expect(pressure.notAdmitted).toBeLessThanOrEqual(3);
    expectWithin(Date.now() - startedAt, 10_000, 'coming back');
  },
);

test('CLI-4: after a refused upgrade the next carrier learns that the server is full, and the race ends', async () => {
  await using server = await startFullHub();
  const startedAt = Date.now();
  await using reader = recordNumbers('full', { url: server.url });
  await until(() => waitOf(statusOf(reader)) !== null, { label: 'the refusal' });
  expect(statusOf(reader)).toMatchObject({ error: { code: 'server/overloaded' } });
  expect(waitOf(statusOf(reader)) ?? 0).toBeGreaterThanOrEqual(startedAt + 500);
  // The upgrade and the stream; the poll was not tried any more.
  expect(server.hub.stats().refused).toEqual({ 'server/overloaded': 2 });
  await until(() => reader.story.length > 0, { label: 'the verdict', deadlineMs: 30_000 });
  expect(reader.story).toEqual(['exact']);
  expectWithin(Date.now() - startedAt, 15_000, 'coming back');
});

test('CLI-6: where the WebSocket is the only carrier, a refused upgrade is tried again with the usual backoff', async () => {
  await using server = await startFullHub();
  const startedAt = Date.now();
  await using reader = recordNumbers('full', { url: server.url, transports: ['websocket'] });
  await until(() => waitOf(statusOf(reader)) !== null, { label: 'the refusal' });
  expect(statusOf(reader)).toMatchObject({ error: { code: 'link/refused' } });
  await until(() => reader.story.length > 0, { label: 'the verdict', deadlineMs: 30_000 });
  expect(reader.story).toEqual(['exact']);
  expectWithin(Date.now() - startedAt, 15_000, 'coming back');
});

test.each(['websocket', 'sse'] as const)(
  'LIM-7: a %s that stands is not touched by those that are refused',
  async (carrier) => {
    await using server = await startMatrixHub({}, { limits: { maxConnectsPerSecond: 1 } });
    await using reader = recordNumbers('first', { url: server.url, transports: [carrier] });
    await until(() => reader.story.length > 0, { label: 'the verdict' });
    await using late = recordNumbers('first', { url: server.url, transports: ['poll'] });
    await using later = recordNumbers('first', { url: server.url, transports: ['sse'] });
    await until(() => server.hub.stats().pressure.notAdmitted > 0, { label: 'a refusal' });
    for (let n = 1; n <= 20; n += 1) {
      await server.hub.publish(numbers.of({ name: 'first' }), { type: 'counted', data: { n } });
      await until(() => reader.seen.length === n, { label: `event ${n}` });
    }
    expect(reader.story).toEqual(['exact', ...reader.seen]);
    expect(statusOf(reader)).toMatchObject({ status: 'open', transport: carrier });
    await until(() => late.seen.length + later.seen.length === 40, {
      label: 'the others in the end',
      deadlineMs: 40_000,
    });
  },
);

/** When it will try again, ms since 1970; null while it tries. */
function waitOf(status: ConnectionStatus): number | null {
  return status.status === 'connecting' ? status.nextTryAt : null;
}
