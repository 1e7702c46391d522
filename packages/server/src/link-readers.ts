// The subscriptions of one link: admits them (limit, contract, version, permission), starts and ends their readers.
// Rules: SUB-6, CHAN-6, LIM-3, CUR-3, AUTH-2.

import { type Limits, MillraceError } from '@millrace/protocol';
import type { SubscribeItem } from '@millrace/protocol/wire';
import type { ContractSet, KnownChannel } from './contract-set.ts';
import type { Identity } from './hub-types.ts';
import type { Gate } from './identity.ts';
import type { LinkQueue } from './link-queue.ts';
import { unknownChannel } from './publisher.ts';
import { createReader, type Reader } from './reader.ts';
import type { Topics } from './topics.ts';

export interface LinkReaders {
  readonly count: number;
  /** Those of `connect`: `onSettled` is called once none of them is to be waited for. */
  subscribeFirst(items: readonly SubscribeItem[]): void;
  /** A channel that is subscribed already begins again. */
  subscribe(items: readonly SubscribeItem[]): void;
  unsubscribe(channels: readonly string[]): void;
  /** The link has room again. */
  look(): void;
  close(): void;
}

export interface ReadersOptions {
  readonly queue: LinkQueue;
  readonly identity: () => Identity | null;
  readonly onSettled: () => void;
}

/** What the readers of all links share. */
export interface ReadersContext {
  readonly contracts: ContractSet;
  readonly topics: Topics;
  readonly gate: Gate;
  readonly limits: Limits;
  readonly onDelivered: (count: number) => void;
  readonly onRefused: (error: MillraceError) => void;
}

interface Held {
  readonly reader: Reader;
  /** Holds the topic from the permission on. */
  isHolding: boolean;
}

export function createLinkReaders(
  { queue, identity, onSettled: onAllSettled }: ReadersOptions,
  context: ReadersContext,
): LinkReaders {
  const { contracts, topics, gate, onRefused } = context;
  const maxChannels = context.limits.maxChannelsPerLink;
  const held = new Map<string, Held>();
  let turn = 0;
  let isClosed = false;

  function start(item: SubscribeItem, onSettled: () => void): void {
    // What one channel is told may end the link; those after it in the same frame must not begin then.
    if (isClosed) return;
    drop(item.channel);
    const reader = createReader(item.channel, item.start, {
      hasRoom: queue.hasRoom,
      reserve: queue.reserve,
      offer: queue.offer,
      tell: queue.tell,
      onReplayed: (frame) => context.onDelivered(frame.batch?.entries.length ?? 0),
      settled: onSettled,
    });
    const known = contracts.find(item.channel);
    const refusal = refusalOf(item, known);
    if (known === null || refusal !== null) {
      refuse(
        reader,
        known === null ? 'unknown' : 'denied',
        refusal ?? unknownChannel(item.channel),
      );
      return;
    }
    const one: Held = { reader, isHolding: false };
    held.set(item.channel, one);
    void admit(item.channel, one, known);
  }

  function refusalOf(item: SubscribeItem, known: KnownChannel | null): MillraceError | null {
    if (held.size >= maxChannels) return tooManyChannels(maxChannels);
    if (known === null || item.version === known.contract.version) return null;
    return outdated(item, known.contract.version);
  }

  async function admit(channel: string, one: Held, known: KnownChannel): Promise<void> {
    const refusal = await gate.refusal(identity(), 'subscribe', known);
    if (held.get(channel) !== one) return;
    if (refusal !== null) {
      held.delete(channel);
      refuse(one.reader, 'denied', refusal);
      return;
    }
    one.isHolding = true;
    one.reader.allow(topics.acquire(channel, known.contract));
  }

  function refuse(reader: Reader, verdict: 'denied' | 'unknown', error: MillraceError): void {
    onRefused(error);
    reader.refuse(verdict, error);
  }

  function drop(channel: string): void {
    const one = held.get(channel);
    if (one === undefined) return;
    held.delete(channel);
    one.reader.close();
    if (one.isHolding) topics.release(channel);
  }

  return {
    get count() {
      return held.size;
    },
    subscribeFirst(items) {
      let waitingFor = items.length;
      if (waitingFor === 0) onAllSettled();
      for (const item of items) {
        let isCounted = false;
        start(item, () => {
          if (isCounted) return;
          isCounted = true;
          waitingFor -= 1;
          if (waitingFor === 0) onAllSettled();
        });
      }
    },
    subscribe(items) {
      for (const item of items) start(item, () => undefined);
    },
    unsubscribe(channels) {
      for (const channel of channels) drop(channel);
    },
    look() {
      const behind = [...held.values()].filter(({ reader }) => reader.isBehind());
      // Another one first each time: a channel that never gets to its end must not keep the room for itself.
      turn = behind.length === 0 ? 0 : (turn + 1) % behind.length;
      for (const { reader } of [...behind.slice(turn), ...behind.slice(0, turn)]) reader.look();
    },
    close() {
      isClosed = true;
      for (const channel of [...held.keys()]) drop(channel);
    },
  };
}

function tooManyChannels(limit: number): MillraceError {
  return new MillraceError(
    'limit/channels',
    `A link carries ${limit} channels. Leave one before you join another.`,
    { details: { limit } },
  );
}

function outdated(item: SubscribeItem, version: number): MillraceError {
  return new MillraceError(
    'contract/outdated',
    `${item.channel} has version ${version} here, not ${item.version}. Load the page again.`,
    { details: { version } },
  );
}
