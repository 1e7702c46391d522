// What one link wants of presence and ephemeral events: admits it (contract, permission, limits), holds its place among
// the watchers and readers, and says when its session goes. Made with the first such wish: a link without has none.
// Rules: PRES-1, PRES-3, PRES-4, PRES-6, PRES-8, EPH-1 … EPH-3.
//
//   a wish ──▶ allowed? ──yes──▶ watches, is present, reads ──a wish for nothing──▶ has left, at once
//                └──no──▶ told why                     └──its link ends──▶ present for a while yet (PRES-4)

import { MillraceError, toMillraceError } from '@millrace/protocol';
import type { PresenceItem } from '@millrace/protocol/wire';
import type { KnownChannel } from '../contract-set.ts';
import type { Action, Identity } from '../hub-types.ts';
import type { Refusal } from '../identity.ts';
import type { LinkQueue } from '../link-queue.ts';
import { liveFrame } from '../outbound-frame.ts';
import { unknownChannel } from '../publisher.ts';
import type { OutboundFrame } from '../seams/link.ts';
import type { EphemeralReader } from './ephemeral.ts';
import type { Live, PassingEvent } from './live.ts';
import { encodePresenceData } from './live-data.ts';
import type { PresentAs } from './presence.ts';
import type { Seat, Watcher } from './room-feed.ts';

/** Between two roll calls, by carrier, ms. A poll shows itself by each request. */
const ROLL_CALL_MS: Readonly<Record<string, number>> = { websocket: 20_000, sse: 120_000 };
/** How long an answer may take, ms. */
const ROLL_ANSWER_MS = 10_000;
/** How long a poll that is not held keeps its session, ms: in a hidden tab a timer comes once a minute. */
const UNHELD_POLL_MS = 75_000;

/** Whose wishes they are. */
export interface LivePeer {
  readonly queue: LinkQueue;
  readonly transport: string;
  /** Whose the session is for as long as the link stands. */
  readonly as: PresentAs;
  /** It is a poll that is answered at once, and comes again after a pause. */
  readonly isUnheldPoll: boolean;
  /** With the newest token. */
  identity(): Identity | null;
  /** None of the wishes of `connect` is to be waited for any more. */
  livened(): void;
}

/** What the link has of one channel. */
interface Place {
  item: PresenceItem;
  readonly known: KnownChannel;
  seat: Seat | null;
  /** The data it is present with, as JSON; null: it is not. */
  data: string | null;
  endReading: (() => void) | null;
}

/** A class: one for each link with somebody present. */
export class LinkPresence implements Watcher {
  readonly #peer: LivePeer;
  readonly #live: Live;
  readonly #places = new Map<string, Place>();
  /** What was answered once holds while the link stands, as for its subscriptions. */
  readonly #grants = new Map<string, Refusal | Promise<Refusal>>();
  readonly #reader: EphemeralReader = (frame) => {
    // At most once: whoever has no room for it goes without.
    if (this.#peer.queue.hasRoom()) this.#peer.queue.tell(frame);
  };
  /** Channels of `connect` of which it has not been told what there is to tell. */
  #waitingFor = 0;
  #cancelRoll: () => void = () => undefined;
  /** Its roll call was not answered: nobody seems to be there, and its session has been let go. */
  #isAway = false;
  #isClosed = false;

  constructor(peer: LivePeer, live: Live) {
    this.#peer = peer;
    this.#live = live;
    const { user, key } = peer.as;
    this.tell(liveFrame('you', JSON.stringify({ type: 'you', id: user, session: key })));
    this.#callRoll();
  }

  /** The wishes of `connect`: the peer hears once the watchers among them have been told who is there. */
  begin(items: readonly PresenceItem[]): void {
    this.#waitingFor = 1;
    for (const item of items) this.#want(item, true);
    this.#settled();
  }

  /** Each replaces what was wanted of its channel. */
  want(items: readonly PresenceItem[]): void {
    this.#cancelRoll();
    this.#callRoll();
    if (this.#isAway) this.#comeBack();
    const refusal = this.#live.rate.refusal(`presence ${this.#peer.as.key}`, items.length);
    for (const item of items) {
      if (refusal === null) this.#want(item, false);
      else this.#refuse('presence', item.channel, refusal);
    }
  }

  async send(channel: string, event: PassingEvent): Promise<void> {
    const { user: id, key: session } = this.#peer.as;
    const known = this.#live.contracts.find(channel);
    const refusal =
      known === null
        ? unknownChannel(channel)
        : ((await this.#grant('ephemeral', known)) ??
          this.#live.send(known, { id, session }, event, `session ${session}`));
    if (refusal !== null) this.#refuse('ephemeral', channel, refusal);
  }

  /** The link has room again. */
  look(): void {
    for (const [channel, { seat }] of this.#places) {
      if (seat !== null) this.#live.presence.look(channel, seat);
    }
  }

  hasRoom(): boolean {
    return this.#peer.queue.hasRoom();
  }

  tell(frame: OutboundFrame): void {
    this.#peer.queue.tell(frame);
  }

  /** The link has ended. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelRoll();
    for (const [channel, place] of this.#places) {
      this.#stopWatching(channel, place);
      place.endReading?.();
      if (place.data !== null) this.#detach(channel, place);
    }
    this.#places.clear();
    this.#grants.clear();
  }

  #want(item: PresenceItem, isFirst: boolean): void {
    // What one channel is told may end the link; those after it must not begin then.
    if (this.#isClosed) return;
    const { channel } = item;
    const known = this.#live.contracts.find(channel);
    if (known === null) {
      this.#refuse('presence', channel, unknownChannel(channel));
      return;
    }
    const place = this.#places.get(channel) ?? this.#newPlace(item, known);
    if (place === null) return;
    place.item = item;
    if (item.leave === true || (item.data === undefined && place.data !== null)) this.#leave(place);
    if (item.watch !== true) this.#stopWatching(channel, place);
    if (item.ephemeral !== true) {
      place.endReading?.();
      place.endReading = null;
    }
    if (item.watch === true || item.data !== undefined) {
      const settle = isFirst ? this.#awaitOne() : (): void => undefined;
      this.#allow('presence', place, (refusal) => this.#enter(place, refusal, settle));
    }
    if (item.ephemeral === true) {
      this.#allow('subscribe', place, (refusal) => this.#read(place, refusal));
    }
    if (isIdle(item)) this.#places.delete(channel);
  }

  #newPlace(item: PresenceItem, known: KnownChannel): Place | null {
    const place: Place = { item, known, seat: null, data: null, endReading: null };
    // To leave takes no place.
    if (isIdle(item)) return place;
    const { maxChannelsPerLink } = this.#live.limits;
    if (this.#places.size >= maxChannelsPerLink) {
      this.#refuse('presence', item.channel, tooManyChannels(maxChannelsPerLink));
      return null;
    }
    this.#places.set(item.channel, place);
    return place;
  }

  /** Goes on with the answer, at once where it is there at once, unless something else is wanted by then. */
  #allow(action: Action, place: Place, goOn: (refusal: Refusal) => void): void {
    const { item } = place;
    const answer = this.#grant(action, place.known);
    if (!(answer instanceof Promise)) {
      goOn(answer);
      return;
    }
    void answer.then((refusal) => {
      if (this.#isClosed || place.item !== item) return;
      goOn(refusal);
    });
  }

  #grant(action: Action, known: KnownChannel): Refusal | Promise<Refusal> {
    const key = `${action} ${known.info.name}`;
    const before = this.#grants.get(key);
    if (before !== undefined) return before;
    // Whoever asks for many channels without staying in them is asked for anew.
    if (this.#grants.size >= this.#live.limits.maxChannelsPerLink * 3) this.#grants.clear();
    const answer = this.#live.gate.refusal(this.#peer.identity(), action, known);
    this.#grants.set(key, answer);
    if (answer instanceof Promise)
      void answer.then((refusal) => this.#keepGrant(key, answer, refusal));
    return answer;
  }

  #keepGrant(key: string, asked: Promise<Refusal>, refusal: Refusal): void {
    if (this.#grants.get(key) === asked) this.#grants.set(key, refusal);
  }

  #enter(place: Place, refusal: Refusal, settle: () => void): void {
    const { item, known } = place;
    const { channel } = item;
    const error = refusal ?? this.#present(place, item);
    if (error !== null) this.#refuse('presence', channel, error);
    if (refusal !== null) {
      if (item.data !== undefined) this.#leave(place);
      this.#stopWatching(channel, place);
    } else if (item.watch === true && place.seat === null) {
      const watched = { name: channel, leaveAfterMs: this.#live.leaveAfterMs(known.contract) };
      place.seat = this.#live.presence.watch(watched, this, item.have ?? null, settle);
      return;
    }
    settle();
  }

  /** Null: it is present, or does not want to be. */
  #present(place: Place, { channel, data }: PresenceItem): MillraceError | null {
    if (data === undefined) return null;
    try {
      const { limits, presence } = this.#live;
      const text = encodePresenceData(place.known.contract, data, limits.maxPresenceBytes);
      const refusal = presence.enter(channel, this.#peer.as, text);
      if (refusal === null) place.data = text;
      return refusal;
    } catch (thrown) {
      return toMillraceError(thrown);
    }
  }

  #read(place: Place, refusal: Refusal): void {
    const { channel } = place.item;
    if (refusal !== null) this.#refuse('ephemeral', channel, refusal);
    else place.endReading ??= this.#live.ephemeral.read(channel, this.#reader);
  }

  /** Also where it is not present by this link: it may have been by an earlier one, on any node. */
  #leave(place: Place): void {
    place.data = null;
    this.#live.presence.leave(place.item.channel, this.#peer.as);
  }

  #detach(channel: string, { known }: Place): void {
    const { isUnheldPoll, as } = this.#peer;
    const leaveAfterMs = this.#live.leaveAfterMs(known.contract);
    const awayMs = isUnheldPoll ? Math.max(leaveAfterMs, UNHELD_POLL_MS) : leaveAfterMs;
    this.#live.presence.detach(channel, as, awayMs);
  }

  #stopWatching(channel: string, place: Place): void {
    if (place.seat !== null) this.#live.presence.unwatch(channel, place.seat);
    place.seat = null;
  }

  #refuse(type: 'presence' | 'ephemeral', channel: string, error: MillraceError): void {
    if (error.code === 'server/internal') this.#live.onError(error);
    this.#live.onRefused(error);
    if (!this.#isClosed) this.tell(liveFrame(type, JSON.stringify({ type, channel, error })));
  }

  #callRoll(): void {
    const { timers } = this.#live;
    const everyMs = ROLL_CALL_MS[this.#peer.transport];
    if (everyMs === undefined) return;
    this.#cancelRoll = timers.after(everyMs, () => {
      this.tell(liveFrame('roll-call', '{"type":"roll-call"}'));
      this.#cancelRoll = timers.after(ROLL_ANSWER_MS, () => this.#goAway());
    });
  }

  #goAway(): void {
    this.#isAway = true;
    for (const [channel, place] of this.#places) {
      if (place.data !== null) this.#detach(channel, place);
    }
  }

  #comeBack(): void {
    this.#isAway = false;
    for (const [channel, { data }] of this.#places) {
      if (data !== null) this.#live.presence.enter(channel, this.#peer.as, data);
    }
  }

  /** `connect` waits until the returned function is called. */
  #awaitOne(): () => void {
    this.#waitingFor += 1;
    return () => this.#settled();
  }

  #settled(): void {
    this.#waitingFor -= 1;
    if (this.#waitingFor === 0) this.#peer.livened();
  }
}

function isIdle({ watch, data, ephemeral }: PresenceItem): boolean {
  return watch !== true && data === undefined && ephemeral !== true;
}

function tooManyChannels(limit: number): MillraceError {
  return new MillraceError(
    'limit/channels',
    `A link has presence in ${limit} channels. Leave one before you join another.`,
    { details: { limit } },
  );
}
