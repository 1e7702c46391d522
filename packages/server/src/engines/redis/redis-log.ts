// A log in Redis: one script a call, in which the server itself gives offsets, judges and tells. Rules: LOG-1 … LOG-8,
// LOG-10, LOG-12 … LOG-16, REDIS-1 … REDIS-5.
// Refuses to own: connections, what listens, and when to compact.

import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { MillraceError } from '@millrace/protocol';
import { ZERO_OFFSET } from '@millrace/protocol/wire';
import type { AppendHint, AppendOutcome, AppendRequest, Log } from '../../seams/log.ts';
import { createInFlight } from '../in-flight.ts';
import { createListeners } from '../listeners.ts';
import { createAppendByChannel } from './append-by-channel.ts';
import { decodeAppend, encodeAppend } from './append-call.ts';
import { type AppendBatch, createAppendGather } from './append-gather.ts';
import type { Connection } from './connection.ts';
import { mayBeDone } from './failure.ts';
import type { Keys } from './keys.ts';
import { messageHead, startsWith } from './message.ts';
import { parsePage } from './page-reply.ts';
import { readList, readNumber, readText } from './replies.ts';
import { APPEND } from './scripts/append-script.ts';
import { COMPACT } from './scripts/compact-script.ts';
import { FORGET } from './scripts/forget-script.ts';
import { READ } from './scripts/read-script.ts';
import type { Script } from './scripts/script.ts';
import { createToldHeads } from './told-heads.ts';

export interface RedisLogOptions {
  readonly connection: Connection;
  readonly keys: Keys;
  readonly prefix: string;
  /** Each channel is a call of its own: on a cluster they live on several servers. */
  readonly isSharded: boolean;
  readonly keyWindowMs: number;
  readonly answerWithinMs: number;
  /** What a script said of itself. */
  readonly onSeesIncarnation: (seesIncarnation: boolean) => void;
  readonly onSilence: (cause: string) => void;
  /** What others append to the channel is heard right now. */
  readonly isHeard: (channel: string) => boolean;
  /** The first listener of a channel came, or its last one went. */
  readonly onWatched: (channel: string, isWatched: boolean) => void;
}

export interface RedisLog extends Log {
  /** What was published about a channel, unless it is one's own. */
  heard(channel: string, hint: AppendHint): void;
  /** From now on that is heard. */
  confirmed(channel: string): void;
  /** It is of one's own, and told already or about to be. */
  isOwn(payload: Buffer): boolean;
}

/** How long the record of a channel stays that nobody appends to. Then its epoch is another: a false gap, told. */
const EMPTY_TTL_MS = 86_400_000;
/** Gathered into one call at most: some 10 ms of the server's time, in which nobody else is served. */
const MAX_CALL_REQUESTS = 1_000;
const MAX_CALL_BYTES = 1_000_000;
/** Redis closes who has 32 MB waiting, and remembers those who have 8 MB for a minute: larger batches are read. */
const MAX_MESSAGE_BYTES = 256_000;
/** Entries that one call of a compaction takes away at most: others get their turn between two. */
const MAX_TRIMMED = 10_000;
const NO_SNAPSHOT = ['', '', ''];

export function createRedisLog(options: RedisLogOptions): RedisLog {
  const { connection, keys, isSharded, answerWithinMs } = options;
  const publish = isSharded ? 'SPUBLISH' : 'PUBLISH';
  const nextToken = createTokens();
  const inFlight = createInFlight();
  const heads = createToldHeads(options.isHeard);
  const listeners = createListeners((channel, those) => {
    if (those === null) heads.forget(channel);
    options.onWatched(channel, those !== null);
  });
  let origin = createOrigin(options.prefix);
  let isClosed = false;

  const createGather = (onIdle?: () => void): AppendBatch =>
    createAppendGather({
      append: appendNow,
      maxRequests: MAX_CALL_REQUESTS,
      maxBytes: MAX_CALL_BYTES,
      answerWithinMs,
      ...(onIdle === undefined ? {} : { onIdle }),
    });
  const append = isSharded ? createAppendByChannel(createGather) : createGather();

  async function appendNow(batch: readonly AppendRequest[]): Promise<readonly AppendOutcome[]> {
    const { groups, ...encoded } = encodeAppend(batch, keys, {
      token: nextToken(),
      emptyTtlMs: EMPTY_TTL_MS,
      messageHead: origin.head,
      publish,
      keyWindowMs: options.keyWindowMs,
      maxMessageBytes: MAX_MESSAGE_BYTES,
    });
    try {
      const reply = await connection.run({ script: APPEND, ...encoded, tries: 'until-done' });
      const isWatched = (channel: string): boolean => listeners.of(channel) !== undefined;
      const answer = decodeAppend(reply, batch, groups, isWatched);
      const { outcomes, hints, seesIncarnation, silence } = answer;
      options.onSeesIncarnation(seesIncarnation);
      if (silence !== '') options.onSilence(silence);
      await heads.caughtUp(hints);
      for (const [channel, hint] of hints) tell(channel, hint);
      return outcomes;
    } catch (thrown) {
      if (mayBeDone(thrown)) {
        // Now, or later by a server that is slow. What it publishes from here on must not pass for something that is
        // told here already; and what it has published was taken for that.
        origin = createOrigin(options.prefix);
        for (const { channel } of groups) listeners.refresh(channel);
      }
      throw thrown;
    }
  }

  function tell(channel: string, hint: AppendHint): void {
    // What is still under way when the last watcher has gone.
    if (listeners.of(channel) === undefined) return;
    heads.told(channel, hint);
    listeners.hint(channel, hint);
  }

  async function run(
    script: Script,
    channel: string,
    args: readonly (string | number)[],
    token = nextToken(),
  ): Promise<readonly unknown[]> {
    const reply = await connection.run({
      script,
      keys: [keys.record(channel), keys.entries(channel)],
      args: [token, EMPTY_TTL_MS, ...args].map(String),
      tries: 'again',
    });
    const list = readList(reply);
    options.onSeesIncarnation(list[0] === 1);
    return list;
  }

  return {
    append: (batch) => inFlight.run(async () => (batch.length === 0 ? [] : append(batch))),
    read: (channel, after, size) =>
      inFlight.run(async () => {
        const reply = await run(READ, channel, [after, size.maxEvents, size.maxBytes]);
        return parsePage(reply, after, size.maxBytes);
      }),
    watch: (channel, listener) => (isClosed ? () => undefined : listeners.add(channel, listener)),
    compact: (channel, { size, maxAgeMs, snapshot, epoch, needsSnapshot }) =>
      inFlight.run(async () => {
        const kept = [size, maxAgeMs, needsSnapshot === true ? '1' : '0', epoch ?? ''];
        let of: readonly (string | number)[] =
          snapshot === undefined ? NO_SNAPSHOT : [snapshot.offset, snapshot.version, snapshot.text];
        // As long as it takes: a channel may grow by more between two compactions than one call takes away.
        for (let trimmed = MAX_TRIMMED; trimmed === MAX_TRIMMED; of = NO_SNAPSHOT) {
          const reply = await run(COMPACT, channel, [...kept, ...of, MAX_TRIMMED]);
          if (readNumber(reply[1]) === 0) {
            const message = 'A snapshot cannot be newer than its channel.';
            throw new MillraceError('request/invalid', message);
          }
          trimmed = readNumber(reply[2]);
        }
      }),
    forget: (channel, forgetOptions) =>
      inFlight.run(async () => {
        // Under an origin of nobody's: where its answer is lost, those here hear of it by the message.
        const head = messageHead(options.prefix, '');
        const epoch = nextToken();
        const args = [head, publish, keys.live(channel), forgetOptions?.epoch ?? ''];
        const reply = await run(FORGET, channel, args, epoch);
        const silence = readText(reply[3]);
        if (silence !== '') options.onSilence(silence);
        if (readNumber(reply[2]) === 1) {
          tell(channel, { epoch, head: ZERO_OFFSET, isEnded: false, entries: [] });
        }
        return readNumber(reply[1]) === 1;
      }),
    heard: tell,
    confirmed: (channel) => listeners.refresh(channel),
    isOwn: (payload) => !heads.isAwaited && startsWith(payload, origin.bytes),
    async close() {
      isClosed = true;
      await inFlight.close();
      listeners.clear();
    },
  };
}

interface Origin {
  readonly head: string;
  readonly bytes: Buffer;
}

function createOrigin(prefix: string): Origin {
  const head = messageHead(prefix, randomBytes(6).toString('base64url'));
  return { head, bytes: Buffer.from(head) };
}

/** Epochs that nobody ever had: 72 random bits of this process, and a number. */
function createTokens(): () => string {
  const start = randomBytes(9).toString('base64url');
  let count = 0;
  return () => {
    count += 1;
    return `${start}-${count.toString(36)}`;
  };
}
