// The shell of presence: gives the core its clock, its ticks and what the bus brings, and runs its effects. Starts
// nothing before somebody needs it. What fails on the bus goes to `onError`; the next beat heals what it lost.
// Rules: PRES-2, PRES-7 … PRES-10, BUS-1.

import { randomBytes } from 'node:crypto';
import { type Limits, MillraceError } from '@millrace/protocol';
import { type PresentMember, parseLiveFrame } from '@millrace/protocol/wire';
import type { Bus } from '../seams/bus.ts';
import type { Timers } from '../seams/timers.ts';
import { decodeBusMessage, encodeBusMessage } from './bus-message.ts';
import { parseObject } from './entry.ts';
import { createPresenceCore } from './presence-core.ts';
import type { PresenceEffect, PresenceEvent } from './presence-types.ts';
import { RoomFeed, type Seat, type Watcher } from './room-feed.ts';
import { createTeller } from './teller.ts';
import { createTopicListener } from './topic-listener.ts';

/** How long a change may wait for others of the same channel, ms. */
const TICK_MS = 50;
/** When to come back to a channel that is full, ms. */
const FULL_RETRY_MS = 5_000;

/** A session as the others may know it. */
export interface PresentAs {
  /** Its public id. */
  readonly key: string;
  /** Its member's id. */
  readonly user: string;
  /** Number of the link. */
  readonly link: number;
}

/** A channel as presence needs it. */
export interface PresenceChannel {
  readonly name: string;
  readonly leaveAfterMs: number;
}

export interface Presence {
  /** Null where the channel may be watched or entered, else why it may not now. */
  refusal(channel: string): MillraceError | null;
  /** Null once the session is present with this data (JSON), else why not. */
  enter(channel: string, session: PresentAs, data: string): MillraceError | null;
  /** At once, wherever it is held. */
  leave(channel: string, session: PresentAs): void;
  /** Its link ended: it leaves `awayMs` later, unless its next link comes, to whatever node. */
  detach(channel: string, session: PresentAs, awayMs: number): void;
  /**
   * Counts the watcher until `unwatch`, and tells it who is there.
   * @param have the hash of what it knows; @param settle called once it has been told what there is to tell
   */
  watch(channel: PresenceChannel, watcher: Watcher, have: string | null, settle: () => void): Seat;
  unwatch(channel: string, seat: Seat): void;
  /** The watcher's link has room again. */
  look(channel: string, seat: Seat): void;
  /** Who is present, on all nodes, once the others have been asked. */
  members(channel: PresenceChannel): Promise<readonly PresentMember[]>;
  readonly counts: { readonly channels: number; readonly sessions: number };
  /** Tells the others, whose members keep their time to turn up there. Never rejects. */
  close(keepMs: number): Promise<void>;
}

export interface PresenceOptions {
  readonly bus: Bus;
  readonly timers: Timers;
  readonly limits: Pick<
    Limits,
    'maxLinksPerIdentity' | 'maxPageBytes' | 'maxPresenceChannels' | 'maxPresentPerChannel'
  >;
  readonly onError: (error: MillraceError) => void;
  /** How long other nodes may take to answer before somebody is told who is there, ms. */
  readonly settleMs: number;
  /** ms of a clock that never goes back. */
  readonly now?: () => number;
  /** ms since 1970. */
  readonly wallNow?: () => number;
}

export function createPresence(options: PresenceOptions): Presence {
  const { bus, timers, limits, onError, settleMs } = options;
  const { now = () => performance.now(), wallNow = Date.now } = options;
  const core = createPresenceCore({ node: randomBytes(9).toString('base64url'), settleMs });
  const feeds = new Map<string, RoomFeed>();
  const events: PresenceEvent[] = [];
  const teller = createTeller({ bus, onError });
  let isRunning = false;
  let isTicking = false;
  let isClosed = false;

  const listener = createTopicListener({
    bus,
    timers,
    onError,
    heard(topic, text) {
      const message = decodeBusMessage(text);
      if (message !== null) feed({ type: 'heard', channel: channelOf(topic), message });
    },
    listening(topic) {
      const channel = channelOf(topic);
      if (channel !== null) feed({ type: 'listening', channel });
    },
  });

  /** One event after the other: a bus in this process answers while it is told, and links may close. */
  function feed(event: PresenceEvent): void {
    events.push(event);
    if (isRunning) return;
    isRunning = true;
    try {
      for (let next = events.shift(); next !== undefined; next = events.shift()) {
        for (const effect of core.step(next, now())) run(effect);
      }
    } finally {
      isRunning = false;
    }
    if (!isTicking && !isClosed && core.isActive) tickLater();
  }

  function tickLater(): void {
    isTicking = true;
    timers.after(TICK_MS, () => {
      isTicking = false;
      feed({ type: 'tick' });
    });
  }

  function run(effect: PresenceEffect): void {
    const topic = topicOf(effect.channel);
    switch (effect.type) {
      case 'listen':
        listener.listen(ALL);
        listener.listen(topic);
        return;
      case 'unlisten':
        listener.unlisten(topic);
        feeds.delete(effect.channel);
        return;
      case 'tell':
        teller.tell(
          topic,
          encodeBusMessage(effect.message),
          effect.message.type === 'beat' ? beatTaken : undefined,
        );
        return;
      case 'ready':
        feeds.get(effect.channel)?.ready();
        return;
      case 'changed':
        feeds.get(effect.channel)?.changed(effect.change);
        return;
    }
  }

  function beatTaken(): void {
    feed({ type: 'beat-taken' });
  }

  /** Of a channel that is held. */
  function feedOf({ name, leaveAfterMs }: PresenceChannel): RoomFeed {
    const before = feeds.get(name);
    if (before !== undefined) return before;
    const room = core.room(name);
    if (room === null) throw new RangeError(`No room for ${name}`);
    const one = new RoomFeed({
      channel: name,
      leaveAfterMs,
      maxFrameBytes: limits.maxPageBytes,
      members: room.members,
    });
    if (room.isReady) one.ready();
    feeds.set(name, one);
    return one;
  }

  const watch: Presence['watch'] = (channel, watcher, have, settle) => {
    feed({ type: 'watch', channel: channel.name });
    return feedOf(channel).add(watcher, have, settle);
  };

  function unwatch(channel: string, seat: Seat): void {
    feeds.get(channel)?.remove(seat);
    feed({ type: 'unwatch', channel });
  }

  return {
    refusal(channel) {
      const isFull = core.room(channel) === null && core.channels >= limits.maxPresenceChannels;
      return isFull ? full(`The presence of ${core.channels} channels is kept here.`) : null;
    },
    enter(channel, { key, user, link }, data) {
      const own = core.room(channel)?.own;
      if (own !== undefined && !own.has(key)) {
        if (own.count >= limits.maxPresentPerChannel) {
          return full(`${own.count} sessions are present in this channel.`);
        }
        // Each change of a member tells of all its sessions.
        if (own.countOf(user) >= limits.maxLinksPerIdentity) {
          return full(`This member is present in this channel ${own.countOf(user)} times.`);
        }
      }
      feed({ type: 'enter', channel, key, user, link, data, wallMs: wallNow() });
      return null;
    },
    leave: (channel, { key, user, link }) => feed({ type: 'leave', channel, key, user, link }),
    detach: (channel, { key, link }, awayMs) =>
      feed({ type: 'detach', channel, key, link, awayMs }),
    watch,
    unwatch,
    look: (channel, seat) => feeds.get(channel)?.look(seat),
    async members(channel) {
      const { promise, resolve } = Promise.withResolvers<void>();
      // One that wants to know when there is something to be told, and has no room for it.
      const seat = watch(channel, NO_ROOM, null, resolve);
      await promise;
      const texts = [...(core.room(channel.name)?.members.texts() ?? [])];
      unwatch(channel.name, seat);
      return texts.flatMap(parseMembers);
    },
    get counts() {
      return { channels: core.channels, sessions: core.sessions };
    },
    async close(keepMs) {
      feed({ type: 'close', keepMs });
      isClosed = true;
      // Whoever waits to be told of members is told of those that are known.
      for (const one of feeds.values()) one.ready();
      await teller.idle();
      listener.close();
    },
  };
}

const NO_ROOM: Watcher = { hasRoom: () => false, tell: () => undefined };

/** The topic of all nodes. */
const ALL = 'presence';

function topicOf(channel: string | null): string {
  return channel === null ? ALL : `${ALL}:${channel}`;
}

function channelOf(topic: string): string | null {
  return topic === ALL ? null : topic.slice(ALL.length + 1);
}

/** Our own texts, read as a client reads them. */
function parseMembers(text: string): readonly PresentMember[] {
  const member = parseObject(text);
  const frame = { type: 'presence', channel: 'any', present: [member], gone: [] };
  const read = parseLiveFrame(frame);
  return read?.type === 'presence' && 'present' in read ? read.present : [];
}

function full(what: string): MillraceError {
  return new MillraceError('server/overloaded', `${what} Try again later.`, {
    details: { retryAfterMs: FULL_RETRY_MS },
  });
}
