// A log in this process's memory: what it holds dies with the process, and a new one has a new epoch.
// Everything happens synchronously inside the call, so appends cannot interleave. Rules: LOG-1 … LOG-8, LOG-10.
// Refuses to own: when to compact. A channel grows until `compact` is called for it.

import { MillraceError, type Offset } from '@millrace/protocol';
import { encodeEvent, nextOffset, toOffset, ZERO_OFFSET } from '@millrace/protocol/wire';
import type {
  AppendHint,
  AppendOutcome,
  AppendRequest,
  Log,
  LogPage,
  PageSize,
  Retention,
  StoredSnapshot,
} from '../../seams/log.ts';
import { createEntryQueue, type EntryQueue } from './entry-queue.ts';
import { createKeyWindow } from './key-window.ts';

export interface MemoryLogOptions {
  readonly epoch: string;
  readonly now: () => number;
  readonly keyWindowMs: number;
  readonly maxKeys: number;
}

interface ChannelLog {
  head: Offset;
  isEnded: boolean;
  snapshot: StoredSnapshot | null;
  readonly queue: EntryQueue;
}

interface Watcher {
  readonly listener: (hint: AppendHint) => void;
}

export function createMemoryLog(options: MemoryLogOptions): Log {
  const { epoch, now } = options;
  const channels = new Map<string, ChannelLog>();
  const keys = createKeyWindow({ windowMs: options.keyWindowMs, maxKeys: options.maxKeys });
  const watchers = new Set<Watcher>();
  let isClosed = false;

  function assertOpen(): void {
    if (isClosed)
      throw new MillraceError('engine/closed', 'This engine is closed. Create a new one.');
  }

  function appendAll(batch: readonly AppendRequest[]): AppendOutcome[] {
    const acceptedAt = now();
    const at = new Date(acceptedAt).toISOString();
    /** Head of each touched channel before the batch: what came after it is the hint. */
    const touched = new Map<string, Offset>();
    const outcomes = batch.map((request) => appendOne(request, at, acceptedAt, touched));
    for (const [name, before] of touched) hintWatchers(name, before);
    return outcomes;
  }

  function appendOne(
    request: AppendRequest,
    at: string,
    acceptedAt: number,
    touched: Map<string, Offset>,
  ): AppendOutcome {
    const channel = channels.get(request.channel) ?? createChannel(request.channel);
    if ('isEnd' in request) {
      const isDuplicate = channel.isEnded;
      if (!isDuplicate && !touched.has(request.channel)) touched.set(request.channel, channel.head);
      channel.isEnded = true;
      return { cursor: { epoch, offset: channel.head }, at, isDuplicate };
    }
    if (request.key !== undefined) {
      const first = keys.find(request.channel, request.key, acceptedAt);
      if (first !== undefined) {
        return { cursor: { epoch, offset: first.offset }, at: first.at, isDuplicate: true };
      }
    }
    if (channel.isEnded) {
      const error = new MillraceError(
        'channel/ended',
        `The channel "${request.channel}" has ended and takes no more events.`,
      );
      return { error };
    }
    if (!touched.has(request.channel)) touched.set(request.channel, channel.head);
    const offset = nextOffset(channel.head);
    channel.queue.push({ offset, text: encodeEvent(offset, at, request.body), acceptedAt });
    channel.head = offset;
    if (request.key !== undefined) {
      keys.add(request.channel, request.key, { offset, at }, acceptedAt);
    }
    return { cursor: { epoch, offset }, at, isDuplicate: false };
  }

  function createChannel(name: string): ChannelLog {
    const channel: ChannelLog = {
      head: ZERO_OFFSET,
      isEnded: false,
      snapshot: null,
      queue: createEntryQueue(),
    };
    channels.set(name, channel);
    return channel;
  }

  function hintWatchers(name: string, before: Offset): void {
    const channel = channels.get(name);
    if (channel === undefined || watchers.size === 0) return;
    const { head, isEnded } = channel;
    const entries = channel.queue.after(before, { maxEvents: head - before, maxBytes: Infinity });
    for (const { listener } of watchers) listener({ channel: name, epoch, head, isEnded, entries });
  }

  function readPage(name: string, after: Offset, size: PageSize): LogPage {
    const channel = channels.get(name);
    if (channel === undefined) {
      // Made by an append only: readers of any name they like must not fill the memory.
      const first = toOffset(1);
      return { epoch, first, head: ZERO_OFFSET, isEnded: false, snapshot: null, entries: [] };
    }
    const { head, isEnded, snapshot, queue } = channel;
    const first = queue.first() ?? nextOffset(head);
    return { epoch, first, head, isEnded, snapshot, entries: queue.after(after, size) };
  }

  function compactChannel(name: string, retention: Retention): void {
    const channel = channels.get(name);
    if (channel === undefined) return;
    const { snapshot } = retention;
    if (snapshot !== undefined && (retention.epoch ?? epoch) === epoch) {
      if (snapshot.offset > channel.head) {
        throw new MillraceError('request/invalid', 'A snapshot cannot be newer than its channel.');
      }
      if (isAfterStored(snapshot, channel)) channel.snapshot = snapshot;
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
    async append(batch, appendOptions) {
      assertOpen();
      if (appendOptions?.tx !== undefined) {
        throw new MillraceError(
          'request/invalid',
          'The memory engine has no transactions. Use a database engine, or publish without `tx`.',
        );
      }
      return appendAll(batch);
    },
    async read(channel, after, size) {
      assertOpen();
      return readPage(channel, after, size);
    },
    watch(listener) {
      assertOpen();
      const watcher: Watcher = { listener };
      watchers.add(watcher);
      return () => {
        watchers.delete(watcher);
      };
    },
    async compact(channel, retention) {
      assertOpen();
      compactChannel(channel, retention);
    },
    async close() {
      isClosed = true;
      watchers.clear();
      channels.clear();
    },
  };
}

/** Whether the channel goes on from it, and the stored one is of a lower version, or of this one and not newer. */
function isAfterStored({ offset, version }: StoredSnapshot, channel: ChannelLog): boolean {
  const { snapshot: stored, queue, head } = channel;
  if (nextOffset(offset) < (queue.first() ?? nextOffset(head))) return false;
  if (stored === null || stored.version < version) return true;
  return stored.version === version && stored.offset <= offset;
}
