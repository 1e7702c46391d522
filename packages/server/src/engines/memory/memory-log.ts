// A log in this process's memory: what it holds dies with the process, and a new one has a new epoch.
// Everything happens synchronously inside the call, so appends cannot interleave. Rules: LOG-1 … LOG-8, LOG-10,
// LOG-12 … LOG-14.
// Refuses to own: when to compact. A channel grows until `compact` is called for it.

import { type Cursor, MillraceError, type Offset } from '@millrace/protocol';
import { encodeEvent, nextOffset, toOffset, ZERO_OFFSET } from '@millrace/protocol/wire';
import type {
  AppendEvent,
  AppendOutcome,
  AppendRequest,
  Log,
  LogEntry,
  LogPage,
  PageSize,
  Retention,
  StoredSnapshot,
} from '../../seams/log.ts';
import { checkAppend } from '../append-check.ts';
import { type ChannelListeners, createListeners } from '../listeners.ts';
import { producerOf } from '../producer-of.ts';
import { channelEnded } from '../refusals.ts';
import { supersedes } from '../snapshot-order.ts';
import { BlockPool } from './block-pool.ts';
import { EntryQueue } from './entry-queue.ts';
import { createEpochs } from './epochs.ts';
import { createProducerWindow } from './producer-window.ts';

export interface MemoryLogOptions {
  /** What each epoch of this log begins with. */
  readonly token: string;
  readonly now: () => number;
  readonly keyWindowMs: number;
  readonly maxKeys: number;
}

/** Forgotten names whose next epoch is remembered: some 10 MB. */
const MAX_FORGOTTEN = 100_000;

interface ChannelLog {
  readonly name: string;
  readonly epoch: string;
  head: Offset;
  /** What the batch that is being appended brought, once that has touched it. */
  fresh: LogEntry[] | null;
  isEnded: boolean;
  snapshot: StoredSnapshot | null;
  readonly queue: EntryQueue;
  /** At hand, so that an append need not look for them. */
  listeners: ChannelListeners | null;
}

export function createMemoryLog(options: MemoryLogOptions): Log {
  const { now } = options;
  /** Those that somebody appended to: names that are only read, or refused, must not fill the memory. */
  const channels = new Map<string, ChannelLog>();
  const pool = new BlockPool();
  const epochs = createEpochs(options.token, MAX_FORGOTTEN);
  const producers = createProducerWindow({
    windowMs: options.keyWindowMs,
    maxNames: options.maxKeys,
  });
  const listeners = createListeners((name, those) => {
    const channel = channels.get(name);
    if (channel !== undefined) channel.listeners = those;
  });
  let isClosed = false;

  function assertOpen(): void {
    if (isClosed)
      throw new MillraceError('engine/closed', 'This engine is closed. Create a new one.');
  }

  function appendAll(batch: readonly AppendRequest[]): AppendOutcome[] {
    const acceptedAt = now();
    const at = new Date(acceptedAt).toISOString();
    const touched: ChannelLog[] = [];
    const outcomes = batch.map((request) => appendOne(request, at, acceptedAt, touched));
    for (const channel of touched) tellListeners(channel);
    return outcomes;
  }

  function appendOne(
    request: AppendRequest,
    at: string,
    acceptedAt: number,
    touched: ChannelLog[],
  ): AppendOutcome {
    const name = request.channel;
    const channel = channels.get(name) ?? newChannel(name);
    if ('isEnd' in request) return endChannel(channel, at, touched);
    if (isPlain(request)) {
      if (channel.isEnded) return { error: channelEnded(name) };
      return { cursor: accept(request, channel, at, acceptedAt, touched), at, isDuplicate: false };
    }
    const producer = producerOf(request);
    // The epoch keeps those of a forgotten channel apart: they are found no more, and go with their time.
    const producerName = `${channel.epoch} ${name} ${producer?.id}`;
    const last = producer === null ? undefined : producers.find(producerName, acceptedAt);
    const checked = checkAppend(request, channel, producer, last);
    if (checked === 'repeat' && last !== undefined) {
      const cursor = { epoch: channel.epoch, offset: last.offset };
      return { cursor, at: last.at, isDuplicate: true };
    }
    if (checked instanceof MillraceError) return { error: checked };
    const cursor = accept(request, channel, at, acceptedAt, touched);
    if (producer !== null) {
      const { epoch, sequence } = producer;
      producers.set(producerName, { epoch, sequence, offset: cursor.offset, at }, acceptedAt);
    }
    return { cursor, at, isDuplicate: false };
  }

  function accept(
    { body }: AppendEvent,
    channel: ChannelLog,
    at: string,
    acceptedAt: number,
    touched: ChannelLog[],
  ): Cursor {
    const offset = nextOffset(channel.head);
    const entry: LogEntry = { offset, text: encodeEvent(offset, at, body) };
    channel.queue.push(entry, acceptedAt);
    channel.head = offset;
    touch(channel, touched).push(entry);
    if (offset === 1) keepChannel(channel);
    return { epoch: channel.epoch, offset };
  }

  function endChannel(channel: ChannelLog, at: string, touched: ChannelLog[]): AppendOutcome {
    const isDuplicate = channel.isEnded;
    if (!isDuplicate) touch(channel, touched);
    channel.isEnded = true;
    keepChannel(channel);
    return { cursor: { epoch: channel.epoch, offset: channel.head }, at, isDuplicate };
  }

  function newChannel(name: string): ChannelLog {
    return {
      name,
      epoch: epochs.of(name),
      head: ZERO_OFFSET,
      fresh: null,
      isEnded: false,
      snapshot: null,
      queue: new EntryQueue(pool),
      listeners: listeners.of(name) ?? null,
    };
  }

  function keepChannel(channel: ChannelLog): void {
    channels.set(channel.name, channel);
    epochs.taken(channel.name);
  }

  function forgetChannel(name: string, ofEpoch: string | undefined): boolean {
    const channel = channels.get(name);
    if (ofEpoch !== undefined && ofEpoch !== (channel?.epoch ?? epochs.of(name))) return false;
    if (channel === undefined) return true;
    channels.delete(name);
    channel.queue.clear();
    const epoch = epochs.renew(name);
    listeners.hint(name, { epoch, head: ZERO_OFFSET, isEnded: false, entries: [] });
    return true;
  }

  function readPage(name: string, after: Offset, size: PageSize): LogPage {
    const channel = channels.get(name);
    if (channel === undefined) {
      const [epoch, first] = [epochs.of(name), toOffset(1)];
      return { epoch, first, head: ZERO_OFFSET, isEnded: false, snapshot: null, entries: [] };
    }
    const { epoch, head, isEnded, snapshot, queue } = channel;
    const first = queue.first ?? nextOffset(head);
    return { epoch, first, head, isEnded, snapshot, entries: queue.after(after, size) };
  }

  function compactChannel(name: string, retention: Retention): void {
    const channel = channels.get(name) ?? newChannel(name);
    const { snapshot } = retention;
    if (snapshot !== undefined && (retention.epoch ?? channel.epoch) === channel.epoch) {
      if (snapshot.offset > channel.head) {
        throw new MillraceError('request/invalid', 'A snapshot cannot be newer than its channel.');
      }
      const first = channel.queue.first ?? nextOffset(channel.head);
      if (supersedes(snapshot, channel.snapshot, first)) channel.snapshot = snapshot;
    }
    const trimmable = retention.needsSnapshot
      ? (channel.snapshot?.offset ?? ZERO_OFFSET)
      : channel.head;
    channel.queue.trim({
      upTo: trimmable,
      size: retention.size,
      acceptedBefore: now() - retention.maxAgeMs,
    });
  }

  return {
    async append(batch) {
      assertOpen();
      return appendAll(batch);
    },
    async read(channel, after, size) {
      assertOpen();
      return readPage(channel, after, size);
    },
    watch: (channel, listener) => (isClosed ? () => undefined : listeners.add(channel, listener)),
    async compact(channel, retention) {
      assertOpen();
      compactChannel(channel, retention);
    },
    async forget(channel, forgetOptions) {
      assertOpen();
      return forgetChannel(channel, forgetOptions?.epoch);
    },
    async close() {
      isClosed = true;
      listeners.clear();
      channels.clear();
    },
  };
}

function touch(channel: ChannelLog, touched: ChannelLog[]): LogEntry[] {
  if (channel.fresh !== null) return channel.fresh;
  touched.push(channel);
  channel.fresh = [];
  return channel.fresh;
}

/** Of what the batch brought to the channel. The next batch touches it anew. */
function tellListeners(channel: ChannelLog): void {
  const { epoch, head, isEnded, fresh, listeners } = channel;
  channel.fresh = null;
  if (listeners === null) return;
  const hint = { epoch, head, isEnded, entries: fresh ?? [] };
  for (const listener of listeners) listener.hinted(hint);
}

function isPlain({ key, producer, expect }: AppendEvent): boolean {
  return key === undefined && producer === undefined && expect === undefined;
}
