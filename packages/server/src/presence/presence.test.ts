// Presence through hubs: several on one engine, as links see it.

import type { MillraceError } from '@millrace/protocol';
import type { ConnectFrame, LiveFrame, PresenceItem, PresentMember } from '@millrace/protocol/wire';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { memoryEngine } from '../engines/memory/memory-engine.ts';
import type { HubCoreOptions } from '../hub-core.ts';
import type { Engine } from '../seams/engine.ts';
import type { MemoryLink } from '../testing/memory-link.ts';
import { type RunningCore, runCore } from '../testing/run-core.ts';
import { closedRooms, openNotes, rooms } from '../testing/test-channels.ts';
import { waitFor, waitUntil } from '../testing/waiting.ts';

const LEAVE_AFTER_MS = 400;
const room = rooms.of({ id: '1' }).name;

let engine: Engine;
let running: RunningCore[];

beforeEach(() => {
  engine = memoryEngine();
  running = [];
});

afterEach(async () => {
  for (const one of running) await one[Symbol.asyncDispose]();
  await engine.close();
});

function start(options: Partial<HubCoreOptions> = {}): RunningCore {
  const one = runCore({ engine, leaveAfterMs: LEAVE_AFTER_MS, ...options });
  running.push(one);
  return one;
}

/** Asks to see the room, and to be in it as `text`. */
const inRoom = (text: string): PresenceItem => ({ channel: room, watch: true, data: { text } });
const watching: PresenceItem = { channel: room, watch: true };

function connect(
  hub: RunningCore,
  items: readonly PresenceItem[],
  parts: Partial<ConnectFrame> = {},
) {
  return hub.open({ presence: items, ...parts });
}

function say(link: MemoryLink, ...channels: PresenceItem[]): void {
  link.attachment.received({ type: 'presence', channels });
}

/** Who the link has been told of, as a client folds it. */
function membersOf(link: MemoryLink, channel = room): ReadonlyMap<string, PresentMember> {
  const members = new Map<string, PresentMember>();
  for (const frame of link.live) {
    if (frame.type !== 'presence' || frame.channel !== channel || 'error' in frame) continue;
    if ('page' in frame) {
      if (frame.page === 0) members.clear();
      for (const member of frame.members) members.set(member.id, member);
    } else {
      for (const member of frame.present) members.set(member.id, member);
      for (const id of frame.gone) members.delete(id);
    }
  }
  return members;
}

const idsOf = (link: MemoryLink, channel = room): string[] =>
  [...membersOf(link, channel).keys()].sort();

function hashOf(link: MemoryLink): string | undefined {
  return link.live.flatMap((frame) => ('hash' in frame && frame.hash ? [frame.hash] : [])).at(-1);
}

function errorsOf(link: MemoryLink, type: 'presence' | 'ephemeral' = 'presence'): string[] {
  return link.live.flatMap((frame) =>
    frame.type === type && 'error' in frame ? [frame.error.code] : [],
  );
}

/** Who came and went, in the order of the frames. */
function storyOf(link: MemoryLink): string[] {
  const known = new Set<string>();
  return link.live.flatMap((frame) => {
    if (frame.type !== 'presence' || 'error' in frame) return [];
    const came = ('page' in frame ? frame.members : frame.present).flatMap(({ id }) =>
      known.has(id) ? [] : [(known.add(id), `+${id}`)],
    );
    const went = 'gone' in frame ? frame.gone.map((id) => (known.delete(id), `-${id}`)) : [];
    return [...came, ...went];
  });
}

async function seen(link: MemoryLink, ids: readonly string[], channel = room): Promise<void> {
  const isSo = (): boolean => idsOf(link, channel).join() === ids.join();
  // What was seen in place of it says more than that it did not come.
  await waitUntil('them', isSo).catch(() => undefined);
  expect(idsOf(link, channel)).toEqual(ids);
}

const as = (token: string, link = 1): Partial<ConnectFrame> => ({
  token: `user-${token}`,
  link,
  session: `session-of-${token}-0123456789`,
});

describe('permission', () => {
  test('PRES-1: what a contract does not open is refused for that channel alone', async () => {
    const hub = start();
    const closed = closedRooms.of({ id: '1' }).name;
    const notes = openNotes.of({ id: '1' }).name;
    const link = connect(hub, [
      { channel: closed, watch: true, data: 1 },
      { channel: notes, watch: true },
      { channel: 'nothing:1', data: 1 },
      inRoom('guest'),
    ]);
    await waitUntil('the room', () => membersOf(link).size === 1);
    expect(errorsOf(link)).toEqual(['auth/denied', 'auth/denied', 'channel/unknown']);
    expect(link.closedWith).toBeUndefined();
  });

  test('PRES-1: `authorized` asks for `presence`, once for each link and channel', async () => {
    const asked: string[] = [];
    const hub = start({
      authorize(identity, action, { name }) {
        asked.push(`${identity?.id} ${action} ${name}`);
        return Promise.resolve(identity !== null);
      },
    });
    const channel = closedRooms.of({ id: '1' }).name;
    const link = connect(hub, [{ channel, watch: true, data: 1 }], as('ada'));
    await seen(link, ['ada'], channel);
    say(link, { channel, watch: true, data: 2 });
    await waitUntil(
      'the change',
      () => membersOf(link, channel).get('ada')?.sessions[0]?.data === 2,
    );
    expect(asked).toEqual([`ada presence ${channel}`]);
  });

  test('PRES-1: a permission that was lost while the session was away takes it out of the channel', async () => {
    let isAllowed = true;
    const [hub, other] = [start({ authorize: () => isAllowed }), start()];
    const channel = closedRooms.of({ id: '1' }).name;
    const viewer = connect(other, [{ channel, watch: true }], as('bob'));
    const link = connect(hub, [{ channel, data: 1 }], as('ada'));
    await seen(viewer, ['ada'], channel);
    link.cut();
    isAllowed = false;
    const again = connect(hub, [{ channel, data: 1 }], as('ada', 2));
    await seen(viewer, [], channel);
    expect(errorsOf(again)).toEqual(['auth/denied']);
  });
});

describe('watching', () => {
  test('PRES-2, PRES-3: a watcher gets everybody, then changes; a second tab is no second join', async () => {
    const [hub, other] = [start(), start()];
    const ada = connect(hub, [inRoom('Ada')], as('ada'));
    const viewer = connect(other, [watching], as('bob'));
    await seen(viewer, ['ada']);
    const tab = connect(other, [inRoom('Ada on her phone')], {
      ...as('ada'),
      session: 'another-session-0123456789',
    });
    await waitUntil('two sessions', () => membersOf(viewer).get('ada')?.sessions.length === 2);
    expect(membersOf(viewer).get('ada')?.sessions.at(-1)?.data).toEqual({
      text: 'Ada on her phone',
    });
    say(tab, { channel: room });
    await waitUntil('one session', () => membersOf(viewer).get('ada')?.sessions.length === 1);
    say(ada, { channel: room });
    await seen(viewer, []);
    expect(storyOf(viewer)).toEqual(['+ada', '-ada']);
  });

  test('PRES-2: who knows how it stands is told nothing, who knows less what changed, on any node', async () => {
    const [hub, other] = [start(), start()];
    const first = connect(hub, [watching], as('viewer'));
    connect(hub, [inRoom('Ada')], as('ada'));
    await seen(first, ['ada']);
    const have = hashOf(first) ?? '';
    const there = connect(other, [watching], as('witness'));
    await seen(there, ['ada']);
    const same = connect(other, [{ ...watching, have }]);
    connect(other, [inRoom('Bob')], as('bob'));
    await waitUntil('the change', () => same.live.some((frame) => 'present' in frame));
    expect(same.live.filter(({ type }) => type === 'presence')).toMatchObject([
      { from: have, present: [{ id: 'bob' }] },
    ]);
    const late = connect(other, [{ ...watching, have }]);
    await waitUntil('what it lacks', () => late.live.some((frame) => 'present' in frame));
    expect(late.live.some((frame) => 'page' in frame)).toBe(false);
    const stranger = connect(other, [{ ...watching, have: 'of.nobody' }]);
    await seen(stranger, ['ada', 'bob']);
    expect(stranger.live.some((frame) => 'page' in frame)).toBe(true);
  });

  test('PRES-2: a large room comes in pages, and a large change in several frames', async () => {
    const hub = start({ limits: { maxPageBytes: 4_096, maxPresencePerSecond: 1_000 } });
    const early = connect(hub, [watching], as('early'));
    for (let at = 0; at < 200; at += 1) {
      const session = `crowd-session-${String(at).padStart(10, '0')}`;
      connect(hub, [{ channel: room, data: { text: `guest ${at}` } }], { session });
    }
    await waitUntil('all of them', () => membersOf(early).size === 200);
    const late = connect(hub, [watching], as('late'));
    await waitUntil('all of them', () => hashOf(late) === hashOf(early));
    const pages = late.live.flatMap((frame) => ('page' in frame ? [frame.page] : []));
    expect(pages).toEqual(pages.map((_, at) => at));
    expect(pages.length).toBeGreaterThan(4);
    for (const frame of [...early.live, ...late.live]) {
      expect(JSON.stringify(frame).length).toBeLessThan(4_096 + 300);
    }
    expect(idsOf(late)).toEqual(idsOf(early));
  });

  test('PRES-8: a watcher without room gets what it lacks once it has some, and costs no queue meanwhile', async () => {
    const hub = start({
      limits: { maxQueueBytes: 8_192, maxPageBytes: 4_096, maxControlBytes: 4_096 },
    });
    const slow = connect(hub, [watching], as('slow'));
    const quick = connect(hub, [watching], as('quick'));
    await waitUntil('both', () => hashOf(slow) !== undefined && hashOf(quick) !== undefined);
    slow.stall();
    const links = [];
    for (let at = 0; at < 300; at += 1) {
      const session = `crowd-session-${String(at).padStart(10, '0')}`;
      links.push(connect(hub, [{ channel: room, data: { text: 'x'.repeat(40) } }], { session }));
      if (at % 30 === 29) await waitUntil('the wave', () => membersOf(quick).size === at + 1);
    }
    for (const link of links.slice(0, 290)) say(link, { channel: room });
    await waitUntil('ten left', () => membersOf(quick).size === 10);
    expect(slow.waitingBytes).toBeLessThan(12_288);
    expect(slow.closedWith).toBeUndefined();
    slow.flow();
    await waitUntil('the same', () => hashOf(slow) === hashOf(quick));
    expect(idsOf(slow)).toEqual(idsOf(quick));
  });
});

test('LIM-3: presence in more channels than a link may have is refused, and so is leaving them', async () => {
  const hub = start({ limits: { maxChannelsPerLink: 2 } });
  const channels = ['1', '2', '3', '4'].map((id) => rooms.of({ id }).name);
  const link = connect(
    hub,
    channels.map((channel) => ({ channel, data: { text: 'x' } })),
  );
  await waitUntil('two refusals', () => errorsOf(link).length === 2);
  expect(errorsOf(link)).toEqual(['limit/channels', 'limit/channels']);
  expect(hub.core.stats().presence).toEqual({ channels: 2, sessions: 2 });
});

describe('coming and going', () => {
  test('PRES-3: ids say nothing of the session, and the server says which one is yours', async () => {
    const hub = start();
    const link = connect(hub, [inRoom('guest')]);
    const you = await waitFor('you', () =>
      link.live.find((frame): frame is Extract<LiveFrame, { type: 'you' }> => frame.type === 'you'),
    );
    await seen(link, [you.id]);
    expect(you.id).toBe(`guest:${you.session}`);
    expect(you.session).toMatch(/^[\w-]{16}$/);
    expect(membersOf(link).get(you.id)).toMatchObject({
      guest: true,
      sessions: [{ id: you.session }],
    });
    expect(JSON.stringify(link.frames)).not.toContain('test-session');
  });

  test('PRES-4: a link that ends leaves its session for a while, and the next one, on another node, takes it over unseen', async () => {
    const [hub, other] = [start(), start()];
    const viewers = [connect(hub, [watching], as('x')), connect(other, [watching], as('y'))];
    const link = connect(hub, [inRoom('Ada')], as('ada'));
    for (const viewer of viewers) await seen(viewer, ['ada']);
    link.cut();
    const next = connect(other, [inRoom('Ada')], as('ada', 2));
    await seen(next, ['ada']);
    next.cut();
    for (const viewer of viewers) await seen(viewer, []);
    for (const viewer of viewers) expect(storyOf(viewer)).toEqual(['+ada', '-ada']);
  });

  test('PRES-6: the next link of a session says all that it wants, and one who left while away says so', async () => {
    const [hub, other] = [start({ leaveAfterMs: 60_000 }), start({ leaveAfterMs: 60_000 })];
    const away = rooms.of({ id: 'away' }).name;
    const viewer = connect(hub, [watching, { channel: away, watch: true }], as('viewer'));
    const link = connect(hub, [inRoom('Ada'), { channel: away, data: { text: 'Ada' } }], as('ada'));
    await seen(viewer, ['ada']);
    await seen(viewer, ['ada'], away);
    link.cut();
    connect(other, [inRoom('Ada again'), { channel: away, leave: true }], as('ada', 2));
    await seen(viewer, [], away);
    await waitUntil('the new data', () =>
      JSON.stringify(membersOf(viewer).get('ada')).includes('Ada again'),
    );
    expect(idsOf(viewer)).toEqual(['ada']);
  });

  test('PRES-7: a hub that closes leaves its sessions their time to turn up elsewhere', async () => {
    const [hub, other] = [start(), start()];
    const viewer = connect(other, [watching], as('viewer'));
    connect(hub, [inRoom('Ada')], as('ada'));
    connect(hub, [inRoom('Bob')], as('bob'));
    await seen(viewer, ['ada', 'bob']);
    await hub.core.sendAway(0);
    await hub.core.close();
    connect(other, [inRoom('Ada')], as('ada', 2));
    await seen(viewer, ['ada']);
    expect(storyOf(viewer)).toEqual(['+ada', '+bob', '-bob']);
  });
});

describe('limits', () => {
  const codeOf = (error: MillraceError | undefined): string | undefined => error?.code;

  test('PRES-8: data that is too much or does not fit is refused, and what was there before stands', async () => {
    const hub = start({ limits: { maxPresenceBytes: 100 } });
    const link = connect(hub, [inRoom('Ada')], as('ada'));
    await seen(link, ['ada']);
    say(link, { channel: room, watch: true, data: { text: 'x'.repeat(100) } });
    say(link, { channel: room, watch: true, data: { name: 'no text' } });
    await waitUntil('two refusals', () => errorsOf(link).length === 2);
    expect(errorsOf(link)).toEqual(['limit/event-size', 'contract/invalid-event']);
    expect(membersOf(link).get('ada')?.sessions[0]?.data).toEqual({ text: 'Ada' });
  });

  test('PRES-8: who changes too often is told when to go on, and who comes to a full channel too', async () => {
    const limits = { maxPresencePerSecond: 2, maxPresentPerChannel: 1, maxPresenceChannels: 1 };
    const hub = start({ limits });
    const link = connect(hub, [inRoom('Ada')], as('ada'));
    await seen(link, ['ada']);
    const elsewhere = connect(hub, [{ channel: rooms.of({ id: '2' }).name, watch: true }]);
    await waitUntil('the refusal', () => errorsOf(elsewhere).length === 1);
    expect(errorsOf(elsewhere)).toEqual(['server/overloaded']);
    for (const text of ['1', '2', '3', '4', '5']) say(link, inRoom(text));
    const full = connect(hub, [inRoom('Bob')], as('bob'));
    await waitUntil('both', () => errorsOf(link).length === 1 && errorsOf(full).length === 1);
    expect([errorsOf(link), errorsOf(full)]).toEqual([['limit/publishes'], ['server/overloaded']]);
    const [refusal] = link.live.flatMap((frame) => ('error' in frame ? [frame.error] : []));
    expect(codeOf(refusal)).toBe('limit/publishes');
    expect(refusal?.details?.['retryAfterMs']).toBeGreaterThan(0);
  });
});

test('PRES-2: a program asks a hub who is present, over all nodes', async () => {
  const [hub, other] = [start(), start()];
  connect(other, [inRoom('Ada')], as('ada'));
  const channel = { name: room, leaveAfterMs: 5_000 };
  await waitUntil('Ada', () => other.core.stats().presence.sessions === 1);
  expect(await hub.core.live.presence.members(channel)).toMatchObject([{ id: 'ada' }]);
});
