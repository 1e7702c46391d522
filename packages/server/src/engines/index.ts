// Public entry of @millrace/server/engine: what the engines here are made of, for those who write another one.
// The seams themselves (Engine, Log, Bus) are types of @millrace/server.

export { type CheckedChannel, checkAppend, type LastEvent } from './append-check.ts';
export { backoffMs } from './backoff.ts';
export { type Bounds, bounded } from './bounded.ts';
export { createInFlight, type InFlight } from './in-flight.ts';
export { type ChannelListeners, createListeners, type Listeners } from './listeners.ts';
export { createLocalBus } from './local-bus.ts';
export { messageBytes } from './message-size.ts';
export { producerOf } from './producer-of.ts';
export { channelEnded } from './refusals.ts';
export { supersedes } from './snapshot-order.ts';
