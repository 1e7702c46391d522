// One channel of the client: its subscribers with their places, and the folded state that they share.
// Feeds the pure machine of channel-reader.ts and calls the application. Rules: CLI-7, CLI-8, CHAN-5, CHAN-7.
//
// Re-entrancy: a place moves right before its callback; the list of subscribers is read anew for each event,
// and each is looked at again before it is called, so a callback may end any subscription, also its own.

import type { ChannelEvent, Cursor, Start, Verdict } from '@millrace/protocol';
import { decodeEvent, type ErasedContract, type ErasedOptions } from './channel-codec.ts';
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
  /** The contract's. */
  readonly version: number;
  add(options: ErasedOptions): { readonly end: () => void; readonly welcome: () => void };
  /** The channel's, as the last verdict told it. */
  readonly epoch: string | null;
  /**
   * @param asked what the link had asked for this channel
   * @param stood the epoch that the link knew of: where another one is known by now, it asks again
   */
  verdict(verdict: Verdict, asked: Start, stood: string | null): void;
  /** @param epoch theirs, as the link's last verdict told it */
  events(events: readonly ChannelEvent[], epoch: string | null): void;
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
  const { state: folding, version } = contract;
  let state: unknown;
  let hasHole = false;
  let epoch: string | null = null;
  /** What was asked for last is where the others go on, so that the next new link may serve one that waits. */
  let isTurnOfWaiting = false;
  /** The last event that was given out: whoever joins from inside a callback gets what comes after it. */
  let head: Cursor | null = null;

  // The fold is a consumer of its own: it must not take an event twice either.
  const fold = createConsumer({ at: 'waiting', start: 'now' }, null, {
    onVerdict(told) {
      if (told.verdict === 'snapshot') state = told.state;
      else if (!('cursor' in told)) return;
      // Nothing was ever published: the state is the one that everything begins with.
      else if (told.cursor.offset === 0) state = folding?.initial;
      // No state came with it, so what was folded no longer holds; the next link asks for a snapshot (SUB-5).
      else fold.place = { at: 'refused', start: 'now' };
    },
    onEvent(event) {
      state = folding?.reduce(state, event);
    },
  });

  /** The fold first: what the others are told of the state holds it all. */
  const everyone = (): Consumer[] => [...(folding === undefined ? [] : [fold]), ...consumers];
  const cursors = (): Cursor[] =>
    everyone().flatMap(({ place }) => (place.at === 'reading' ? [place.cursor] : []));
  const mayHear = (consumer: Consumer): boolean => consumer.isActive && host.isActive();

  /** Those that may hear something now, each after its welcome. Its place moves later: that may have ended it. */
  function* ready(): Generator<Consumer> {
    for (const consumer of everyone()) {
      welcome(consumer);
      if (mayHear(consumer)) yield consumer;
    }
  }

  /** The verdict of one that joined, before anything else it hears. */
  function welcome(consumer: Consumer): void {
    const { joined, options, place } = consumer;
    if (joined === null || !mayHear(consumer)) return;
    consumer.joined = null;
    host.call(() => options.onVerdict?.(joined));
    if (joined.verdict === 'snapshot') tellStateTo(consumer, joined.state, place);
  }

  function tellState(): void {
    const { place } = fold;
    const told = state;
    for (const consumer of ready()) {
      if (consumer.place.at === 'reading') tellStateTo(consumer, told, place);
    }
  }

  function tellStateTo(consumer: Consumer, told: unknown, place: Place): void {
    if (place.at !== 'reading' || !mayHear(consumer)) return;
    host.call(() => consumer.options.onState?.(told, place.cursor));
  }

  function add(options: ErasedOptions): { readonly end: () => void; readonly welcome: () => void } {
    const start = options.start ?? 'now';
    const end = furthest(cursors(), head);
    const isJoining = end !== null && (start === 'now' || folding !== undefined);
    const consumer = isJoining
      ? createConsumer({ at: 'reading', cursor: end }, joinVerdict(end), options)
      : createConsumer({ at: 'waiting', start }, null, options);
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
    return folding === undefined
      ? { verdict: 'exact', cursor }
      : { verdict: 'snapshot', cursor, version, state };
  }

  function verdict(told: Verdict, asked: Start, stood: string | null): void {
    let hasFolded = false;
    if ('cursor' in told) {
      // Of two links at once the one whose server is behind may be the later to answer: nobody goes back to what is over.
      if (told.cursor.epoch !== epoch && stood !== epoch) {
        hasHole = true;
        return;
      }
      epoch = told.cursor.epoch;
    }
    for (const consumer of ready()) {
      const { place } = consumer;
      // Of several first subscriptions that begin at different places each has its own turn.
      const isOthers = folding === undefined && place.at === 'waiting' && 'cursor' in told;
      if (isOthers && !isAnswered(place.start, asked)) continue;
      const judged = judge(place, told, asked);
      const { tell } = judged;
      consumer.place = judged.place;
      hasHole ||= judged.hasHole === true;
      if (tell === null) continue;
      host.call(() => consumer.options.onVerdict?.(tell));
      hasFolded ||= consumer === fold;
    }
    if (hasFolded) tellState();
  }

  function events(list: readonly ChannelEvent[], of: string | null): void {
    let hasMoved = false;
    for (const raw of list) {
      const event = decode(raw, of);
      for (const consumer of ready()) {
        if (!moveTo(consumer, take(consumer.place, of, raw.offset))) continue;
        hasMoved = true;
        const { place, options } = consumer;
        if (place.at !== 'reading') continue;
        head = place.cursor;
        if (event !== null) host.call(() => options.onEvent?.(event, place.cursor));
      }
    }
    if (hasMoved && folding !== undefined) tellState();
  }

  function decode(raw: ChannelEvent, of: string | null): ChannelEvent | null {
    // Checking costs: what nobody will take is not looked at.
    if (everyone().every(({ place }) => typeof take(place, of, raw.offset) === 'string'))
      return null;
    let event: ChannelEvent | null = null;
    host.call(() => {
      event = decodeEvent(contract, raw);
    });
    return event;
  }

  function end(cursor: Cursor): void {
    for (const consumer of ready()) {
      if (!moveTo(consumer, finish(consumer.place, cursor))) continue;
      host.call(() => consumer.options.onEnd?.(cursor));
    }
  }

  function moveTo(consumer: Consumer, next: Place | 'past' | 'hole'): boolean {
    if (next === 'hole') hasHole = true;
    if (typeof next === 'string') return false;
    consumer.place = next;
    return true;
  }

  const areAll = (at: Place['at']): boolean => [...consumers].every(({ place }) => place.at === at);

  return {
    version,
    get epoch() {
      return epoch;
    },
    add,
    verdict,
    events,
    end,
    isEmpty: () => consumers.size === 0,
    isEnded: () => areAll('ended'),
    isRefused: () => areAll('refused'),
    needsAsk: () => hasHole || [...consumers].some(({ place }) => place.at === 'waiting'),
    ask(isNewLink) {
      const reading = nearest(cursors());
      const isMissing = hasHole;
      hasHole = false;
      if (folding !== undefined) return fold.place.at === 'reading' && reading ? reading : 'now';
      // Where each change is a new link (SSE, poll), continuity alone would leave those that wait out for ever.
      const isContinued = isTurnOfWaiting && !isMissing;
      isTurnOfWaiting = reading !== null && !isContinued;
      if (reading !== null && (isMissing || (isNewLink && !isContinued))) return reading;
      for (const { place } of consumers) if ('start' in place) return place.start;
      return reading ?? 'now';
    },
  };
}

function createConsumer(place: Place, joined: Verdict | null, options: ErasedOptions): Consumer {
  return { place, joined, isActive: true, options };
}

/** Where everybody's next event can be read from. */
function nearest(cursors: readonly Cursor[]): Cursor | null {
  return cursors.reduce<Cursor | null>(
    (best, cursor) => (best === null || cursor.offset < best.offset ? cursor : best),
    null,
  );
}

/** Where those that read stand: the live end, as far as it is known here. */
function furthest(cursors: readonly Cursor[], head: Cursor | null): Cursor | null {
  return cursors.reduce<Cursor | null>(
    (best, cursor) => (best?.epoch !== cursor.epoch || cursor.offset > best.offset ? cursor : best),
    cursors.length > 0 ? head : null,
  );
}
