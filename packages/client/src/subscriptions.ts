// All channels of a client, and what of them is on which link. Owns reference counting per channel; knows no
// carrier and no connection: a link brings its own list of what it carries. Rules: CLI-7, CLI-8, SUB-1, SUB-6.

import type {
  Channel,
  ChannelEvent,
  Cursor,
  EventSchemas,
  Start,
  Verdict,
} from '@millrace/protocol';
import type { SubscribeItem } from '@millrace/protocol/wire';
import {
  type ErasedContract,
  type ErasedOptions,
  erase,
  type SubscribeOptions,
} from './channel-codec.ts';
import { createReader, type Reader, type ReaderHost } from './reader.ts';

/** What one link was asked for, by channel. */
export type Wired = Map<string, Asked>;

interface Asked {
  readonly reader: Reader;
  readonly start: Start;
  isAnswered: boolean;
  /** The channel's epoch as it was known when this was asked. */
  readonly stood: string | null;
  /** The epoch of what the link sends, as its last verdict told it. */
  epoch: string | null;
}

/** What one link must still be told. */
export interface WiringChange {
  readonly subscribe: readonly SubscribeItem[];
  readonly unsubscribe: readonly string[];
}

export interface Subscriptions {
  /** Returns the function that ends it, which is idempotent. */
  add<Events extends EventSchemas, State>(
    channel: Channel<Events, State>,
    options: SubscribeOptions<Events, State>,
  ): () => void;
  /** All channels, for a `connect`; noted in `wired`. May be called again for the same link (poll). */
  items(wired: Wired): readonly SubscribeItem[];
  /** Whether `changes` would give something. */
  hasChanges(wired: Wired): boolean;
  /** What to tell an open link; noted in `wired`. */
  changes(wired: Wired): WiringChange;
  verdict(channel: string, verdict: Verdict, wired: Wired): void;
  events(channel: string, events: readonly ChannelEvent[], wired: Wired): void;
  end(channel: string, cursor: Cursor): void;
}

export interface SubscriptionsHost extends ReaderHost {
  /** Runs soon, never at once: the caller of `add` must have its function first. */
  later(callback: () => void): void;
  /** Channels came or went, or one must be asked for again. */
  changed(): void;
}

export function createSubscriptions(host: SubscriptionsHost): Subscriptions {
  const readers = new Map<string, Reader>();

  /** A channel that nobody reads any more goes, but not before its verdict: the next subscriber would take that for its own. */
  function sweep(wired: Wired): void {
    for (const [name, reader] of readers) {
      const asked = wired.get(name);
      const isAwaited = asked?.reader === reader && !asked.isAnswered;
      if (reader.isEmpty() && !isAwaited) readers.delete(name);
    }
  }

  /** The channels that still have something to come and of which that holds. */
  function those(
    wired: Wired,
    holds: (reader: Reader, asked: Asked | undefined) => boolean,
  ): readonly (readonly [string, Reader])[] {
    return [...readers].filter(([name, reader]) => {
      const asked = wired.get(name);
      return !reader.isEnded() && holds(reader, asked?.reader === reader ? asked : undefined);
    });
  }

  function missing(wired: Wired): readonly (readonly [string, Reader])[] {
    return those(
      wired,
      (reader, asked) => asked === undefined || (asked.isAnswered && reader.needsAsk()),
    );
  }

  function leftOver(wired: Wired): readonly string[] {
    return [...wired.keys()].filter((name) => !readers.has(name));
  }

  function ask(
    channels: readonly (readonly [string, Reader])[],
    wired: Wired,
  ): readonly SubscribeItem[] {
    return channels.map(([channel, reader]) => {
      const before = wired.get(channel);
      const isNewLink = before?.reader !== reader;
      // A poll that only goes on may be held for long: who joins meanwhile must not wait for its answer.
      const isAnswered = !isNewLink && before.isAnswered && !reader.needsAsk();
      const start = reader.ask(isNewLink);
      const epoch = isNewLink ? null : before.epoch;
      wired.set(channel, { reader, start, isAnswered, stood: reader.epoch, epoch });
      return { channel, version: reader.version, start };
    });
  }

  return {
    add({ name, contract }, options) {
      const reader = readers.get(name) ?? createReader(erase<ErasedContract>(contract), host);
      readers.set(name, reader);
      const { end, welcome } = reader.add(erase<ErasedOptions>(options));
      host.later(welcome);
      host.changed();
      return () => {
        end();
        host.changed();
      };
    },
    items(wired) {
      sweep(wired);
      // A poll asks with each request: what was refused on this link is not asked for again.
      return ask(
        those(wired, (reader, asked) => asked === undefined || !reader.isRefused()),
        wired,
      );
    },
    hasChanges(wired) {
      sweep(wired);
      return missing(wired).length > 0 || leftOver(wired).length > 0;
    },
    changes(wired) {
      sweep(wired);
      const unsubscribe = leftOver(wired);
      for (const name of unsubscribe) wired.delete(name);
      return { subscribe: ask(missing(wired), wired), unsubscribe };
    },
    verdict(channel, verdict, wired) {
      const asked = wired.get(channel);
      const reader = readers.get(channel);
      if (asked === undefined || asked.reader !== reader) return;
      const stood = asked.isAnswered ? asked.epoch : asked.stood;
      asked.isAnswered = true;
      if ('cursor' in verdict) asked.epoch = verdict.cursor.epoch;
      reader.verdict(verdict, asked.start, stood);
      host.changed();
    },
    events(channel, events, wired) {
      const reader = readers.get(channel);
      reader?.events(events, wired.get(channel)?.epoch ?? null);
      if (reader?.needsAsk()) host.changed();
    },
    end(channel, cursor) {
      readers.get(channel)?.end(cursor);
    },
  };
}
