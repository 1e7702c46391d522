// One channel of the client: its subscribers with their places, and the folded state that they share.
// Feeds the pure machine of channel-reader.ts and calls the application. Rules: CLI-7, CLI-8, CHAN-5, CHAN-7.
//
// Re-entrancy: a place moves right before its callback; the list of subscribers is read anew for each event,
// and each is looked at again before it is called, so a callback may end any subscription, also its own.

import type { ChannelEvent, Cursor, Start, Verdict } from '@millrace/protocol';
import type { ErasedContract, ErasedOptions } from './channel-codec.ts';
import { finish, isAnswered, judge, type Place, take } from './channel-reader.ts';

interface Consumer {
  place: Place;
  /** Told before anything else: it joined what is already being read. */
  joined: Verdict | null;
  isActive: boolean;
  readonly options: ErasedOptions;
}

export interface ReaderHost {
  /** False after `close()`: nothing more is delivered, and no place moves. */
  isActive(): boolean;
  /** Runs a callback of the application's; what it throws goes to `onError`. */
  call(callback: () => unknown): void;
}

export interface Reader {
  add(options: ErasedOptions): { readonly end: () => void; readonly welcome: () => void };
  /** @param asked what the link had asked for this channel */
  verdict(verdict: Verdict, asked: Start): void;
  events(events: readonly ChannelEvent[]): void;
  end(cursor: Cursor): void;
  isEmpty(): boolean;
  /** Nothing more can come: every subscriber has had the end. */
  isEnded(): boolean;
  isRefused(): boolean;
  /** Whether the link that carries it must be asked again: a hole, or a subscriber that has not begun. */
  needsAsk(): boolean;
  /** What to ask for. On a new link continuity comes first; on one that stands, what is missing. */
  ask(isNewLink: boolean): Start;
}

export function createReader(contract: ErasedContract, host: ReaderHost): Reader {
  const consumers = new Set<Consumer>();
  // The fold is a subscriber of its own: it must not take an event twice either.
  const fold: { place: Place; state: unknown } = {
    place: { at: 'waiting', start: 'now' },
    state: undefined,
  };
  let hasHole = false;
  /** The last event that was given out: whoever joins from inside a callback gets what comes after it. */
  let head: Cursor | null = null;

  const places = (): Place[] => [
    ...(contract.hasState ? [fold.place] : []),
    ...[...consumers].map(({ place }) => place),
  ];

  const mayHear = (consumer: Consumer): boolean => consumer.isActive && host.isActive();

  /** Asked before its place moves: what it is told first may end it, and then it takes nothing. */
  function isReady(consumer: Consumer): boolean {
    welcome(consumer);
    return mayHear(consumer);
  }

  /** The verdict of one that joined, before anything else it hears. */
  function welcome(consumer: Consumer): void {
    const { joined, options, place } = consumer;
    if (joined === null || !mayHear(consumer)) return;
    consumer.joined = null;
    host.call(() => options.onVerdict?.(joined));
    if (joined.verdict === 'snapshot' && place.at === 'reading' && mayHear(consumer)) {
      host.call(() => options.onState?.(joined.state, place.cursor));
    }
  }

  function tellState(): void {
    const { place, state } = fold;
    if (place.at !== 'reading') return;
    for (const consumer of [...consumers]) {
      if (consumer.place.at !== 'reading' || !isReady(consumer)) continue;
      host.call(() => consumer.options.onState?.(state, place.cursor));
    }
  }

  function add(options: ErasedOptions): { readonly end: () => void; readonly welcome: () => void } {
    const start = options.start ?? 'now';
    const end = furthest(places(), head);
    const isJoining = end !== null && (start === 'now' || contract.hasState);
    const consumer: Consumer = {
      place: isJoining ? { at: 'reading', cursor: end } : { at: 'waiting', start },
      joined: isJoining ? joinVerdict(end) : null,
      isActive: true,
      options,
    };
    consumers.add(consumer);
    return {
      welcome: () => welcome(consumer),
      end() {
        consumer.isActive = false;
        consumers.delete(consumer);
      },
    };
  }

  function joinVerdict(cursor: Cursor): Verdict {
    return contract.hasState
      ? { verdict: 'snapshot', cursor, version: contract.version, state: fold.state }
      : { verdict: 'exact', cursor };
  }

  function verdict(told: Verdict, asked: Start): void {
    const hasFolded = contract.hasState && judgeFold(told, asked);
    for (const consumer of [...consumers]) {
      if (!isReady(consumer)) continue;
      const { place } = consumer;
      // Of several first subscriptions that begin at different places each has its own turn.
      if (place.at === 'waiting' && 'cursor' in told && !answers(place.start, asked)) continue;
      const judged = judge(place, told, asked);
      consumer.place = judged.place;
      hasHole ||= judged.hasHole === true;
      const { tell } = judged;
      if (tell !== null) host.call(() => consumer.options.onVerdict?.(tell));
    }
    if (hasFolded) tellState();
  }

  function answers(start: Start, asked: Start): boolean {
    return contract.hasState || isAnswered(start, asked);
  }

  /** Whether there is another state to tell. */
  function judgeFold(told: Verdict, asked: Start): boolean {
    const judged = judge(fold.place, told, asked);
    if (judged.tell === null) {
      hasHole ||= judged.hasHole === true;
      return false;
    }
    fold.place = judged.place;
    if (told.verdict === 'snapshot') fold.state = told.state;
    // Nothing was ever published: the state is the one that everything begins with.
    else if ('cursor' in told && told.cursor.offset === 0) fold.state = contract.initial;
    // No state came with it, so what was folded no longer holds; the next link asks for a snapshot (SUB-5).
    else if ('cursor' in told) fold.place = { at: 'refused', start: 'now' };
    return fold.place.at === 'reading';
  }

  function events(list: readonly ChannelEvent[]): void {
    let hasMoved = false;
    for (const raw of list) {
      if (!host.isActive()) return;
      const event = decode(raw);
      foldEvent(raw, event);
      for (const consumer of [...consumers]) {
        if (!isReady(consumer) || !moveTo(consumer, take(consumer.place, raw.offset))) continue;
        hasMoved = true;
        const { place } = consumer;
        if (place.at === 'reading') head = place.cursor;
        if (event === null || place.at !== 'reading') continue;
        host.call(() => consumer.options.onEvent?.(event, place.cursor));
      }
    }
    if (hasMoved && contract.hasState) tellState();
  }

  function decode(raw: ChannelEvent): ChannelEvent | null {
    // Checking costs: what nobody will take is not looked at.
    if (!places().some((place) => typeof take(place, raw.offset) !== 'string')) return null;
    try {
      return contract.decode(raw);
    } catch (error) {
      host.call(() => {
        throw error;
      });
      return null;
    }
  }

  function foldEvent(raw: ChannelEvent, event: ChannelEvent | null): void {
    if (!contract.hasState || !moveTo(fold, take(fold.place, raw.offset)) || event === null) return;
    host.call(() => {
      fold.state = contract.reduce(fold.state, event);
    });
  }

  function end(cursor: Cursor): void {
    if (contract.hasState) moveTo(fold, finish(fold.place, cursor));
    for (const consumer of [...consumers]) {
      if (!isReady(consumer) || !moveTo(consumer, finish(consumer.place, cursor))) continue;
      host.call(() => consumer.options.onEnd?.(cursor));
    }
  }

  function moveTo(holder: { place: Place }, next: Place | 'past' | 'hole'): boolean {
    if (next === 'hole') hasHole = true;
    if (typeof next === 'string') return false;
    holder.place = next;
    return true;
  }

  return {
    add,
    verdict,
    events,
    end,
    isEmpty: () => consumers.size === 0,
    isEnded: () => consumers.size > 0 && [...consumers].every(({ place }) => place.at === 'ended'),
    isRefused: () => [...consumers].every(({ place }) => place.at === 'refused'),
    needsAsk: () => hasHole || [...consumers].some(({ place }) => place.at === 'waiting'),
    ask(isNewLink) {
      const reading = nearest(places());
      const isMissing = hasHole;
      hasHole = false;
      if (contract.hasState) return fold.place.at === 'reading' && reading ? reading : 'now';
      if (reading !== null && (isNewLink || isMissing)) return reading;
      for (const { place } of consumers) if ('start' in place) return place.start;
      return reading ?? 'now';
    },
  };
}

function cursorsOf(places: readonly Place[]): Cursor[] {
  return places.flatMap((place) => (place.at === 'reading' ? [place.cursor] : []));
}

/** Where everybody's next event can be read from. */
function nearest(places: readonly Place[]): Cursor | null {
  return cursorsOf(places).reduce<Cursor | null>(
    (best, cursor) => (best === null || cursor.offset < best.offset ? cursor : best),
    null,
  );
}

/** Where those that read stand: the live end, as far as it is known here. */
function furthest(places: readonly Place[], head: Cursor | null): Cursor | null {
  const cursors = cursorsOf(places);
  return cursors.reduce<Cursor | null>(
    (best, cursor) => (best?.epoch !== cursor.epoch || cursor.offset > best.offset ? cursor : best),
    cursors.length > 0 ? head : null,
  );
}
