// The public shapes of the hub: what `createHub` takes and gives. Describes; does nothing.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type {
  Channel,
  ChannelEvent,
  Cursor,
  ErrorCode,
  EventInput,
  EventOf,
  EventSchemas,
  Limits,
  MillraceError,
  PublishResult,
  SchemaInput,
  Start,
  Verdict,
} from '@millrace/protocol';
import type { PresentMember, PublishItem } from '@millrace/protocol/wire';
import type { AnyContract, ChannelInfo } from './contract-set.ts';
import type { OutboxOptions, OutboxStats, OutboxTransaction } from './outbox/outbox.ts';
import type { PublishConditions } from './prepare-event.ts';
import type { WriteResult } from './publish-in-transaction.ts';
import type { Engine } from './seams/engine.ts';
import type { Peer } from './seams/link.ts';
import type { OwnStream, OwnStreamOptions } from './transports/own-stream.ts';

/** Who somebody is, as `authenticate` found out. */
export interface Identity {
  /** The user's id; links of one session must have the same. */
  readonly id: string;
  /** When this knowledge expires, ms since 1970: then the link ends with `auth/expired`. Default: never. */
  readonly expiresAt?: number;
  /** What `authorize` may want to know. Stays in the server. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/**
 * What `authenticate` may go by: the request that opened the link. For a newer token it is that request again, without
 * the headers of its connection (`accept…`, `content-…`, `sec-websocket-…` and the like).
 */
export interface AuthRequest extends Peer {
  /** From the `connect` frame, or `Authorization: Bearer`; null when there is none. */
  readonly token: string | null;
}

/**
 * `presence`: to see who is on a channel, and to be there · `ephemeral`: to send passing events; to get them is
 * `subscribe`.
 */
export type Action = 'subscribe' | 'publish' | 'presence' | 'ephemeral' | 'history';

/**
 * Who the request comes from; null for nobody. Throw a MillraceError `auth/…` to refuse. Null for a request that
 * carries a token is a refusal too (`auth/invalid`): a bad token never makes a guest.
 */
export type Authenticate = (request: AuthRequest) => Identity | null | Promise<Identity | null>;

/** Whether the identity may do this; asked for everything whose contract says `authorized`. */
export type Authorize = (
  identity: Identity | null,
  action: Action,
  channel: ChannelInfo,
) => boolean | Promise<boolean>;

/** A link's beginning (after `hello`) or end, for a log. A long-poll is a link for as long as one poll. */
export interface LinkNews {
  readonly step: 'opened' | 'closed';
  /** `websocket`, `sse`, `poll`, or `plain` for a stream without frames. */
  readonly transport: string;
  readonly identityId: string | null;
  /** Why the hub ended it; null at the beginning, and when the other side went away. */
  readonly reason: MillraceError | null;
}

export interface HubOptions {
  /** The channels this hub serves. */
  readonly contracts: readonly AnyContract[];
  /** Where they live. Default: a memory engine, which the hub closes with itself. One passed in stays yours to close. */
  readonly engine?: Engine;
  /**
   * Where what is published in a transaction waits for its commit. Default: the database that the engine lives in, if it
   * does in one; null: none, then `tx` is refused.
   */
  readonly outbox?: OutboxOptions | null;
  /** Default: everybody is nobody, and a token is refused. */
  readonly authenticate?: Authenticate;
  /** Default: deny. */
  readonly authorize?: Authorize;
  /** Where the carriers are: `<path>/ws`, `/sse`, `/poll`, `/publish`, `/events`. Default `/realtime`. */
  readonly path?: string;
  /** Origins that may connect besides the server's own, e.g. `https://app.example.com`. Default: none. */
  readonly origins?: readonly string[];
  /** Each has a default, see `Limits`. */
  readonly limits?: Partial<Limits>;
  /** How long a session that merely broke off stays present, ms, where the contract does not say. Default 5,000. */
  readonly leaveAfterMs?: number;
  /** Beats, ms. Default 15,000 on SSE, 20,000 on WebSocket. */
  readonly beatMs?: { readonly sse?: number; readonly websocket?: number };
  /**
   * Whether events may be written to TCP handles without Node's streams in between, some tenth faster, where this Node
   * has what it takes; and idle streams be taken off Node's HTTP objects, where nobody else waits for the response's
   * end: its `close` is not told then, and `server.closeAllConnections` does not reach them; the hub's `close` does.
   * Default true; false uses public APIs only.
   */
  readonly directWrites?: boolean;
  /** The one place for what fails in the background; the same failure at most once in 5 s. Default: a line on the console. */
  readonly onError?: (error: MillraceError) => void;
  /** Told of each link that opens, and of its end. Default: nobody is told. */
  readonly onLink?: (news: LinkNews) => void;
}

export interface HistoryOptions {
  /** Read on after this cursor. Without it and without `last`: from the oldest kept event. */
  readonly after?: Cursor;
  /** The last n events. */
  readonly last?: number;
  /** At most this many. Default and maximum: the limit `maxPageEvents`. */
  readonly limit?: number;
}

export interface HistoryPage<Events extends EventSchemas> {
  /** `exact`, or the `gap` between `after` and what is kept. */
  readonly verdict: Verdict;
  readonly events: readonly EventOf<Events>[];
  /** Pass it as `after` to read on. */
  readonly next: Cursor;
}

export interface FollowOptions {
  /** Default `now`. */
  readonly start?: Start;
  /** Ends it, as leaving the loop does. */
  readonly signal?: AbortSignal;
}

/** A verdict that lets events follow. */
export type FollowVerdict = Exclude<Verdict, { readonly verdict: 'denied' | 'unknown' }>;

/** What a program that follows a channel is told, before its types are known. */
export type FollowedFrame<Event = ChannelEvent> =
  | { readonly type: 'verdict'; readonly verdict: FollowVerdict }
  | { readonly type: 'event'; readonly cursor: Cursor; readonly event: Event }
  | { readonly type: 'end'; readonly cursor: Cursor };

export interface StreamOptions<Events extends EventSchemas> {
  /** What to send for an event, as JSON; undefined leaves it out. Default: the event itself. */
  readonly select?: (event: EventOf<Events>) => unknown;
  /** Ms between two `:heartbeat` comments. Default: the beat of SSE. */
  readonly beatMs?: number;
}

/**
 * What became of readers that are slower than their channels, and of those who came too many at once. `fellBehind`: left
 * the live tail · `caughtUp`: came back to it · `pagesFromMemory`, `pagesFromLog`: what they read meanwhile ·
 * `statesCoalesced`: states that a newer one replaced before they were sent · `closedSlow`: links closed with
 * `link/slow` · `closedByBudget`: those of them that went for `maxQueueBytesTotal` · `notAdmitted`: refused at the door.
 */
export type Pressure =
  | 'fellBehind'
  | 'caughtUp'
  | 'pagesFromMemory'
  | 'pagesFromLog'
  | 'statesCoalesced'
  | 'closedSlow'
  | 'closedByBudget'
  | 'notAdmitted';

export interface HubStats {
  readonly links: Readonly<Record<string, number>>;
  /** Of links, and of programs that follow. */
  readonly subscriptions: number;
  readonly channelsLoaded: number;
  readonly published: { readonly total: number; readonly perSecond: number };
  /** One event to one reader is one delivery. */
  readonly delivered: { readonly total: number; readonly perSecond: number };
  /** Bytes that wait in the queues of all links. */
  readonly queueBytes: number;
  /** Events that wait for the engine. */
  readonly publishQueue: number;
  /** What waits in the outbox; null without one. */
  readonly outbox: OutboxStats | null;
  /** Links, requests and publishes that were refused or ended, by code. */
  readonly refused: Readonly<Partial<Record<ErrorCode, number>>>;
  /** How often each came about since the hub was made. */
  readonly pressure: Readonly<Record<Pressure, number>>;
  /** Channels whose presence somebody here needs, and the sessions that are present by links of this hub. */
  readonly presence: { readonly channels: number; readonly sessions: number };
}

/** Outside of any transaction of the user's. */
export interface NoTransaction {
  readonly tx?: undefined;
}

export interface InTransaction {
  /** A transaction of the outbox's database: delivered after its commit, never when it rolls back. */
  readonly tx: OutboxTransaction;
}

/** The server object: mount it with `handle` and `upgrade`, publish through it, close it. */
export interface Hub {
  /**
   * Appends an event. Resolves with its cursor once the engine has accepted it.
   * Rejects with `contract/…` for an event that does not fit, `channel/ended`, `publish/…` for a condition that does
   * not hold, `server/overloaded` with `retryAfterMs` where too many wait, `engine/…`; nothing is appended then, except
   * that after `engine/unavailable` it may have been: repeat with the same key or producer.
   */
  publish<Events extends EventSchemas, State>(
    channel: Channel<Events, State>,
    event: EventInput<NoInfer<Events>>,
    options?: PublishConditions & NoTransaction,
  ): Promise<Cursor>;
  /**
   * Writes the event in the transaction. Resolves with its id (its own, or the one it gets), by which readers can tell
   * it; it is appended once and delivered some milliseconds after the commit, in the order of the transaction's calls.
   * Await it before the commit. Rejects with `contract/…`, `limit/…`, `request/invalid`, `server/overloaded`,
   * `engine/…`. What only the channel can refuse (`channel/ended`, `publish/…`) is told to `onError` later, and kept in
   * `millrace.outbox_refused`. A `key` that repeats appends nothing, whatever id was answered.
   */
  publish<Events extends EventSchemas, State>(
    channel: Channel<Events, State>,
    event: EventInput<NoInfer<Events>>,
    options: PublishConditions & InTransaction,
  ): Promise<string>;
  /** Appends several events in one batch. Each has its own result: one that is refused does not spoil the others. */
  publishMany(
    items: readonly PublishManyItem[],
    options?: NoTransaction,
  ): Promise<readonly PublishResult[]>;
  /** Writes several events in the transaction, each as `publish` does: one that is refused does not spoil the others. */
  publishMany(
    items: readonly PublishManyItem[],
    options: InTransaction,
  ): Promise<readonly WriteResult[]>;
  /** Ends the channel for good: later appends are refused with `channel/ended`, readers get `end`. */
  end<Events extends EventSchemas, State>(
    channel: Channel<Events, State>,
    options?: NoTransaction,
  ): Promise<Cursor>;
  /** Ends it after the commit, behind what the transaction published before. */
  end<Events extends EventSchemas, State>(
    channel: Channel<Events, State>,
    options: InTransaction,
  ): Promise<void>;
  /**
   * Erases the channel, ended or not: events, state, keys, producers. It is then as if nobody had published to it, in
   * another epoch: who reads it is told `gap` with reason `restarted` (`snapshot` where the contract has state) before
   * the next event. What is being published at the same time may come after it. Does nothing to an empty channel.
   * With `tx` after the commit, in the order of the transaction's calls.
   */
  forget<Events extends EventSchemas, State>(
    channel: Channel<Events, State>,
    options?: NoTransaction | InTransaction,
  ): Promise<void>;
  /**
   * Resolves once all that was committed with a `tx` before the call has been appended, by whichever hub, or moved aside:
   * every read from then on sees it. Rejects with `engine/unavailable` after `withinMs` (default 10,000); it comes later then.
   */
  relayed(options?: { readonly withinMs?: number }): Promise<void>;
  /** Reads a channel inside the process; asks nobody for permission. */
  history<Events extends EventSchemas, State>(
    channel: Channel<Events, State>,
    options?: HistoryOptions,
  ): Promise<HistoryPage<Events>>;
  /**
   * Reads a channel live inside the process: its verdict, then every event in order, as any reader gets them; asks nobody
   * for permission. A verdict may also come later (`gap`, or `snapshot` with the state). Ends with the channel, with
   * `signal`, or when the loop is left. One that takes nothing in for `slowAfterMs` rejects with `link/slow`, and may go
   * on from its last cursor. Rejects with `channel/unknown`, `contract/outdated`, `server/shutdown`.
   *
   * ```ts
   * for await (const told of hub.follow(jobProgress.of({ jobId: '7' }), { start: 'start' })) {
   *   if (told.type === 'event') console.log(told.event.data.done);
   * }
   * ```
   */
  follow<Events extends EventSchemas, State>(
    channel: Channel<Events, State>,
    options?: FollowOptions,
  ): AsyncIterable<FollowedFrame<EventOf<Events>>>;
  /**
   * Answers with one channel as plain SSE, for `EventSource` and `curl -N`; authenticates and authorizes like any
   * subscription. `Last-Event-ID`, or `cursor`, `last`, `from` in the query say where to begin. Resolves when it is over.
   */
  stream<Events extends EventSchemas, State>(
    req: IncomingMessage,
    res: ServerResponse,
    channel: Channel<Events, State>,
    options?: StreamOptions<Events>,
  ): Promise<void>;
  /**
   * Answers with an event stream of the program's own, written as cheaply as the hub's own (`directWrites` holds for it
   * too): what is made of a channel for readers of another protocol. Who may read it, heartbeats, and what becomes of a
   * reader that takes nothing in are the program's. Cut off when the hub closes. @throws MillraceError `server/shutdown`
   */
  openEventStream(res: ServerResponse, options?: OwnStreamOptions): OwnStream;
  /** Answers a request under `path`. Resolves with false for any other: it is not the hub's. */
  handle(req: IncomingMessage, res: ServerResponse): Promise<boolean>;
  /** Takes the upgrade of `<path>/ws`. False for any other. */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /**
   * Who is present in the channel, over all nodes: users, each with its sessions. Asks the other nodes the first time,
   * which takes 200 ms; nobody is asked for permission.
   * Rejects with `channel/unknown`, `server/shutdown`.
   */
  members(channel: { readonly name: string }): Promise<readonly PresentMember[]>;
  /**
   * Sends an ephemeral event of the server's own (an agent that types) to whoever reads those of the channel now, under
   * the name `from` (default: nobody's). At most once: it is not kept, not answered, and a reader without room goes without.
   * @throws MillraceError `contract/…` for an event that does not fit, `limit/event-size`, `channel/unknown`, `server/shutdown`
   */
  send<Ephemeral extends EventSchemas>(
    channel: {
      readonly name: string;
      readonly contract: { readonly ephemeral: Ephemeral | undefined };
    },
    event: { [Name in keyof Ephemeral & string]: EphemeralOf<Ephemeral, Name> }[keyof Ephemeral &
      string],
    options?: { readonly from?: string },
  ): void;
  stats(): HubStats;
  /**
   * Takes no new links, tells each of the others when to come back (spread over `graceMs`, default 0), waits for what
   * is being published, closes. Loses no accepted event. Idempotent.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

interface EphemeralOf<Events extends EventSchemas, Name extends keyof Events & string> {
  readonly type: Name;
  readonly data: SchemaInput<Events[Name]>;
}

/** One event of `publishMany`: checked against the channel's contract when it is published. */
export interface PublishManyItem extends PublishConditions {
  readonly channel: { readonly name: string; readonly contract?: AnyContract };
  readonly event: PublishItem['event'];
}
