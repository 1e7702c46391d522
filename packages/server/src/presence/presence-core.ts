// Presence at one node as one machine over all its channels: what it tells the other nodes, what it takes from them,
// until when it believes in one that it hears nothing of. No clock, no bus, no timers: they come with the events and
// leave as effects. Rules: PRES-3 … PRES-5, PRES-7, PRES-9.
//
//   every 2 s, once it has told anything or follows others: beat, which is its lease of 8 s, names the channels that
//     changed, and shows by coming back that the bus works: while it does not, nobody's lease ends
//   a channel that somebody here needs: listen ──listening──▶ ask all ──settled──▶ ready ──10 s unneeded──▶ unlisten
//   what changed here: told 50 ms later, at most  ·  what another node's beat does not confirm: asked for after 200 ms
//   a beat of another node that was missed: it is asked to name all its channels, and what it does not name it has not

import { type BusMessage, type RoomMark, splitBySize } from './bus-message.ts';
import { EMPTY_HASH } from './entry.ts';
import { Leases } from './leases.ts';
import type { PresenceEffect, PresenceEvent } from './presence-types.ts';
import { Room } from './room.ts';

/** Between two beats, ms. */
const BEAT_MS = 2_000;
/** How long a channel is kept that nobody here needs, ms: whoever comes back finds it. */
const IDLE_MS = 10_000;
/** How long a bus may take to listen before watchers are shown what is known here, ms. */
const LISTEN_WITHIN_MS = 1_000;
/** Between two answers with a channel's state, ms: who asks in between gets the next one with the others. */
const STATE_MS = 100;

type Beat = Extract<BusMessage, { type: 'beat' }>;

interface Held {
  readonly channel: string;
  readonly room: Room;
  watchers: number;
  /** When watchers may be told; null once they were. */
  readyAt: number | null;
  /** When they may be told of the next change. */
  showAt: number;
  /** The next beat names it. */
  hasChanged: boolean;
  /** When its state was told last, and when it is to be told again. */
  stateToldAt: number;
  stateDueAt: number | null;
  /** Since when nobody needs it. */
  idleSince: number | null;
}

export interface PresenceCoreOptions {
  /** This hub's own name on the bus, another one for each that is made. */
  readonly node: string;
  /** How long the others may take to answer before watchers are told who is there, ms. */
  readonly settleMs: number;
}

export interface RoomInfo {
  readonly members: Room['members'];
  /** Watchers may be told. */
  readonly isReady: boolean;
  /** The sessions that are held here. */
  readonly own: Pick<Room['own'], 'count' | 'countOf' | 'has'>;
}

export interface PresenceCore {
  /** @param now ms of a clock that never goes back */
  step(event: PresenceEvent, now: number): readonly PresenceEffect[];
  /** Null where nobody here needs the channel. */
  room(channel: string): RoomInfo | null;
  /** Whether it wants `tick`s. */
  readonly isActive: boolean;
  readonly channels: number;
  readonly sessions: number;
}

/** Between two changes that watchers are told of, ms: the more of them the longer, so that a room makes 10,000 frames a second at most. */
function paceMs(watchers: number): number {
  return Math.min(1_000, watchers / 10);
}

export function createPresenceCore({ node, settleMs }: PresenceCoreOptions): PresenceCore {
  const held = new Map<string, Held>();
  /** Those that a tick has something to do for. */
  const hot = new Set<Held>();
  const leases = new Leases();
  let effects: PresenceEffect[] = [];
  let seq = 0;
  let beats = 0;
  let beatAt = Number.NEGATIVE_INFINITY;
  /** Somebody missed a beat: the next tick names all channels. */
  let isNamingAll = false;
  let isClosed = false;

  function tell(channel: string | null, message: BusMessage): void {
    effects.push({ type: 'tell', channel, message });
  }

  function nextSeq(): number {
    seq += 1;
    return seq;
  }

  /** The channel, listened to from now on. */
  function hold(channel: string, now: number): Held {
    const before = held.get(channel);
    if (before !== undefined) return before;
    const one: Held = {
      channel,
      room: new Room(node),
      watchers: 0,
      readyAt: now + LISTEN_WITHIN_MS,
      showAt: now,
      hasChanged: false,
      stateToldAt: Number.NEGATIVE_INFINITY,
      stateDueAt: null,
      idleSince: now,
    };
    held.set(channel, one);
    hot.add(one);
    effects.push({ type: 'listen', channel });
    return one;
  }

  function heard(channel: string | null, message: BusMessage, now: number): void {
    if (message.node === node) {
      if (message.type === 'beat') leases.cameBack(now);
      return;
    }
    leases.renew(message.node, now);
    const one = channel === null ? undefined : held.get(channel);
    if (one !== undefined) hot.add(one);
    switch (message.type) {
      case 'beat':
        heardBeat(message, now);
        return;
      case 'gone':
        leases.endAt(message.node, now + message.keepMs);
        return;
      case 'ask':
        if (message.to !== null && message.to !== node) return;
        if (message.channels.length === 0) isNamingAll = true;
        for (const asked of message.channels) answer(asked, message.to === node, now);
        return;
      case 'diff':
        one?.room.heardDiff(message, now);
        return;
      case 'state':
        one?.room.heardState(message, now);
        return;
      case 'leave':
        one?.room.heardLeave(message);
        return;
    }
  }

  function heardBeat({ node: from, count, whole, rooms }: Beat, now: number): void {
    for (const mark of rooms) heardMark(from, mark, now);
    const channels = rooms.map(({ channel }) => channel);
    const { isAsking, named } = leases.beat(from, { count, whole, channels }, now);
    if (isAsking) tell(null, { type: 'ask', node, to: from, channels: [] });
    if (named === null || whole === null) return;
    for (const one of held.values()) {
      if (!named.has(one.channel)) one.room.heardNoMark(from, whole.seq);
      if (one.room.members.isTouched) hot.add(one);
    }
  }

  function heardMark(from: string, mark: RoomMark, now: number): void {
    const one = held.get(mark.channel);
    if (one === undefined) return;
    one.room.heardMark(from, mark, now);
    if (one.room.isAsking) hot.add(one);
  }

  /** @param isMeant it was this node that was asked: then also nobody is an answer */
  function answer(channel: string, isMeant: boolean, now: number): void {
    const one = held.get(channel);
    if (one === undefined) {
      if (isMeant) {
        const none = { seq, hash: EMPTY_HASH, page: 0, pages: 1, entries: [] };
        tell(channel, { type: 'state', node, ...none });
      }
      return;
    }
    if (!isMeant && one.room.own.count === 0) return;
    one.stateDueAt ??= Math.max(now, one.stateToldAt + STATE_MS);
    hot.add(one);
    work(one, now);
  }

  /** Everything of a channel that is due. */
  function work(one: Held, now: number): void {
    const { channel, room } = one;
    room.own.expire(now);
    if (one.stateDueAt !== null && one.stateDueAt <= now) {
      tellDiffs(one);
      one.stateDueAt = null;
      one.stateToldAt = now;
      for (const state of room.own.state(seq)) tell(channel, state);
    }
  }

  function tellDiffs(one: Held): void {
    if (!one.room.own.isDirty) return;
    one.hasChanged = true;
    for (const diff of one.room.own.takeDiffs(nextSeq)) tell(one.channel, diff);
  }

  function tick(now: number): void {
    for (const gone of leases.tick(now)) {
      for (const one of held.values()) {
        one.room.drop(gone);
        if (one.room.members.isTouched) hot.add(one);
      }
    }
    const asks = new Map<string, string[]>();
    for (const one of hot) {
      work(one, now);
      tellDiffs(one);
      for (const from of one.room.dueAsks(now)) {
        const list = asks.get(from);
        if (list === undefined) asks.set(from, [one.channel]);
        else list.push(one.channel);
      }
      showChanges(one, now);
      judge(one, now);
    }
    for (const [to, channels] of asks) {
      for (const part of splitBySize(channels, ({ length }) => length + 3)) {
        tell(null, { type: 'ask', node, to, channels: part });
      }
    }
    if (isNamingAll) nameAll();
    if (beatAt <= now) beat(now);
  }

  function showChanges(one: Held, now: number): void {
    const { channel, room, readyAt } = one;
    if (now < (readyAt ?? one.showAt)) return;
    const change = room.members.flush(now);
    one.showAt = now + paceMs(one.watchers);
    if (readyAt !== null) effects.push({ type: 'ready', channel });
    else if (change !== null) effects.push({ type: 'changed', channel, change });
    one.readyAt = null;
  }

  /** Whether it needs the next tick, and whether it is needed at all. */
  function judge(one: Held, now: number): void {
    const { room, watchers, hasChanged, channel } = one;
    const isNeeded = watchers > 0 || room.own.count > 0 || hasChanged;
    one.idleSince = isNeeded ? null : (one.idleSince ?? now);
    if (one.idleSince !== null && now - one.idleSince >= IDLE_MS) {
      held.delete(channel);
      hot.delete(one);
      effects.push({ type: 'unlisten', channel });
      return;
    }
    const isWaiting =
      one.idleSince !== null ||
      one.readyAt !== null ||
      one.stateDueAt !== null ||
      room.own.isDirty ||
      room.members.isTouched ||
      room.own.expireAt < Number.POSITIVE_INFINITY ||
      room.isAsking;
    if (!isWaiting) hot.delete(one);
  }

  function beat(now: number): void {
    beatAt = now + BEAT_MS;
    if (seq === 0 && !isFollowing()) return;
    const changed: Held[] = [];
    for (const one of held.values()) {
      if (!one.hasChanged) continue;
      one.hasChanged = false;
      changed.push(one);
      hot.add(one);
    }
    const parts = marksOf(changed);
    // Also with nothing to name: it is the lease.
    for (const rooms of parts.length === 0 ? [[]] : parts) tellBeat(rooms, null);
  }

  /** Whether there is anybody whose lease matters: then the bus is watched by beats, also where nobody is present here. */
  function isFollowing(): boolean {
    for (const { room } of held.values()) if (room.isFollowing) return true;
    return false;
  }

  function nameAll(): void {
    isNamingAll = false;
    const first = beats + 1;
    const parts = marksOf([...held.values()].filter(({ room }) => room.own.seq > 0));
    const [last = [], ...others] = parts.toReversed();
    for (const rooms of others) tellBeat(rooms, null);
    tellBeat(last, { first, seq });
  }

  function tellBeat(rooms: readonly RoomMark[], whole: Beat['whole']): void {
    beats += 1;
    tell(null, { type: 'beat', node, count: beats, whole, rooms });
  }

  function marksOf(list: readonly Held[]): RoomMark[][] {
    const marks = list.map(
      ({ channel, room: { own } }): RoomMark => ({ channel, seq: own.seq, hash: own.hash }),
    );
    return splitBySize(marks, ({ channel }) => channel.length + 32);
  }

  function run(event: PresenceEvent, now: number): void {
    switch (event.type) {
      case 'enter': {
        const one = hold(event.channel, now);
        one.room.own.enter(event);
        hot.add(one);
        return;
      }
      case 'leave': {
        const { channel, key, user, link } = event;
        const one = held.get(channel);
        const isOnlyHere = one?.room.own.has(key) === true && !one.room.isElsewhere(key);
        const message = { type: 'leave', node, key, user, link } as const;
        if (one !== undefined) hot.add(one);
        one?.room.heardLeave(message);
        // Whoever holds it hears of it: a request may come to any node.
        if (!isOnlyHere) tell(channel, message);
        return;
      }
      case 'detach': {
        const one = held.get(event.channel);
        if (one === undefined) return;
        one.room.own.detach(event.key, event.link, now + event.awayMs);
        hot.add(one);
        return;
      }
      case 'watch':
        hold(event.channel, now).watchers += 1;
        return;
      case 'unwatch': {
        const one = held.get(event.channel);
        if (one === undefined) return;
        one.watchers -= 1;
        hot.add(one);
        return;
      }
      case 'listening': {
        const one = held.get(event.channel);
        if (one === undefined) return;
        tell(event.channel, { type: 'ask', node, to: null, channels: [event.channel] });
        if (one.readyAt !== null) one.readyAt = Math.min(one.readyAt, now + settleMs);
        return;
      }
      case 'heard':
        heard(event.channel, event.message, now);
        return;
      case 'beat-taken':
        leases.wasTaken(now);
        return;
      case 'tick':
        tick(now);
        return;
      case 'close':
        if (seq > 0) tell(null, { type: 'gone', node, keepMs: event.keepMs });
        isClosed = true;
        return;
    }
  }

  return {
    step(event, now) {
      if (isClosed) return [];
      effects = [];
      run(event, now);
      return effects;
    },
    room(channel) {
      const one = held.get(channel);
      if (one === undefined) return null;
      const { room, readyAt } = one;
      return { members: room.members, isReady: readyAt === null, own: room.own };
    },
    get isActive() {
      return held.size > 0 || leases.count > 0;
    },
    get channels() {
      return held.size;
    },
    get sessions() {
      let count = 0;
      for (const { room } of held.values()) count += room.own.count;
      return count;
    },
  };
}
