// Every limit of the protocol, with its default and what happens past it. Rules: LIM-1 … LIM-8, PRES-8, EPH-3.

/** Limits that a hub and a client share. Pass a part of it to `createHub({ limits })` to change some. */
export interface Limits {
  /** Bytes of one inbound frame or body. Past it: `limit/frame-size`, the link closes (`limit/body-size` on HTTP). */
  readonly maxFrameBytes: number;
  /** Bytes of one event's JSON text. Past it: `limit/event-size`, the event is refused. */
  readonly maxEventBytes: number;
  /** Channels on one link. Past it: a `denied` verdict with `limit/channels` for those over it. */
  readonly maxChannelsPerLink: number;
  /** Characters of a channel's name. Past it: `channel/invalid-name`. */
  readonly maxChannelNameLength: number;
  /** Events in one publish request. Past it: `limit/publishes`, nothing of it is appended. */
  readonly maxEventsPerPublish: number;
  /** Publishes a second and link or identity, with a burst of twice that. Past it: `limit/publishes` with `retryAfterMs`. */
  readonly maxPublishesPerSecond: number;
  /** Bytes of the data (as JSON) that a session is present with. Past it: `limit/event-size`, what it had before stands. */
  readonly maxPresenceBytes: number;
  /** Channels a second and link whose presence may be asked for or changed, with a burst of twice that. Past it: `limit/publishes` with `retryAfterMs`. */
  readonly maxPresencePerSecond: number;
  /** Channels whose presence one node keeps. Past it: `server/overloaded` with `retryAfterMs` for who wants another one. */
  readonly maxPresenceChannels: number;
  /** Sessions of one node that may be present in one channel. Past it: `server/overloaded` with `retryAfterMs` for who comes. */
  readonly maxPresentPerChannel: number;
  /** Bytes of one ephemeral event's data (as JSON). Past it: `limit/event-size`, it is refused. */
  readonly maxEphemeralBytes: number;
  /** Ephemeral events a second and session, with a burst of twice that. Past it: `limit/publishes` with `retryAfterMs`. */
  readonly maxEphemeralPerSecond: number;
  /** Ephemeral events of one node that a channel carries in 50 ms, one of a kind for each session. Past it: the oldest are left out. */
  readonly maxEphemeralPerFrame: number;
  /** Characters of an idempotency key or a producer's id (from outside with the identity's before it). Past it: `request/invalid`, the event is refused. */
  readonly maxKeyLength: number;
  /** Events that wait for the engine, all publishers together. Past it: `server/overloaded` with `retryAfterMs`, nothing of that call is appended. */
  readonly maxPublishQueue: number;
  /** Bytes of their JSON texts together. Past it: as above. */
  readonly maxPublishQueueBytes: number;
  /**
   * Rows that wait in the outbox, as this hub saw it within the last seconds. Past it: `server/overloaded` with
   * `retryAfterMs`, nothing of that call is written.
   */
  readonly maxOutboxEvents: number;
  /** Open links of one address. Past it: `limit/links`, the new link is refused. */
  readonly maxLinksPerAddress: number;
  /** Open links of one identity. Past it: `limit/links`, the new link is refused. */
  readonly maxLinksPerIdentity: number;
  /**
   * Links that may begin in a second, with a burst of twice that. Past it: `server/overloaded` with `retryAfterMs`,
   * before anybody is signed in. A poll or stream that brings its cursors is let in longer. `Infinity`: no limit.
   */
  readonly maxConnectsPerSecond: number;
  /** How late the event loop may be, ms. Past it a tenth of `maxConnectsPerSecond` is let in, half of it with cursors. */
  readonly maxLoopDelayMs: number;
  /** Bytes a link may queue. Past it its subscriptions leave the live tail and catch up from the log. */
  readonly maxQueueBytes: number;
  /** Bytes of answers, verdicts and beats that may wait beyond that. Past it: closed with `link/slow`. */
  readonly maxControlBytes: number;
  /** Bytes that all links together may queue. Past it the longest queues go: closed with `link/slow`. */
  readonly maxQueueBytesTotal: number;
  /** How long a link may make no progress with a full queue, ms. Past it: closed with `link/slow`. */
  readonly slowAfterMs: number;
  /** How long a new WebSocket may take to send `connect`, ms. Past it: closed with `link/no-connect`. */
  readonly connectWithinMs: number;
  /** How long a request body may take to arrive, ms. Past it: `request/timeout`. */
  readonly bodyWithinMs: number;
  /** Events of one page of replay. */
  readonly maxPageEvents: number;
  /** Bytes of one page of replay (one event at least). */
  readonly maxPageBytes: number;
  /** Shortest beat a link may ask for, ms. Below it: this is used. */
  readonly minBeatMs: number;
  /** Longest time a poll is held open, ms. */
  readonly maxHoldMs: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxFrameBytes: 65_536,
  maxEventBytes: 49_152,
  maxChannelsPerLink: 100,
  maxChannelNameLength: 200,
  maxEventsPerPublish: 500,
  maxPublishesPerSecond: 50,
  maxPresenceBytes: 2_048,
  maxPresencePerSecond: 20,
  maxPresenceChannels: 100_000,
  maxPresentPerChannel: 20_000,
  maxEphemeralBytes: 2_048,
  maxEphemeralPerSecond: 20,
  maxEphemeralPerFrame: 100,
  maxKeyLength: 200,
  maxPublishQueue: 10_000,
  maxPublishQueueBytes: 67_108_864,
  maxOutboxEvents: 100_000,
  maxLinksPerAddress: 1_000,
  maxLinksPerIdentity: 100,
  maxConnectsPerSecond: 5_000,
  maxLoopDelayMs: 250,
  maxQueueBytes: 262_144,
  maxControlBytes: 65_536,
  maxQueueBytesTotal: 268_435_456,
  slowAfterMs: 30_000,
  connectWithinMs: 10_000,
  bodyWithinMs: 10_000,
  maxPageEvents: 256,
  maxPageBytes: 65_536,
  minBeatMs: 1_000,
  maxHoldMs: 25_000,
};

/** Default beats, ms: SSE has no close handshake that a dead peer would miss, so it beats a little faster. */
export const DEFAULT_BEAT_MS = { sse: 15_000, websocket: 20_000 } as const;

/** A link without a byte for its beat plus this is dead, ms (LINK-6). */
export const BEAT_GRACE_MS = 6_000;
