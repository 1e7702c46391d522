// Presence and ephemeral events, client × hub on every carrier, over two hubs on one engine: nobody is seen to leave who
// did not, and who leaves does so at once, whatever carries the link.

import { type Carrier, type Client, type ClientOptions, createClient } from '@millrace/client';
import { ephemeralOf, type PresenceView, presenceOf } from '@millrace/client/presence';
import { type Contract, defineChannel, type StandardSchema } from '@millrace/protocol';
import { type HubOptions, memoryEngine } from '@millrace/server';
import { describe, expect, test } from 'vitest';
import { type Named, named } from '../support/named-schema.ts';
import { expectWithin } from '../support/timing.ts';
import { until } from '../support/wait.ts';
import { type MatrixHub, numbers, startMatrixHub } from './matrix-hub.ts';

type NamedEvents = { readonly said: StandardSchema<Named> };

const rooms: Contract<
  'id',
  NamedEvents,
  undefined,
  StandardSchema<Named>,
  { readonly pointed: StandardSchema<Named> }
> = defineChannel({
  type: 'rooms',
  params: ['id'],
  events: { said: named },
  presence: named,
  ephemeral: { pointed: named },
  access: { subscribe: 'public', presence: 'public', ephemeral: 'public' },
});
const room = rooms.of({ id: '1' });

const carriers: readonly Carrier[] = ['websocket', 'sse', 'poll'];

/** Two hubs of one engine: clients reach the first through its proxy. */
async function startPair(
  options: Partial<HubOptions> = {},
): Promise<AsyncDisposable & { readonly one: MatrixHub; readonly two: MatrixHub }> {
  const engine = memoryEngine();
  const shared: Partial<HubOptions> = {
    contracts: [numbers, rooms],
    engine,
    leaveAfterMs: 1_500,
    authenticate: ({ token }) => (token === null ? null : { id: token }),
    ...options,
  };
  const one = await startMatrixHub({}, shared);
  const two = await startMatrixHub({}, shared);
  return {
    one,
    two,
    async [Symbol.asyncDispose]() {
      await one[Symbol.asyncDispose]();
      await two[Symbol.asyncDispose]();
      await engine.close();
    },
  };
}

interface Viewer extends AsyncDisposable {
  readonly client: Client;
  view(): PresenceView<Named>;
  names(): string[];
  /** Who came and went, in order. */
  readonly story: readonly string[];
}

function watchRoom(options: ClientOptions): Viewer {
  const client = createClient({ onError: () => undefined, ...options });
  const presence = presenceOf(client, room);
  const story: string[] = [];
  let known = new Set<string>();
  presence.subscribe(() => {
    const now = new Set(presence.getSnapshot().members.map(({ id }) => id));
    for (const id of now) if (!known.has(id)) story.push(`+${id}`);
    for (const id of known) if (!now.has(id)) story.push(`-${id}`);
    known = now;
  });
  return {
    client,
    view: presence.getSnapshot,
    names: () => presence.getSnapshot().members.map(({ data }) => data.name),
    story,
    [Symbol.asyncDispose]: () => client.close(),
  };
}

function transportOf(client: Client): Carrier | null {
  const status = client.status.getSnapshot();
  return status.status === 'open' ? status.transport : null;
}

/** Waits for as long as a false leave would need to show. */
async function stays(viewer: Viewer, names: readonly string[], forMs: number): Promise<void> {
  const end = performance.now() + forMs;
  while (performance.now() < end) {
    expect(viewer.names()).toEqual(names);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe.each(carriers)('over %s', (carrier) => {
  test('PRES-6: entering, changing and leaving are seen on the other node; closing the client leaves at once', async () => {
    await using pair = await startPair();
    await using viewer = watchRoom({ url: pair.two.url, token: 'viewer' });
    await using ada = watchRoom({ url: pair.one.url, token: 'ada', transports: [carrier] });
    const presence = presenceOf(ada.client, room);
    const entry = presence.enter({ name: 'Ada' });
    await until(() => viewer.names().includes('Ada'), { label: 'Ada' });
    await until(() => presence.getSnapshot().me?.data.name === 'Ada', { label: 'herself' });
    const changedAt = performance.now();
    entry.update({ name: 'Ada L.' });
    await until(() => viewer.names().includes('Ada L.'), { label: 'the change' });
    const changedMs = performance.now() - changedAt;
    const leftAt = performance.now();
    entry.leave();
    await until(() => viewer.names().length === 0, { label: 'the leave' });
    const leftMs = performance.now() - leftAt;
    presence.enter({ name: 'Ada' });
    await until(() => viewer.names().length === 1, { label: 'the return' });
    const closedAt = performance.now();
    await ada.client.close();
    await until(() => viewer.names().length === 0, { label: 'the end' });
    const closedMs = performance.now() - closedAt;
    expect(viewer.story).toEqual(['+ada', '-ada', '+ada', '-ada']);
    expectWithin(changedMs, 2_000, 'the change');
    expectWithin(leftMs, 1_400, 'the leave');
    expectWithin(closedMs, 1_400, 'the end of who closed');
  });

  test('PRES-4: a link that is cut, and a session that comes back on another node, are seen to do nothing', async () => {
    await using pair = await startPair();
    await using viewer = watchRoom({ url: pair.two.url, token: 'viewer' });
    await using ada = watchRoom({ url: pair.one.url, token: 'ada', transports: [carrier] });
    presenceOf(ada.client, room).enter({ name: 'Ada' });
    await until(() => viewer.names().includes('Ada'), { label: 'Ada' });
    pair.one.proxy.cutAll({ how: 'rst' });
    await stays(viewer, ['Ada'], 600);
    const { port } = new URL(pair.two.directUrl);
    pair.one.proxy.setTarget({ host: '127.0.0.1', port: Number(port) });
    pair.one.proxy.cutAll({ how: 'fin' });
    await stays(viewer, ['Ada'], 2_500);
    await until(() => pair.two.hub.stats().presence.sessions === 1, { label: 'the new node' });
    await until(() => pair.one.hub.stats().presence.sessions === 0, { label: 'the old node' });
    expect([viewer.story, ada.story]).toEqual([['+ada'], ['+ada']]);
  });

  test('EPH-5: ephemeral events go both ways', async () => {
    await using pair = await startPair();
    await using one = createClient({ url: pair.one.url, token: 'ada', transports: [carrier] });
    await using two = createClient({ url: pair.two.url, token: 'bob', transports: [carrier] });
    const [here, there] = [ephemeralOf(one, room), ephemeralOf(two, room)];
    const stops = [here.subscribe(() => undefined), there.subscribe(() => undefined)];
    await until(() => here.you() !== null && there.you() !== null, { label: 'both' });
    // At most once, and a poll is not there between two polls: who repeats it arrives.
    const send = (to: typeof here, name: string): void =>
      to.send({ type: 'pointed', data: { name } });
    await until(
      () => {
        send(here, 'from Ada');
        send(there, 'from Bob');
        return here.getSnapshot().length === 1 && there.getSnapshot().length === 1;
      },
      { label: 'both events', everyMs: 200, deadlineMs: 30_000 },
    );
    expect(there.getSnapshot()).toMatchObject([
      { data: { name: 'from Ada' }, from: { id: 'ada' } },
    ]);
    expect(here.getSnapshot()).toMatchObject([{ data: { name: 'from Bob' }, from: { id: 'bob' } }]);
    for (const stop of stops) stop();
  });
});

test('PRES-4: a session is present between its polls, held or not', async () => {
  await using pair = await startPair({ leaveAfterMs: 400, limits: { maxHoldMs: 300 } });
  await using viewer = watchRoom({ url: pair.two.url, token: 'viewer' });
  await using held = watchRoom({ url: pair.one.url, token: 'ada', transports: ['poll'] });
  await using unheld = watchRoom({
    url: pair.one.url,
    token: 'bob',
    transports: ['poll'],
    environment: { acquireSlot: () => Promise.resolve(null) },
  });
  presenceOf(held.client, room).enter({ name: 'Ada' });
  presenceOf(unheld.client, room).enter({ name: 'Bob' });
  await until(() => viewer.names().length === 2, { label: 'both' });
  await stays(viewer, viewer.names(), 3_000);
  expect(viewer.story).toHaveLength(2);
});

test('PRES-2: a poll is held while nobody comes or goes', async () => {
  await using pair = await startPair();
  await using ada = watchRoom({ url: pair.one.url, token: 'ada', transports: ['poll'] });
  presenceOf(ada.client, room).enter({ name: 'Ada' });
  await until(() => ada.view().me !== null, { label: 'herself' });
  await stays(ada, ['Ada'], 200);
  const before = pair.one.proxy.stats.requests.poll;
  await stays(ada, ['Ada'], 1_500);
  expect(pair.one.proxy.stats.requests.poll - before).toBeLessThanOrEqual(1);
});

test('PRES-6: a session that moves from carrier to carrier is seen to do nothing', async () => {
  await using pair = await startPair();
  await using viewer = watchRoom({ url: pair.two.url, token: 'viewer' });
  pair.one.proxy.setRules({ websocket: { mode: 'refuse' }, stream: { mode: 'refuse' } });
  const clock = {
    now: () => Math.round(startedAt + (Date.now() - startedAt) * 10),
    setTimer(callback: () => void, ms: number) {
      const timer = setTimeout(callback, ms / 10);
      return () => clearTimeout(timer);
    },
  };
  const startedAt = Date.now();
  await using ada = watchRoom({ url: pair.one.url, token: 'ada', environment: clock });
  presenceOf(ada.client, room).enter({ name: 'Ada' });
  await until(() => viewer.names().includes('Ada'), { label: 'Ada' });
  expect(transportOf(ada.client)).toBe('poll');
  pair.one.proxy.setRules({ websocket: { mode: 'refuse' } });
  await until(() => transportOf(ada.client) === 'sse', { label: 'sse', deadlineMs: 30_000 });
  pair.one.proxy.setRules({});
  await until(() => transportOf(ada.client) === 'websocket', {
    label: 'websocket',
    deadlineMs: 40_000,
  });
  await stays(viewer, ['Ada'], 2_000);
  expect(viewer.story).toEqual(['+ada']);
});

test('PRES-11: where the only server restarts, those who come back with it are not seen to leave', async () => {
  const options: Partial<HubOptions> = {
    contracts: [rooms],
    leaveAfterMs: 3_000,
    authenticate: ({ token }) => (token === null ? null : { id: token }),
  };
  await using front = await startMatrixHub({}, options);
  await using viewer = watchRoom({ url: front.url, token: 'viewer' });
  const others = Array.from({ length: 5 }, (_, at) =>
    createClient({ url: front.url, token: `user-${at}`, onError: () => undefined }),
  );
  for (const one of others) presenceOf(one, room).enter({ name: 'one of five' });
  await until(() => viewer.names().length === 5, { label: 'all' });
  // Another hub, with an engine of its own, that knows nobody.
  await using next = await startMatrixHub({}, options);
  const { port } = new URL(next.directUrl);
  front.proxy.setTarget({ host: '127.0.0.1', port: Number(port) });
  front.proxy.cutAll({ how: 'rst' });
  await until(() => next.hub.stats().presence.sessions === 5, { label: 'all there' });
  await stays(viewer, viewer.names(), 3_500);
  expect(viewer.names()).toHaveLength(5);
  expect(viewer.story.filter((step) => step.startsWith('-'))).toEqual([]);
  await Promise.all(others.map((one) => one.close()));
});
