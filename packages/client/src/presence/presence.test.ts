// Presence and ephemeral events of a client over a link in memory: what is told to the server and when, and what a page sees.

import { defineChannel, MillraceError, type StandardSchema } from '@millrace/protocol';
import type { ClientFrame, PresenceItem } from '@millrace/protocol/wire';
import { afterEach, beforeEach, describe, expect, expectTypeOf, test, vi } from 'vitest';
import { createClient } from '../client.ts';
import type { Client } from '../client-types.ts';
import { createFakeLink, type FakeLink } from '../testing/index.ts';
import { createManualClock, type ManualClock } from '../testing/manual-clock.ts';
import * as entry from './index.ts';
import { ephemeralOf, presenceOf } from './index.ts';

const named: StandardSchema<{ readonly name: string }> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof value === 'object' &&
      value !== null &&
      'name' in value &&
      typeof value.name === 'string'
        ? { value: { name: value.name } }
        : { issues: [{ message: 'needs a name' }] },
  },
};
const rooms = defineChannel({
  type: 'rooms',
  params: ['id'],
  events: { said: named },
  presence: named,
  ephemeral: { pointed: named },
  ephemeralForMs: 3_000,
});
const room = rooms.of({ id: '1' });
const bob = { id: 'bob', since: 5, sessions: [{ id: 'b', at: 5, data: { name: 'Bob' } }] };

let clock: ManualClock;
let link: FakeLink;
let client: Client;
let errors: string[];

beforeEach(() => {
  clock = createManualClock();
  link = createFakeLink();
  errors = [];
  client = createClient({
    ...link.options,
    environment: { ...link.options.environment, ...clock },
    onError: ({ code }) => errors.push(code),
  });
});

afterEach(async () => {
  await client.close();
  vi.useRealTimers();
});

const settle = (): Promise<void> => clock.advance(0);

function itemsOf(frame: ClientFrame | undefined): readonly PresenceItem[] {
  if (frame?.type === 'connect') return frame.presence ?? [];
  return frame?.type === 'presence' ? frame.channels : [];
}

/** All that was told about the room, oldest first. */
const told = (): readonly PresenceItem[] => link.sent.flatMap(itemsOf);

test('the entry exports these names', () => {
  expect(Object.keys(entry).sort()).toEqual(['ephemeralOf', 'presenceOf']);
});

describe('presence', () => {
  test('PRES-6: watching and entering go in `connect`, later changes in a frame, each channel whole', async () => {
    const presence = presenceOf(client, room);
    const stop = presence.subscribe(() => undefined);
    const one = presence.enter({ name: 'Ada' });
    await settle();
    expect(link.sent.map(({ type }) => type)).toEqual(['connect']);
    expect(told()).toEqual([{ channel: 'rooms:1', watch: true, data: { name: 'Ada' } }]);
    one.update({ name: 'Ada L.' });
    await settle();
    one.leave();
    one.leave();
    await settle();
    stop();
    await settle();
    expect(told().slice(1)).toMatchObject([
      { channel: 'rooms:1', watch: true, data: { name: 'Ada L.' } },
      { channel: 'rooms:1', watch: true, leave: true },
      { channel: 'rooms:1' },
    ]);
  });

  test('PRES-2: the view is the same object until something changes, and members are those that did not', async () => {
    link.setMembers(room, [bob]);
    const presence = presenceOf(client, room);
    expect(presence.getSnapshot().status).toBe('idle');
    const heard = vi.fn();
    presence.subscribe(heard);
    expect(presence.getSnapshot().status).toBe('loading');
    const mine = presence.enter({ name: 'Ada' });
    await settle();
    const view = presence.getSnapshot();
    expect(view).toBe(presence.getSnapshot());
    expect(view).toMatchObject({ status: 'live', me: { id: 'me', data: { name: 'Ada' } } });
    expect(view.members.map(({ id }) => id)).toEqual(['bob', 'me']);
    expectTypeOf(view.members[0]?.data).toEqualTypeOf<{ readonly name: string } | undefined>();
    const calls = heard.mock.calls.length;
    mine.update({ name: 'Ada L.' });
    await settle();
    expect(heard.mock.calls.length).toBeGreaterThan(calls);
    expect(presence.getSnapshot().members[0]).toBe(view.members[0]);
    expect(presence.getSnapshot().me?.data).toEqual({ name: 'Ada L.' });
    // @ts-expect-error the data is of another shape
    mine.update({ nick: 'ada' });
  });

  test('PRES-3: a page is present while any of its parts wants to be, and leaving and entering in one go is neither', async () => {
    const presence = presenceOf(client, room);
    const one = presence.enter({ name: '1' });
    const two = presenceOf(client, rooms.of({ id: '1' })).enter({ name: '2' });
    await settle();
    expect(told()).toEqual([{ channel: 'rooms:1', data: { name: '2' } }]);
    one.leave();
    two.leave();
    const three = presence.enter({ name: '2' });
    await settle();
    expect(told().slice(1)).toEqual([{ channel: 'rooms:1', data: { name: '2' } }]);
    three.leave();
    await settle();
    expect(told().at(-1)).toEqual({ channel: 'rooms:1', leave: true });
  });

  test('PRES-4: after a cut the next `connect` says the same again, with what is known, and who left meanwhile says so', async () => {
    link.setMembers(room, [bob]);
    const presence = presenceOf(client, room);
    presence.subscribe(() => undefined);
    const mine = presence.enter({ name: 'Ada' });
    const other = presenceOf(client, rooms.of({ id: '2' })).enter({ name: 'Ada' });
    await settle();
    link.hold();
    link.cut();
    await settle();
    expect(presence.getSnapshot()).toMatchObject({ status: 'stale' });
    expect(presence.getSnapshot().members).toHaveLength(2);
    other.leave();
    await clock.advance(1_000);
    link.accept();
    await settle();
    const again = link.sent.filter(({ type }) => type === 'connect').at(-1);
    expect(itemsOf(again)[0]).toMatchObject({
      channel: 'rooms:1',
      watch: true,
      have: expect.any(String),
      data: { name: 'Ada' },
    });
    expect(told().at(-1)).toEqual({ channel: 'rooms:2', leave: true });
    expect(presence.getSnapshot().status).toBe('live');
    mine.leave();
  });

  test('PRES-8: changes go out at most ten times a second, the newest last', async () => {
    const mine = presenceOf(client, room).enter({ name: '0' });
    await settle();
    for (let at = 1; at <= 50; at += 1) {
      mine.update({ name: `${at}` });
      await clock.advance(10);
    }
    await clock.advance(200);
    const names = told().map(({ data }) => (data as { readonly name: string }).name);
    expect(names.length).toBeLessThanOrEqual(8);
    expect(names.at(-1)).toBe('50');
  });

  test('PRES-1: a refusal is a status of the channel, and is not asked for again on that link', async () => {
    const presence = presenceOf(client, room);
    presence.subscribe(() => undefined);
    presence.enter({ name: 'Ada' });
    await settle();
    const error = new MillraceError('auth/denied', 'Not you.');
    link.sendLive({ type: 'presence', channel: room.name, error });
    await settle();
    expect(presence.getSnapshot()).toMatchObject({
      status: 'refused',
      members: [],
      error: { code: 'auth/denied' },
    });
    const before = told().length;
    link.cut();
    await clock.advance(1_000);
    expect(told().length).toBe(before + 1);
    expect(presence.getSnapshot().status).toBe('live');
  });

  test('PRES-8: data that is refused leaves the rest as it is; a change that came too soon goes out later', async () => {
    const presence = presenceOf(client, room);
    presence.subscribe(() => undefined);
    presence.enter({ name: 'Ada' });
    await settle();
    const details = { retryAfterMs: 300 };
    const error = new MillraceError('limit/publishes', 'Too often.', { details });
    link.sendLive({ type: 'presence', channel: room.name, error });
    await settle();
    expect(presence.getSnapshot()).toMatchObject({
      status: 'live',
      error: { code: 'limit/publishes' },
    });
    const before = told().length;
    await clock.advance(300);
    expect(told().slice(before)).toMatchObject([{ watch: true, data: { name: 'Ada' } }]);
  });

  test('PRES-12: a roll call is answered at once, without a timer', async () => {
    presenceOf(client, room).enter({ name: 'Ada' });
    await settle();
    link.sendLive({ type: 'roll-call' });
    await settle();
    expect(link.sent.at(-1)).toEqual({ type: 'presence', channels: [] });
  });

  test('PRES-4: closing the client leaves at once, connecting again enters again', async () => {
    presenceOf(client, room).enter({ name: 'Ada' });
    await settle();
    await client.close();
    expect(link.sent.at(-1)).toEqual({
      type: 'presence',
      channels: [{ channel: 'rooms:1', leave: true }],
    });
    client.connect();
    await clock.advance(1_000);
    expect(told().at(-1)).toEqual({ channel: 'rooms:1', data: { name: 'Ada' } });
  });

  test('PRES-4: over a poll the leave is of the newest link, and said again where its connection was dead', async () => {
    const hello = { type: 'hello', protocol: 1, at: 0, beatMs: 15_000, identity: null };
    const asked: { link: number; holdMs: number; presence?: readonly PresenceItem[] }[] = [];
    let answers: readonly ('hello' | 'held' | 'dead')[] = ['hello', 'held', 'held'];
    const poller = createClient({
      url: 'http://hub.test/realtime',
      transports: ['poll'],
      environment: {
        ...clock,
        async fetch(_url, init) {
          asked.push(JSON.parse(typeof init?.body === 'string' ? init.body : ''));
          const [answer, ...rest] = answers;
          answers = rest;
          if (answer === 'hello') return Response.json([hello]);
          if (answer === 'dead') throw new TypeError('fetch failed');
          return new Promise(() => undefined);
        },
      },
    });
    const entered = presenceOf(poller, room).enter({ name: 'Ada' });
    await clock.advance(1_000);
    // The next link opens, and is not there yet.
    entered.update({ name: 'Ada L.' });
    await clock.advance(200);
    expect(asked.map(({ link: number }) => number)).toEqual([1, 1, 2]);
    answers = ['dead', 'held'];
    await poller.close();
    await settle();
    const farewell = { link: 2, holdMs: 0, presence: [{ channel: 'rooms:1', leave: true }] };
    expect(asked.slice(3)).toMatchObject([farewell, farewell]);
    // Also of one that nobody has answered yet.
    answers = ['held', 'held'];
    poller.connect();
    await clock.advance(200);
    expect(asked.slice(5)).toMatchObject([{ presence: [{ data: { name: 'Ada L.' } }] }]);
    await poller.close();
    await settle();
    expect(asked.slice(6)).toMatchObject([{ ...farewell, link: 3 }]);
  });

  test('PRES-11: those whom the server does not name any more go after its time, without another frame', async () => {
    link.setMembers(room, [bob]);
    const presence = presenceOf(client, room);
    presence.subscribe(() => undefined);
    await settle();
    const everybody = {
      type: 'presence',
      channel: room.name,
      page: 0,
      leaveAfterMs: 5_000,
    } as const;
    link.sendLive({ ...everybody, members: [], hash: 'anew' });
    await clock.advance(4_900);
    expect(presence.getSnapshot().members).toHaveLength(1);
    await clock.advance(200);
    expect(presence.getSnapshot().members).toHaveLength(0);
  });
});

describe('ephemeral events', () => {
  const from = { id: 'bob', session: 'b' };

  test('EPH-4: one counts until the next of its kind and session, or until its time is over', async () => {
    const pointers = ephemeralOf(client, room);
    const heard = vi.fn();
    const stop = pointers.subscribe(heard);
    await settle();
    expect(told()).toEqual([{ channel: 'rooms:1', ephemeral: true }]);
    link.pass(room, { type: 'pointed', data: { name: 'x' }, from });
    await clock.advance(2_000);
    link.pass(room, { type: 'pointed', data: { name: 'y' }, from });
    link.pass(room, { type: 'pointed', data: { name: 'z' }, from: { id: 'cy', session: 'c' } });
    await settle();
    const seen = pointers.getSnapshot();
    expect(seen).toBe(pointers.getSnapshot());
    expect(seen.map(({ data, from: by }) => `${by?.id} ${data.name}`)).toEqual(['bob y', 'cy z']);
    expectTypeOf(seen[0]?.type).toEqualTypeOf<'pointed' | undefined>();
    await clock.advance(2_900);
    expect(pointers.getSnapshot()).toHaveLength(2);
    await clock.advance(200);
    expect(pointers.getSnapshot()).toEqual([]);
    stop();
    await settle();
    expect(told().at(-1)).toEqual({ channel: 'rooms:1' });
  });

  test('EPH-5: what this session sent itself, and what its contract does not know, is not shown', async () => {
    const pointers = ephemeralOf(client, room);
    pointers.subscribe(() => undefined);
    await settle();
    link.pass(room, {
      type: 'pointed',
      data: { name: 'mine' },
      from: { id: 'me', session: 'my-session' },
    });
    link.pass(room, { type: 'danced', data: {}, from });
    link.pass(room, { type: 'pointed', data: { nick: 'no name' }, from });
    link.pass(room, { type: 'pointed', data: { name: "the server's" }, from: null });
    await settle();
    expect(pointers.getSnapshot()).toMatchObject([{ data: { name: "the server's" }, from: null }]);
  });

  test('EPH-3: sending is throttled by kind, the first at once and the newest last; without a link it is dropped', async () => {
    const pointers = ephemeralOf(client, room);
    pointers.send({ type: 'pointed', data: { name: 'nobody connects for it' } });
    await settle();
    expect(client.status.getSnapshot().status).toBe('idle');
    pointers.subscribe(() => undefined);
    await clock.advance(500);
    for (let at = 1; at <= 20; at += 1) pointers.send({ type: 'pointed', data: { name: `${at}` } });
    await clock.advance(1_000);
    const names = link.sent.flatMap((frame) =>
      frame.type === 'ephemeral' ? [(frame.event.data as { readonly name: string }).name] : [],
    );
    expect(names).toEqual(['1', '20']);
  });

  test('EPH-1: what does not fit throws at the call; what the server refuses is told to `onError`', async () => {
    const pointers = ephemeralOf(client, room);
    pointers.subscribe(() => undefined);
    await settle();
    // @ts-expect-error no such event
    expect(() => pointers.send({ type: 'danced', data: { name: 'x' } })).toThrow('no ephemeral');
    const unnamed = { type: 'pointed', data: {} } as never;
    expect(() => pointers.send(unnamed)).toThrow('needs a name');
    const error = new MillraceError('auth/denied', 'Not you.');
    link.sendLive({ type: 'ephemeral', channel: room.name, error });
    await settle();
    expect(errors).toEqual(['auth/denied']);
  });
});
