// The connection machine: its total truth table, and properties over random histories.

import { MillraceError } from '@millrace/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { initialConnection, stepConnection } from './connection-machine.ts';
import { currentLink, linksOf, retryAt, timersOf } from './connection-needs.ts';
import type {
  Connection,
  ConnectionConfig,
  ConnectionEvent,
  ConnectionState,
  Memory,
} from './connection-types.ts';
import { projectStatus } from './status.ts';

type StateName = ConnectionState['name'];
type EventName = ConnectionEvent['type'];

const NOW = 1_000_000;
const config: ConnectionConfig = {
  carriers: ['websocket', 'sse', 'poll'],
  canReauthenticate: true,
};
const moment = { now: NOW, jitter: 0.5, roundTripMs: null };
const lost = new MillraceError('link/lost', 'lost');
const link = { number: 1, carrier: 'sse', begunAt: NOW - 60_000 } as const;
const next = { number: 2, carrier: 'websocket', begunAt: NOW - 100 } as const;
const open = {
  name: 'open',
  link,
  since: NOW,
  helloAt: NOW - 60_000,
  renewAt: null,
  upgradeAt: NOW,
} as const;
const outage = { since: NOW, isSlow: false, error: null };

const states: { readonly [Name in StateName]: Extract<ConnectionState, { name: Name }> } = {
  idle: { name: 'idle' },
  racing: { outage, name: 'racing', tries: [link], rungs: ['poll'], nextRungAt: NOW },
  waiting: { outage, name: 'waiting', retryAt: NOW },
  open,
  migrating: { from: open, name: 'migrating', next, cause: 'upgrade', rungs: [], goneAt: null },
  closed: { name: 'closed', error: null, isFinal: false },
};

/** Each about link 1 where it is about a link. */
const events: { readonly [Name in EventName]: ConnectionEvent & { readonly type: Name } } = {
  start: { type: 'start' },
  stop: { type: 'stop' },
  renew: { type: 'renew' },
  online: { type: 'online' },
  offline: { type: 'offline' },
  hidden: { type: 'hidden' },
  wake: { type: 'wake' },
  retry: { type: 'retry' },
  due: { type: 'due', timer: 'retry' },
  hello: { type: 'hello', link: 1, tookMs: 50 },
  failed: { type: 'failed', link: 1, error: lost },
  goaway: { type: 'goaway', link: 1, afterMs: 100, spreadMs: 100 },
};

// A pair that is missing here does not compile.
const table: { readonly [State in StateName]: { readonly [Event in EventName]: StateName } } = {
  idle: {
    start: 'racing',
    stop: 'closed',
    renew: 'idle',
    online: 'idle',
    offline: 'idle',
    hidden: 'idle',
    wake: 'idle',
    retry: 'racing',
    due: 'idle',
    hello: 'idle',
    failed: 'idle',
    goaway: 'idle',
  },
  racing: {
    start: 'racing',
    stop: 'closed',
    renew: 'racing',
    online: 'racing',
    offline: 'racing',
    hidden: 'racing',
    wake: 'racing',
    retry: 'racing',
    due: 'racing',
    hello: 'open',
    failed: 'racing',
    goaway: 'waiting',
  },
  waiting: {
    start: 'waiting',
    stop: 'closed',
    renew: 'waiting',
    online: 'racing',
    offline: 'waiting',
    hidden: 'waiting',
    wake: 'racing',
    retry: 'racing',
    due: 'racing',
    hello: 'waiting',
    failed: 'waiting',
    goaway: 'waiting',
  },
  open: {
    start: 'open',
    stop: 'closed',
    renew: 'open',
    online: 'open',
    offline: 'open',
    hidden: 'open',
    wake: 'open',
    retry: 'open',
    due: 'open',
    hello: 'open',
    failed: 'waiting',
    goaway: 'open',
  },
  migrating: {
    start: 'migrating',
    stop: 'closed',
    renew: 'migrating',
    online: 'migrating',
    offline: 'migrating',
    hidden: 'migrating',
    wake: 'migrating',
    retry: 'migrating',
    due: 'migrating',
    hello: 'migrating',
    failed: 'racing',
    goaway: 'migrating',
  },
  closed: {
    start: 'racing',
    stop: 'closed',
    renew: 'closed',
    online: 'closed',
    offline: 'closed',
    hidden: 'closed',
    wake: 'closed',
    retry: 'racing',
    due: 'closed',
    hello: 'closed',
    failed: 'closed',
    goaway: 'closed',
  },
};

function connectionIn(state: ConnectionState, memory: Partial<Memory> = {}): Connection {
  return { ...initialConnection({ lastLink: 2, lastCarrier: 'websocket', ...memory }), state };
}

function after(
  state: ConnectionState,
  event: ConnectionEvent,
  memory: Partial<Memory> = {},
): Connection {
  return stepConnection(connectionIn(state, memory), event, moment, config).connection;
}

describe('CLI-1: in every state every event has a defined next state', () => {
  const pairs = Object.values(states).flatMap((state) =>
    Object.values(events).map((event) => ({ state, event, to: table[state.name][event.type] })),
  );
  test.each(pairs)('$state.name + $event.type → $to', ({ state, event, to }) => {
    expect(after(state, event).state.name).toBe(to);
  });
});

describe('CLI-4: an answer of the server ends the race', () => {
  const answers = [
    ['server/overloaded', 'waiting'],
    ['limit/links', 'waiting'],
    ['auth/invalid', 'waiting'],
    ['auth/denied', 'closed'],
    ['auth/required', 'closed'],
    ['protocol/version', 'closed'],
  ] as const;
  test.each(answers)('%s → %s', (code, to) => {
    const error = new MillraceError(code, 'no');
    expect(after(states.racing, { type: 'failed', link: 1, error }).state.name).toBe(to);
  });

  test('a failure of the carrier alone starts the next one at once', () => {
    const { state } = after(states.racing, { type: 'failed', link: 1, error: lost });
    expect(linksOf(state).map(({ carrier }) => carrier)).toEqual(['poll']);
  });
});

describe('CLI-6: backoff', () => {
  test('the first retry comes within 500 ms, later ones within the doubled times, 20 s at most', () => {
    const waits = [0, 1, 2, 10].map((attempt) => {
      const steps = stepConnection(
        connectionIn({ ...states.racing, rungs: [] }, { attempt }),
        { type: 'failed', link: 1, error: lost },
        { ...moment, jitter: 0.999 },
        config,
      );
      return (retryAt(steps.connection) ?? 0) - NOW;
    });
    expect(waits.map((ms) => Math.round(ms))).toEqual([500, 999, 1998, 19_980]);
  });

  test('10 s of a stable link make the next failure a first one; a shorter one does not', () => {
    const stable = after(states.open, events.failed, { attempt: 7 });
    expect(stable.memory.attempt).toBe(1);
    const short = after({ ...states.open, helloAt: NOW - 5_000 }, events.failed, { attempt: 7 });
    expect(short.memory.attempt).toBe(8);
  });

  test('Retry-After is honoured and spread', () => {
    const error = new MillraceError('server/overloaded', 'later', {
      details: { retryAfterMs: 8_000 },
    });
    const { state, memory } = after(states.racing, { type: 'failed', link: 1, error });
    expect(retryAt({ state, memory })).toBe(NOW + 10_000);
  });

  test('offline and after five hidden minutes no attempt is made; coming back makes one at once', () => {
    const offline = after(states.waiting, events.offline);
    expect([timersOf(offline).filter(({ timer }) => timer === 'retry'), retryAt(offline)]).toEqual([
      [],
      null,
    ]);
    expect(stepConnection(offline, events.online, moment, config).connection.state.name).toBe(
      'racing',
    );
    const hidden = connectionIn({ ...states.waiting, retryAt: NOW + 300_001 }, { hiddenAt: NOW });
    expect(retryAt(hidden)).toBeNull();
    expect(stepConnection(hidden, events.wake, moment, config).connection.state.name).toBe(
      'racing',
    );
  });
});

test('CLI-2: a carrier that is left aside is still tried when nothing else gets through', () => {
  const memory = { avoided: { poll: NOW + 30_000 } };
  const begun = stepConnection(connectionIn(states.idle, memory), events.start, moment, config);
  let { connection } = begun;
  const tried: string[] = [];
  for (const _ of config.carriers) {
    const newest = linksOf(connection.state)[0];
    tried.push(newest?.carrier ?? 'none');
    const failed = { ...events.failed, link: newest?.number ?? 0 };
    connection = stepConnection(connection, failed, moment, config).connection;
  }
  expect(tried).toEqual(['websocket', 'sse', 'poll']);
  // Beside one that only hangs it waits longer than others would.
  const next = stepConnection(begun.connection, { type: 'due', timer: 'rung' }, moment, config);
  expect(timersOf(next.connection)).toContainEqual({ timer: 'rung', at: NOW + 2_000 });
});

test('CLI-6: a link that ended soon because the server went is not held against its carrier', () => {
  const soon = {
    ...states.open,
    link: { ...link, carrier: 'websocket' },
    helloAt: NOW - 100,
  } as const;
  let connection = after(soon, events.failed);
  expect(connection.memory.avoided).toHaveProperty('websocket');
  while (connection.state.name === 'racing') {
    const failed = { ...events.failed, link: linksOf(connection.state)[0]?.number ?? 0 };
    connection = stepConnection(connection, failed, moment, config).connection;
  }
  expect(connection.state.name).toBe('waiting');
  expect(connection.memory).toMatchObject({ avoided: {}, upgrades: 0 });
});

test('CLI-6: the last resort that ends soon again is tried again with backoff only', () => {
  const resort = { ...states.open, helloAt: NOW - 100 };
  const memory = { avoided: { sse: NOW + 20_000 } };
  expect(after(resort, events.failed, memory).state.name).toBe('waiting');
});

describe('CLI-9: what holds back the stream', () => {
  test('a buffered carrier is left at once, not tried again for a while, and people are told', () => {
    const error = new MillraceError('link/buffered', 'held');
    const racing = after(states.open, { type: 'failed', link: 1, error });
    expect(linksOf(racing.state).map(({ carrier }) => carrier)).not.toContain('sse');
    const poll = {
      ...states.racing,
      tries: [{ ...link, number: 9, carrier: 'poll' as const }] as const,
    };
    const open = stepConnection(
      { ...racing, state: poll },
      { type: 'hello', link: 9, tookMs: 1 },
      moment,
      config,
    );
    expect(projectStatus(open.connection, config.carriers, null)).toMatchObject({
      notice: 'A proxy holds back the stream; polling instead',
    });
  });
});

test('CLI-12: a tab that polls because others hold all streams says so, until a stream finds its place', () => {
  const error = new MillraceError('link/refused', 'taken', { details: { isCrowded: true } });
  const polling = after(states.racing, { type: 'failed', link: 1, error });
  const [poll] = linksOf(polling.state);
  const hello = { type: 'hello', link: poll?.number ?? 0, tookMs: 5 } as const;
  const { connection } = stepConnection(polling, hello, moment, config);
  expect(projectStatus(connection, config.carriers, null)).toMatchObject({
    transport: 'poll',
    notice: 'Other tabs hold all streams; polling instead',
  });
  const stream = { ...link, number: 9 };
  const racing: Connection = { ...connection, state: { ...states.racing, tries: [stream] } };
  const there = stepConnection(racing, { ...hello, link: 9 }, moment, config).connection;
  expect(projectStatus(there, config.carriers, null)).toMatchObject({
    notice: 'WebSocket is blocked here; using server-sent events',
  });
});

test('CLI-10: a link that fails its probe is replaced with no backoff', () => {
  const error = new MillraceError('link/no-beat', 'silent', { details: { isProbe: true } });
  expect(after(states.open, { type: 'failed', link: 1, error }).state.name).toBe('racing');
});

test('LINK-5: a link that the server closed for our next one does not interrupt the connection', () => {
  const error = new MillraceError('link/replaced', 'newer');
  const migrating = after(states.migrating, { type: 'failed', link: 1, error });
  expect(migrating.state).toMatchObject({ name: 'migrating', goneAt: NOW });
  const opened = stepConnection(migrating, { type: 'hello', link: 2, tookMs: 5 }, moment, config);
  expect(opened.connection.state).toMatchObject({ name: 'open', link: { number: 2 } });
  // And when that `hello` is held back, the carrier that worked gets the next link.
  const back = stepConnection(migrating, { type: 'due', timer: 'rung' }, moment, config);
  expect(linksOf(back.connection.state)).toMatchObject([{ number: 3, carrier: 'sse' }]);
});

test('CLI-11: a refused token that cannot be replaced is final; one that can is forgotten first', () => {
  const failed = {
    type: 'failed',
    link: 1,
    error: new MillraceError('auth/expired', 'old'),
  } as const;
  const fixed = { ...config, canReauthenticate: false };
  const stopped = stepConnection(connectionIn(states.open), failed, moment, fixed);
  expect(stopped.connection.state).toMatchObject({ name: 'closed', isFinal: true });
  const renewed = stepConnection(connectionIn(states.open), failed, moment, config);
  expect(renewed.connection.state.name).toBe('waiting');
  expect(renewed.effects).toEqual([{ type: 'forget-token' }]);
});

const codes = [
  'link/lost',
  'link/refused',
  'link/no-beat',
  'link/buffered',
  'link/replaced',
  'server/shutdown',
  'server/overloaded',
  'auth/expired',
  'auth/denied',
  'link/slow',
] as const;
const anyEvent = (): fc.Arbitrary<ConnectionEvent> =>
  fc.oneof(
    fc.constantFrom<ConnectionEvent>(
      ...Object.values(events).filter(
        ({ type }) => !['failed', 'hello', 'goaway', 'due', 'stop'].includes(type),
      ),
    ),
    fc.record({
      type: fc.constant('due' as const),
      timer: fc.constantFrom('rung', 'retry', 'slow', 'upgrade', 'renew'),
    }),
    fc.record({ type: fc.constant('hello' as const), link: fc.nat(12), tookMs: fc.nat(2_000) }),
    fc.record({
      type: fc.constant('failed' as const),
      link: fc.nat(12),
      error: fc.constantFrom(...codes).map((code) => new MillraceError(code, code)),
    }),
    fc.record({
      type: fc.constant('goaway' as const),
      link: fc.nat(12),
      afterMs: fc.nat(5_000),
      spreadMs: fc.nat(5_000),
    }),
  );

test('CLI-1: whatever happens, links stay few, numbers rise, and there is a way forward', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyEvent(), fc.nat(20_000)), { maxLength: 60 }), (history) => {
      let connection = initialConnection();
      let now = NOW;
      for (const [event, passedMs] of history) {
        const before = connection.memory.lastLink;
        now += passedMs;
        connection = stepConnection(
          connection,
          event,
          { now, jitter: 0.3, roundTripMs: 40 },
          config,
        ).connection;
        const { state, memory } = connection;
        const links = linksOf(state);
        expect(memory.lastLink - before).toBeGreaterThanOrEqual(0);
        expect(memory.lastLink - before).toBeLessThanOrEqual(1);
        expect(new Set(links.map(({ number }) => number)).size).toBe(links.length);
        // Open links are two only while one takes over from the other; a race has one per carrier.
        const most = state.name === 'racing' ? 3 : state.name === 'migrating' ? 2 : 1;
        expect(links.length).toBeLessThanOrEqual(most);
        const raced = state.name === 'racing' ? links : [];
        expect(new Set(raced.map(({ carrier }) => carrier)).size).toBe(raced.length);
        expect(currentLink(state) !== null).toBe(
          state.name === 'open' || state.name === 'migrating',
        );
        const isPaused = state.name === 'waiting' && (!memory.isOnline || memory.hiddenAt !== null);
        const isFinal = state.name === 'closed' || state.name === 'idle';
        const hasTimer = timersOf(connection).some(({ timer }) => timer !== 'slow');
        expect(links.length > 0 || hasTimer || isPaused || isFinal).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});
