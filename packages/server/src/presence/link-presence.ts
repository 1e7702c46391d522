// What one link wants of presence and ephemeral events: admits it (contract, permission, limits), holds its place among
// the watchers and readers, and says when its session goes. Made with the first such wish: a link without has none.
// Rules: PRES-1, PRES-3, PRES-4, PRES-6, PRES-8, EPH-1 … EPH-3.
//
//   a wish ──▶ allowed? ──yes──▶ watches, is present, reads ──a wish for nothing──▶ has left, at once
//                └──no──▶ told why                     └──its link ends──▶ present for a while yet (PRES-4)

import { MillraceError, toMillraceError } from '@millrace/protocol';
import type { PresenceItem } from '@millrace/protocol/wire';
import type { Beating } from '../beats.ts';
import type { AnyContract, KnownChannel } from '../contract-set.ts';
import type { Action, Identity } from '../hub-types.ts';
import type { Refusal } from '../identity.ts';
import type { LinkQueue } from '../link-queue.ts';
import { liveFrame } from '../outbound-frame.ts';
import { unknownChannel } from '../prepare-event.ts';
import type { OutboundFrame } from '../seams/link.ts';
import { isGuest } from './entry.ts';
import type { Live, PassingEvent } from './live.ts';
import { encodePresenceData } from './live-data.ts';
import type { PresentAs } from './presence.ts';
import { ROLL_PACES, type RollPace, stepRoll } from './roll.ts';
import type { Seat, Watcher } from './room-feed.ts';

/** How long a poll that is not held keeps its session, ms: in a hidden tab a timer comes once a minute. */
const UNHELD_POLL_MS = 75_000;

/** Whose wishes they are. */
export interface LivePeer {
  readonly queue: LinkQueue;
  readonly transport: string;
  readonly address: string;
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
  readonly contract: AnyContract;
  /** Rises with each wish: an answer to an earlier one is of no use any more. */
  turn: number;
  seat: Seat | null;
  /** The data it is present with, as JSON; null: it is not. */
  data: string | null;
  endReading: (() => void) | null;
}

/** A class, and lean: one for each link with somebody present, ten thousand of them in one channel. */
export class LinkPresence implements Watcher, Beating {
  beatPlace = -1;
  beatIndex = -1;
  readonly #peer: LivePeer;
  readonly #live: Live;
  readonly #places = new Map<string, Place>();
  /** What was allowed holds while the link stands, as for its subscriptions. Null while nobody had to be asked. */
  #allowed: Set<string> | null = null;
  /** Channels of `connect` of which it has not been told what there is to tell. */
  #waitingFor = 0;
  readonly #pace: RollPace | null;
  /** Turns of the roll in which nothing came from it. From `awayAfter` on its session has been let go. */
  #silentTurns = 0;
  #isClosed = false;

  constructor(peer: LivePeer, live: Live) {
    this.#peer = peer;
    this.#live = live;
    const { user, key } = peer.as;
    this.tell(liveFrame('you', JSON.stringify({ type: 'you', id: user, session: key })));
    this.#pace = ROLL_PACES[peer.transport] ?? null;
    if (this.#pace !== null) live.rolls.start(this, this.#pace.everyMs);
  }

  /** The wishes of `connect`: the peer hears once the watchers among them have been told who is there. */
  begin(items: readonly PresenceItem[]): void {
    this.#waitingFor = 1;
    this.#wantAll(items, true);
    this.#settled();
  }

  /** Each replaces what was wanted of its channel. */
  want(items: readonly PresenceItem[]): void {
    const refusal = this.#live.rate.refusal(`presence ${this.#peer.as.key}`, items.length);
    if (refusal === null) this.#wantAll(items, false);
    else for (const { channel } of items) this.#refuse('presence', channel, refusal);
  }

  async send(channel: string, event: PassingEvent): Promise<void> {
    const { user: id, key: session } = this.#peer.as;
    const known = this.#live.contracts.find(channel);
    const refusal =
      known === null
        ? unknownChannel(channel)
        : ((await this.#refusalOf('ephemeral', known)) ??
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
    if (this.#pace !== null) this.#live.rolls.stop(this, this.#pace.everyMs);
    for (const [channel, place] of this.#places) this.#letGo(channel, place);
    this.#places.clear();
  }

  /** Something came over the link: somebody is there, or is again. */
  heard(): void {
    const wasAway = this.#pace !== null && this.#silentTurns >= this.#pace.awayAfter;
    this.#silentTurns = 0;
    if (wasAway) this.#comeBack();
  }

  /** A turn of the roll. */
  beat(): void {
    if (this.#pace === null) return;
    this.#silentTurns += 1;
    const step = stepRoll(this.#silentTurns, this.#pace);
    if (step === 'call') this.tell(ROLL_CALL);
    if (step !== 'give-up') return;
    for (const [channel, place] of this.#places) {
      if (place.data !== null) this.#detach(channel, place);
    }
  }

  #wantAll(items: readonly PresenceItem[], isFirst: boolean): void {
    const { maxChannelsPerLink } = this.#live.limits;
    for (const item of items.slice(0, maxChannelsPerLink)) this.#want(item, isFirst);
    // Also to leave costs the other nodes a message.
    for (const { channel } of items.slice(maxChannelsPerLink)) {
      this.#refuse('presence', channel, tooManyChannels(maxChannelsPerLink));
    }
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
    const place = this.#places.get(channel) ?? this.#newPlace(item, known.contract);
    if (place === null) return;
    place.turn += 1;
    const isLeaving = item.leave === true || (item.data === undefined && place.data !== null);
    if (isLeaving && (place.data !== null || this.#mayTellOfLeave(isFirst))) {
      this.#leave(channel, place);
    }
    if (item.watch !== true) this.#stopWatching(channel, place);
    if (item.ephemeral !== true) {
      place.endReading?.();
      place.endReading = null;
    }
    if (item.watch === true || item.data !== undefined) {
      const settle = isFirst ? this.#awaitOne() : nothing;
      this.#ask('presence', known, place, (denial) => this.#enter(place, item, denial, settle));
    }
    if (item.ephemeral === true) {
      this.#ask('subscribe', known, place, (denial) => this.#read(place, channel, denial));
    }
    if (isIdle(item)) this.#places.delete(channel);
  }

  #newPlace(item: PresenceItem, contract: AnyContract): Place | null {
    const place: Place = { contract, turn: 0, seat: null, data: null, endReading: null };
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
  #ask(action: Action, known: KnownChannel, place: Place, goOn: (denial: Refusal) => void): void {
    const { turn } = place;
    const answer = this.#refusalOf(action, known);
    if (!(answer instanceof Promise)) {
      goOn(answer);
      return;
    }
    void answer.then((denial) => {
      if (!this.#isClosed && place.turn === turn) goOn(denial);
    });
  }

  #refusalOf(action: Action, known: KnownChannel): Refusal | Promise<Refusal> {
    const key = `${action} ${known.info.name}`;
    if (this.#allowed?.has(key) === true) return null;
    const answer = this.#live.gate.refusal(this.#peer.identity(), action, known);
    if (!(answer instanceof Promise)) return answer;
    return answer.then((refusal) => {
      if (refusal === null) this.#remember(key);
      return refusal;
    });
  }

  /** That an answer took time: the next ones need not wait for it again. */
  #remember(key: string): void {
    this.#allowed ??= new Set();
    // Whoever asks for many channels without staying in them is asked for anew.
    if (this.#allowed.size >= this.#live.limits.maxChannelsPerLink * 3) this.#allowed.clear();
    this.#allowed.add(key);
  }

  #enter(place: Place, item: PresenceItem, denial: Refusal, settle: () => void): void {
    const { channel } = item;
    const { presence } = this.#live;
    const refusal = denial ?? presence.refusal(channel);
    const error = refusal ?? this.#present(place, item);
    if (error !== null) this.#refuse('presence', channel, error);
    if (refusal !== null) {
      if (denial !== null && item.data !== undefined) this.#leave(channel, place);
      this.#stopWatching(channel, place);
    } else if (item.watch === true && place.seat === null) {
      const watched = { name: channel, leaveAfterMs: this.#live.leaveAfterMs(place.contract) };
      place.seat = presence.watch(watched, this, item.have ?? null, settle);
      // What it was told may have ended the link, which then had nothing here to let go.
      if (this.#isClosed) this.#letGo(channel, place);
      return;
    }
    settle();
  }

  /** Null: it is present, or does not want to be. */
  #present(place: Place, { channel, data }: PresenceItem): MillraceError | null {
    if (data === undefined) return null;
    try {
      const { limits, presence } = this.#live;
      const text = encodePresenceData(place.contract, data, limits.maxPresenceBytes);
      const { as, address } = this.#peer;
      const refusal = presence.enter(channel, as, text);
      if (refusal !== null) return refusal;
      place.data = text;
      this.#live.lingering.give(address, as.key);
      return null;
    } catch (thrown) {
      return toMillraceError(thrown);
    }
  }

  #read(place: Place, channel: string, denial: Refusal): void {
    if (denial !== null) this.#refuse('ephemeral', channel, denial);
    else {
      place.endReading ??= this.#live.ephemeral.read(channel, (frame) => {
        // At most once: whoever has no room for it goes without.
        if (this.hasRoom()) this.tell(frame);
      });
    }
  }

  #letGo(channel: string, place: Place): void {
    this.#stopWatching(channel, place);
    place.endReading?.();
    if (place.data !== null) this.#detach(channel, place);
  }

  /** Also where it is not present by this link: it may have been by an earlier one, on any node. */
  #leave(channel: string, place: Place): void {
    place.data = null;
    this.#live.presence.leave(channel, this.#peer.as);
  }

  /** Of a session that is not here all nodes are told: a guest's `connect` must not make a hundred messages at will. */
  #mayTellOfLeave(isFirst: boolean): boolean {
    return !isFirst || this.#live.rate.refusal(`leave ${this.#peer.address}`, 1) === null;
  }

  #detach(channel: string, { contract }: Place): void {
    const { isUnheldPoll, as, address } = this.#peer;
    const leaveAfterMs = this.#live.leaveAfterMs(contract);
    const awayMs = isUnheldPoll ? Math.max(leaveAfterMs, UNHELD_POLL_MS) : leaveAfterMs;
    const mayStay = !isGuest(as.user) || this.#live.lingering.take(address, as.key, awayMs);
    this.#live.presence.detach(channel, as, mayStay ? awayMs : 0);
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

  #comeBack(): void {
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

/** One for all links. */
const ROLL_CALL = liveFrame('roll-call', '{"type":"roll-call"}');

function nothing(): void {}

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
