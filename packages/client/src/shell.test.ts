// The client's shells with a clock that is moved by hand: when what happens, and who is told.

import { defineChannel, type StandardSchema } from '@millrace/protocol';
import { describe, expect, test, vi } from 'vitest';
import { createClient } from './client.ts';
import type { ClientOptions } from './client-types.ts';
import type { PageChange } from './environment.ts';
import { createFakeLink } from './testing/index.ts';
import { createManualClock } from './testing/manual-clock.ts';

const number: StandardSchema<number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof value === 'number' ? { value } : { issues: [{ message: 'no number' }] },
  },
};
const channel = defineChannel({ type: 'plain', events: { added: number } }).of();
const added = (data: number) => ({ type: 'added' as const, data });

/** A network on which requests and sockets begin and nothing ever comes back. */
function silentNetwork() {
  const clock = createManualClock();
  const begun: (readonly [what: string, afterMs: number])[] = [];
  const startedAt = clock.now();
  const note = (what: string) => begun.push([what, clock.now() - startedAt]);
  let tell: (change: PageChange) => void = () => undefined;
  class SilentSocket {
    onopen = null;
    onmessage = null;
    onclose = null;
    onerror = null;
    constructor() {
      note('websocket');
    }
    send = (): void => undefined;
    close = (): void => undefined;
  }
  const environment: NonNullable<ClientOptions['environment']> = {
    ...clock,
    random: () => 0.5,
    WebSocket: SilentSocket,
    fetch(url) {
      note(url.split('/').at(-1) ?? '');
      return new Promise<Response>(() => undefined);
    },
    watchPage(listener) {
      tell = listener;
      return () => undefined;
    },
  };
  return { clock, begun, environment, tell: (change: PageChange) => tell(change) };
}

describe('a network that swallows everything', () => {
  test('CLI-2: the carriers start after 700 and 600 ms, and people are told when it takes long', async () => {
    const { clock, begun, environment } = silentNetwork();
    await using client = createClient({ url: 'http://hub.test/realtime', environment });
    client.subscribe(channel, {});
    await clock.advance(1_400);
    expect(begun).toEqual([
      ['websocket', 0],
      ['sse', 700],
      ['poll', 1_300],
    ]);
    expect(client.status.getSnapshot()).toMatchObject({ status: 'connecting', isSlow: false });
    await clock.advance(3_700);
    expect(client.status.getSnapshot()).toMatchObject({
      isSlow: true,
      attempt: 1,
      nextTryAt: null,
    });
    // Each attempt has an end of its own; the last one's begins the wait for the next race.
    await clock.advance(6_300);
    expect(client.status.getSnapshot()).toMatchObject({
      attempt: 2,
      error: { code: 'link/refused' },
    });
  });

  test('CLI-2: four measured round trips count where they are longer', async () => {
    const { clock, begun, environment } = silentNetwork();
    const slow = { ...environment, roundTripMs: () => 400 };
    await using client = createClient({ url: 'http://hub.test/realtime', environment: slow });
    client.connect();
    await clock.advance(1_700);
    expect(begun.slice(0, 2)).toEqual([
      ['websocket', 0],
      ['sse', 1_600],
    ]);
  });

  test('CLI-3: a remembered carrier is tried alone for twice its usual time and a second', async () => {
    const { clock, begun, environment } = silentNetwork();
    const remembered = JSON.stringify({ carrier: 'sse', usualMs: 200, at: clock.now() - 60_000 });
    await using client = createClient({
      url: 'http://hub.test/realtime',
      environment: { ...environment, load: () => remembered },
    });
    client.connect();
    await clock.advance(1_500);
    expect(begun).toEqual([
      ['sse', 0],
      ['websocket', 1_400],
    ]);
  });

  test('CLI-6: offline nothing is tried; the network coming back is an attempt at once', async () => {
    const { clock, begun, environment, tell } = silentNetwork();
    await using client = createClient({
      url: 'http://hub.test/realtime',
      environment: { ...environment, isOnline: () => false },
    });
    client.connect();
    await clock.advance(60_000);
    expect(begun).toEqual([]);
    expect(client.status.getSnapshot()).toMatchObject({ status: 'connecting', nextTryAt: null });
    tell('online');
    await clock.advance(0);
    expect(begun).toEqual([['websocket', 60_000]]);
  });
});

describe('on a link', () => {
  test('LINK-6: a link that falls silent is given up after its beat and grace, and the next one resumes', async () => {
    const fake = createFakeLink();
    const clock = createManualClock();
    const environment = { ...fake.options.environment, ...clock };
    await using client = createClient({ ...fake.options, environment });
    const seen: number[] = [];
    client.subscribe(channel, { start: 'start', onEvent: ({ data }) => seen.push(data) });
    await clock.advance(10);
    fake.emit(channel, added(1));
    fake.hold();
    // Beat of 20 s and grace of 6 s.
    await clock.advance(25_900);
    expect(client.status.getSnapshot()).toMatchObject({ status: 'open' });
    await clock.advance(200);
    expect(client.status.getSnapshot()).toMatchObject({ error: { code: 'link/no-beat' } });
    fake.accept();
    await clock.advance(1_000);
    fake.emit(channel, added(2));
    expect(seen).toEqual([1, 2]);
  });

  test('AUTH-3: a token that says when it expires is renewed before, on the same socket', async () => {
    const fake = createFakeLink();
    const clock = createManualClock();
    const jwt = (n: number) => {
      const exp = Math.floor(Date.now() / 1_000) + 20 * n;
      return `e30.${Buffer.from(JSON.stringify({ exp, n })).toString('base64url')}.sig`;
    };
    let asked = 0;
    await using client = createClient({
      ...fake.options,
      environment: { ...fake.options.environment, ...clock },
      token: () => {
        asked += 1;
        return Promise.resolve(jwt(asked));
      },
    });
    client.connect();
    await clock.advance(10);
    await clock.advance(17_000);
    expect(asked).toBe(2);
    expect(fake.sent.map(({ type }) => type)).toEqual(['connect', 'token']);
  });

  test('LINK-8: goaway is followed at its time by a next link, and the old one stays until then', async () => {
    const fake = createFakeLink();
    const clock = createManualClock();
    const environment = { ...fake.options.environment, ...clock, random: () => 0.5 };
    await using client = createClient({ ...fake.options, environment });
    client.subscribe(channel, {});
    await clock.advance(10);
    fake.send({ type: 'goaway', afterMs: 1_000, spreadMs: 2_000 });
    await clock.advance(1_990);
    expect(fake.sent).toHaveLength(1);
    await clock.advance(20);
    expect(fake.sent.map((frame) => frame.type === 'connect' && frame.link)).toEqual([1, 2]);
    expect(client.status.getSnapshot()).toMatchObject({ status: 'open' });
  });
});

describe('CLI-7: callbacks that do everything at once', () => {
  test('close and connect inside a callback lose and double nothing', async () => {
    const fake = createFakeLink();
    const errors: unknown[] = [];
    await using client = createClient({ ...fake.options, onError: (error) => errors.push(error) });
    const seen: number[] = [];
    client.subscribe(channel, {
      start: 'start',
      onEvent({ data }) {
        seen.push(data);
        if (data === 2) {
          void client.close();
          client.connect();
        }
        if (data === 3) client.retryNow();
        if (data === 4) throw new Error('mine');
      },
    });
    for (const n of [1, 2, 3]) fake.emit(channel, added(n));
    await vi.waitFor(() => expect(seen).toEqual([1, 2, 3]));
    await vi.waitFor(() => expect(client.status.getSnapshot().status).toBe('open'));
    fake.emit(channel, added(4));
    fake.emit(channel, added(5));
    expect(seen).toEqual([1, 2, 3, 4, 5]);
    expect(errors).toMatchObject([{ cause: { message: 'mine' } }]);
  });

  test('an asynchronous callback that fails is reported, not an unhandled rejection', async () => {
    const fake = createFakeLink();
    const errors: unknown[] = [];
    await using client = createClient({ ...fake.options, onError: (error) => errors.push(error) });
    client.subscribe(channel, {
      start: 'start',
      onEvent: () => Promise.reject(new Error('later')) as unknown as void,
    });
    fake.emit(channel, added(1));
    await vi.waitFor(() => expect(errors).toMatchObject([{ cause: { message: 'later' } }]));
  });

  test('after close nothing is delivered, publishes are answered with link/closed, and closing again is fine', async () => {
    const fake = createFakeLink();
    const client = createClient(fake.options);
    const seen: number[] = [];
    client.subscribe(channel, { onEvent: ({ data }) => seen.push(data) });
    await vi.waitFor(() => expect(client.status.getSnapshot().status).toBe('open'));
    fake.hold();
    fake.cut();
    const published = client.publish(channel, added(1));
    await client.close();
    await client.close();
    await expect(published).rejects.toMatchObject({ code: 'link/closed' });
    await expect(client.publish(channel, added(1))).rejects.toMatchObject({ code: 'link/closed' });
    fake.emit(channel, added(2));
    expect(seen).toEqual([]);
  });
});

test('LINK-2: a frame of an unknown type is skipped; one that cannot be read costs the link alone', async () => {
  const fake = createFakeLink();
  await using client = createClient(fake.options);
  const seen: number[] = [];
  client.subscribe(channel, { start: 'start', onEvent: ({ data }) => seen.push(data) });
  await vi.waitFor(() => expect(client.status.getSnapshot().status).toBe('open'));
  fake.sendText('{"type":"novelty"}');
  fake.emit(channel, added(1));
  fake.sendText('{"type":');
  fake.emit(channel, added(2));
  await vi.waitFor(() => expect(seen).toEqual([1, 2]));
});

test('ERR-3: a newer server’s code keeps its text and its word on retrying', async () => {
  const fake = createFakeLink();
  await using client = createClient(fake.options);
  client.connect();
  await vi.waitFor(() => expect(client.status.getSnapshot().status).toBe('open'));
  fake.hold();
  fake.sendText(
    '{"type":"error","error":{"code":"area/novel","message":"Come later.","retryable":true}}',
  );
  expect(client.status.getSnapshot()).toMatchObject({
    status: 'connecting',
    error: { message: 'Come later.', retryable: true, details: { peerCode: 'area/novel' } },
  });
});
