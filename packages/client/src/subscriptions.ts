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
import { eraseContract, eraseOptions, type SubscribeOptions } from './channel-codec.ts';
import { createReader, type Reader, type ReaderHost } from './reader.ts';

/** What one link was asked for, by channel. */
export type Wired = Map<string, Asked>;

interface Asked {
  readonly reader: Reader;
  readonly start: Start;
  isAnswered: boolean;
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
  events(channel: string, events: readonly ChannelEvent[]): void;
  end(channel: string, cursor: Cursor): void;
}

export interface SubscriptionsHost extends ReaderHost {
  /** Runs soon, never at once: the caller of `add` must have its function first. */
  later(callback: () => void): void;
  /** Channels came or went, or one must be asked for again. */
  changed(): void;
}

interface Entry {
  readonly reader: Reader;
  readonly version: number;
}

export function createSubscriptions(host: SubscriptionsHost): Subscriptions {
  const entries = new Map<string, Entry>();

  /** A channel that nobody reads any more goes, but not before its verdict: the next subscriber would take that for its own. */
  function isDone(name: string, { reader }: Entry, wired: Wired): boolean {
    const asked = wired.get(name);
    return reader.isEmpty() && (asked === undefined || asked.reader !== reader || asked.isAnswered);
  }

  function sweep(wired: Wired): void {
    for (const [name, entry] of entries) if (isDone(name, entry, wired)) entries.delete(name);
  }

  function isMissing(name: string, { reader }: Entry, wired: Wired): boolean {
    const asked = wired.get(name);
    if (reader.isEmpty() || reader.isEnded()) return false;
    if (asked?.reader !== reader) return true;
    return asked.isAnswered && reader.needsAsk();
  }

  function missing(wired: Wired): readonly (readonly [string, Entry])[] {
    return [...entries].filter(([name, entry]) => isMissing(name, entry, wired));
  }

  function leftOver(wired: Wired): readonly string[] {
    return [...wired.keys()].filter((name) => !entries.has(name));
  }

  function ask(name: string, { reader, version }: Entry, wired: Wired): SubscribeItem {
    const start = reader.ask(wired.get(name)?.reader !== reader);
    wired.set(name, { reader, start, isAnswered: false });
    return { channel: name, version, start };
  }

  return {
    add(channel, options) {
      const { name } = channel;
      let entry = entries.get(name);
      if (entry === undefined) {
        const contract = eraseContract(channel.contract);
        entry = { reader: createReader(contract, host), version: contract.version };
        entries.set(name, entry);
      }
      const { end, welcome } = entry.reader.add(eraseOptions(options));
      host.later(welcome);
      host.changed();
      return () => {
        end();
        host.changed();
      };
    },
    items(wired) {
      sweep(wired);
      const items: SubscribeItem[] = [];
      for (const [name, entry] of entries) {
        const { reader } = entry;
        const isAgain = wired.get(name)?.reader === reader;
        // A poll asks with each request: what was refused on this link is not asked for again.
        if (reader.isEmpty() || reader.isEnded() || (isAgain && reader.isRefused())) continue;
        items.push(ask(name, entry, wired));
      }
      return items;
    },
    hasChanges(wired) {
      sweep(wired);
      return missing(wired).length > 0 || leftOver(wired).length > 0;
    },
    changes(wired) {
      sweep(wired);
      const unsubscribe = leftOver(wired);
      for (const name of unsubscribe) wired.delete(name);
      const subscribe = missing(wired).map(([name, entry]) => ask(name, entry, wired));
      return { subscribe, unsubscribe };
    },
    verdict(channel, verdict, wired) {
      const asked = wired.get(channel);
      const reader = entries.get(channel)?.reader;
      if (asked === undefined || asked.reader !== reader) return;
      asked.isAnswered = true;
      reader.verdict(verdict, asked.start);
      host.changed();
    },
    events(channel, events) {
      const reader = entries.get(channel)?.reader;
      reader?.events(events);
      if (reader?.needsAsk()) host.changed();
    },
    end(channel, cursor) {
      entries.get(channel)?.reader.end(cursor);
    },
  };
}
