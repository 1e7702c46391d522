// Public entry of @millrace/server: the hub, the engine for one process, and the seams that engines and transports implement.

export type { AnyContract, ChannelInfo } from './contract-set.ts';
export { type MemoryEngineOptions, memoryEngine } from './engines/memory/memory-engine.ts';
export { createHub } from './hub.ts';
export type {
  Action,
  Authenticate,
  Authorize,
  AuthRequest,
  FollowedFrame,
  FollowOptions,
  FollowVerdict,
  HistoryOptions,
  HistoryPage,
  Hub,
  HubOptions,
  HubStats,
  Identity,
  InTransaction,
  LinkNews,
  NoTransaction,
  Pressure,
  PublishManyItem,
  StreamOptions,
} from './hub-types.ts';
export type { OutboxOptions, OutboxStats, OutboxTransaction } from './outbox/outbox.ts';
export type { PublishConditions } from './prepare-event.ts';
export type { WriteResult } from './publish-in-transaction.ts';
export type { Bus } from './seams/bus.ts';
export type { Engine, EngineCapabilities } from './seams/engine.ts';
export type {
  Attachment,
  Carrier,
  EventBatch,
  Link,
  LinkAcceptor,
  OutboundFrame,
  Peer,
} from './seams/link.ts';
export type {
  AppendEnd,
  AppendEvent,
  AppendHint,
  AppendOutcome,
  AppendRequest,
  Log,
  LogEntry,
  LogListener,
  LogPage,
  PageSize,
  Retention,
  StoredSnapshot,
} from './seams/log.ts';
export type { Timers } from './seams/timers.ts';
export { SharedText } from './transports/event-stream.ts';
export type { OwnStream, OwnStreamOptions } from './transports/own-stream.ts';
