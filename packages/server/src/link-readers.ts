// The subscriptions of one link: admits them (limit, contract, version, permission), starts and ends their readers.
// Rules: SUB-6, CHAN-6, LIM-3, CUR-3, AUTH-2.

import { type Limits, MillraceError } from '@millrace/protocol';
import type { SubscribeItem } from '@millrace/protocol/wire';
import type { ContractSet, KnownChannel } from './contract-set.ts';
import type { Identity, Pressure } from './hub-types.ts';
import type { Gate } from './identity.ts';
import type { LinkQueue } from './link-queue.ts';
import { unknownChannel } from './prepare-event.ts';
import { Reader, type ReaderOwner } from './reader.ts';
import type { Topics } from './topics.ts';

/** Whose subscriptions they are. */
export interface ReadersOwner {
  readonly identity: Identity | null;
  /** None of the channels of `connect` is to be waited for any more. */
  settled(): void;
}

/** What the readers of all links share. */
export interface ReadersContext {
  readonly contracts: ContractSet;
  readonly topics: Topics;
  readonly gate: Gate;
  readonly limits: Limits;
  readonly onDelivered: (count: number) => void;
  readonly onPressure: (outcome: Pressure) => void;
  readonly onRefused: (error: MillraceError) => void;
}

/** A class: one for each link, ten thousand of them idle. */
export class LinkReaders implements ReaderOwner {
  readonly queue: LinkQueue;
  readonly #owner: ReadersOwner;
  readonly #context: ReadersContext;
  readonly #held = new Map<string, Reader>();
  /** Channels of `connect` that have not settled. */
  #waitingFor = 0;
  #turn = 0;
  #isClosed = false;

  constructor(queue: LinkQueue, owner: ReadersOwner, context: ReadersContext) {
    this.queue = queue;
    this.#owner = owner;
    this.#context = context;
  }

  get count(): number {
    return this.#held.size;
  }

  /** Those of `connect`: the owner hears once none of them is to be waited for. */
  subscribeFirst(items: readonly SubscribeItem[]): void {
    // One more than there are, so that it is over only after the last has begun.
    this.#waitingFor = items.length + 1;
    for (const item of items) this.#start(item, true);
    this.settled();
  }

  /** A channel that is subscribed already begins again. */
  subscribe(items: readonly SubscribeItem[]): void {
    for (const item of items) this.#start(item, false);
  }

  unsubscribe(channels: readonly string[]): void {
    for (const channel of channels) this.#drop(channel);
  }

  /** The link has room again. */
  look(): void {
    const behind = [...this.#held.values()].filter((reader) => reader.isBehind);
    // Another one first each time: a channel that never gets to its end must not keep the room for itself.
    this.#turn = behind.length === 0 ? 0 : (this.#turn + 1) % behind.length;
    for (const reader of [...behind.slice(this.#turn), ...behind.slice(0, this.#turn)]) {
      reader.look();
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const channel of [...this.#held.keys()]) this.#drop(channel);
  }

  settled(): void {
    this.#waitingFor -= 1;
    if (this.#waitingFor === 0) this.#owner.settled();
  }

  replayed(events: number): void {
    this.#context.onDelivered(events);
  }

  onPressure(outcome: Pressure): void {
    this.#context.onPressure(outcome);
  }

  #start(item: SubscribeItem, isFirst: boolean): void {
    // What one channel is told may end the link; those after it in the same frame must not begin then.
    if (this.#isClosed) return;
    this.#drop(item.channel);
    const reader = new Reader(item.channel, item.start, this, isFirst);
    const known = this.#context.contracts.find(item.channel);
    if (known === null) {
      this.#refuse(reader, 'unknown', unknownChannel(item.channel));
      return;
    }
    const refusal = this.#refusalOf(item, known);
    if (refusal !== null) {
      this.#refuse(reader, 'denied', refusal);
      return;
    }
    this.#held.set(item.channel, reader);
    this.#admit(reader, known);
  }

  #refusalOf(item: SubscribeItem, { contract }: KnownChannel): MillraceError | null {
    const { maxChannelsPerLink } = this.#context.limits;
    if (this.#held.size >= maxChannelsPerLink) return tooManyChannels(maxChannelsPerLink);
    return item.version === contract.version ? null : outdated(item, contract.version);
  }

  /** At once where the answer is there at once: a link that opens costs no promise for each channel. */
  #admit(reader: Reader, known: KnownChannel): void {
    const answer = this.#context.gate.refusal(this.#owner.identity, 'subscribe', known);
    if (answer instanceof Promise)
      void answer.then((refusal) => this.#judge(reader, known, refusal));
    else this.#judge(reader, known, answer);
  }

  #judge(reader: Reader, known: KnownChannel, refusal: MillraceError | null): void {
    const { channel } = reader;
    if (this.#held.get(channel) !== reader) return;
    if (refusal === null) {
      reader.allow(this.#context.topics.acquire(channel, known.contract));
    } else {
      this.#held.delete(channel);
      this.#refuse(reader, 'denied', refusal);
    }
  }

  #refuse(reader: Reader, verdict: 'denied' | 'unknown', error: MillraceError): void {
    this.#context.onRefused(error);
    reader.refuse(verdict, error);
  }

  #drop(channel: string): void {
    const reader = this.#held.get(channel);
    if (reader === undefined) return;
    this.#held.delete(channel);
    const { isHolding } = reader;
    reader.close();
    if (isHolding) this.#context.topics.release(channel);
  }
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
