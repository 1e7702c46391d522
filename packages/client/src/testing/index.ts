// Public entry of @millrace/client/testing: a client without a server.

export { initialConnection, stepConnection } from '../connection-machine.ts';

// The connection's own rules without a clock or a socket: for simulations of many clients.
export { linksOf, type TimerNeed, timersOf } from '../connection-needs.ts';
export type {
  Connection,
  ConnectionConfig,
  ConnectionEvent,
  LinkRef,
  TimerName,
} from '../connection-types.ts';
export { createFakeLink, type FakeLink, type FakeLinkOptions } from './fake-link.ts';
export { createFakeStreams, type FakeRequest, type FakeStreams } from './fake-streams.ts';
