// Presence at one node as one machine over all its channels: what it tells the other nodes, what it takes from them,
// until when it believes in one that it hears nothing of. No clock, no bus, no timers: they come with the events and
// leave as effects. Rules: PRES-3 … PRES-7, PRES-9, PRES-10.
//
//   every 2.5 s, once it has told anything: beat, which is its lease of 8 s, and names the hashes of its channels
//   a channel that somebody here needs: listen ──listening──▶ ask all ──settled──▶ ready ──10 s unneeded──▶ unlisten
//   what changed here: told 50 ms later, at most  ·  what another node's beat does not confirm: asked for after 200 ms

import { type BusMessage, type RoomMark, splitBySize } from './bus-message.ts';
import { EMPTY_HASH } from './entry.ts';
import { Leases } from './leases.ts';
import type { MembersChange } from './members.ts';
import type { Entering } from './own-sessions.ts';
import { Room } from './room.ts';

/** Between two beats, ms. */
export const BEAT_MS = 2_500;
/** In how many beats a channel that changed is named at once. */
const MENTIONS = 3;
/** In how long every channel is named once, ms, … */
const ROUND_MS = 60_000;
/** … unless there are more than this allows in one beat: then the round takes longer. */
const MAX_MARKS = 512;
/** How long a channel is kept that nobody here needs, ms: whoever comes back finds it. */
const IDLE_MS = 10_000;
/** How long a bus may take to listen before watchers are shown what is known here, ms. */
const LISTEN_WITHIN_MS = 1_000;
/** Between two answers with a channel's state, ms: who asks in between gets the next one with the others. */
const STATE_MS = 100;

export type PresenceEvent =
  | ({ readonly type: 'enter'; readonly channel: string } & Entering)
  | {
      readonly type: 'leave';
      readonly channel: string;
      readonly key: string;
      readonly user: string;
      readonly link: number;
    }
  | {
      readonly type: 'detach';
      readonly channel: string;
      readonly key: string;
      readonly link: number;
      readonly awayMs: number;
    }
  | { readonly type: 'watch' | 'unwatch' | 'listening'; readonly channel: string }
  /** On the bus. `channel` is null for what came on the topic of all nodes. */
  | { readonly type: 'heard'; readonly channel: string | null; readonly message: BusMessage }
  | { readonly type: 'tick' }
  /** The hub closes: its sessions have `keepMs` to turn up elsewhere. */
  | { readonly type: 'close'; readonly keepMs: number };

export type PresenceEffect =
  /** Answered with `listening`. */
  | { readonly type: 'listen' | 'unlisten'; readonly channel: string }
  | { readonly type: 'tell'; readonly channel: string | null; readonly message: BusMessage }
  /** Watchers may be told who is there; before it they are not. */
  | { readonly type: 'ready'; readonly channel: string }
  | { readonly type: 'changed'; readonly channel: string; readonly change: MembersChange };

interface Held {
  readonly channel: string;
  readonly room: Room;
  watchers: number;
  /** When watchers may be told; null once they were. */
  readyAt: number | null;
  /** In how many of the next beats it is named. */
  mentions: number;
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
  readonly own: Pick<Room['own'], 'count' | 'has'>;
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

export function createPresenceCore({ node, settleMs }: PresenceCoreOptions): PresenceCore {
  const held = new Map<string, Held>();
  /** Those that a tick has something to do for. */
  const hot = new Set<Held>();
  const leases = new Leases();
  let effects: PresenceEffect[] = [];
  let seq = 0;
  let beatAt = Number.NEGATIVE_INFINITY;
  let round: IterableIterator<Held> = held.values();
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
      mentions: 0,
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
    if (message.node === node) return;
    leases.renew(message.node, now);
    const one = channel === null ? undefined : held.get(channel);
    if (one !== undefined) hot.add(one);
    switch (message.type) {
      case 'beat':
        leases.round(message.node, message.roundMs);
        for (const mark of message.rooms) heardMark(message.node, mark, now);
        return;
      case 'gone':
        leases.endAt(message.node, now + message.keepMs);
        return;
      case 'ask':
        if (message.to !== null && message.to !== node) return;
        for (const asked of message.channels) answer(asked, message.to === node, now);
        return;
      case 'diff':
        one?.room.heardDiff(message, now);
        return;
      case 'state':
        one?.room.heardState(message, now);
        return;
      case 'leave':
        one?.room.own.leave(message.key, message.user, message.link);
        return;
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
    one.mentions = MENTIONS;
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
    if (beatAt <= now) beat(now);
  }

  function showChanges(one: Held, now: number): void {
    const change = one.room.members.flush();
    const isShown = one.readyAt === null;
    if (change !== null && isShown) effects.push({ type: 'changed', channel: one.channel, change });
    if (one.readyAt !== null && one.readyAt <= now) {
      one.readyAt = null;
      effects.push({ type: 'ready', channel: one.channel });
    }
  }

  /** Whether it needs the next tick, and whether it is needed at all. */
  function judge(one: Held, now: number): void {
    const { room, watchers, mentions, channel } = one;
    const isNeeded = watchers > 0 || room.own.count > 0 || mentions > 0;
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
      room.own.expireAt < Number.POSITIVE_INFINITY ||
      room.isAsking;
    if (!isWaiting) hot.delete(one);
  }

  function beat(now: number): void {
    beatAt = now + BEAT_MS;
    const named = new Set<Held>();
    const confirmedSince = leases.confirmedSince(now);
    for (const one of held.values()) {
      one.room.dropUnconfirmed(confirmedSince);
      if (one.mentions > 0) {
        named.add(one);
        one.mentions -= 1;
      }
      if (named.has(one) || one.room.members.isTouched) hot.add(one);
    }
    const share = Math.min(MAX_MARKS, Math.ceil((held.size * BEAT_MS) / ROUND_MS));
    for (let count = share; count > 0; count -= 1) {
      const one = nextOfRound();
      if (one !== null && one.room.own.seq > 0) named.add(one);
    }
    if (seq > 0) tellBeat(named, Math.max(ROUND_MS, Math.ceil(held.size / MAX_MARKS) * BEAT_MS));
  }

  function nextOfRound(): Held | null {
    const { value, done } = round.next();
    if (done !== true) return value;
    round = held.values();
    return null;
  }

  function tellBeat(rooms: Iterable<Held>, roundMs: number): void {
    const marks = Array.from(
      rooms,
      ({ channel, room: { own } }): RoomMark => ({ channel, seq: own.seq, hash: own.hash }),
    );
    // Also with nothing to name: it is the lease.
    const parts =
      marks.length === 0 ? [[]] : splitBySize(marks, ({ channel }) => channel.length + 32);
    for (const part of parts) tell(null, { type: 'beat', node, roundMs, rooms: part });
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
        const one = held.get(event.channel);
        if (one !== undefined) hot.add(one);
        if (one?.room.own.leave(event.key, event.user, event.link) === true) return;
        // Whoever holds it hears of it: a request may come to any node.
        const { key, user, link } = event;
        tell(event.channel, { type: 'leave', node, key, user, link });
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
