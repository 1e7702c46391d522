// Public entry of @millrace/protocol: contracts, cursors, errors, limits. No dependency, no I/O, no clock.
// What goes over the wire has an entry of its own, wire.ts.

export { isChannelName, parseChannelParams } from './channel-name.ts';
export type { Start } from './client-frames.ts';
export {
  type Access,
  type Channel,
  type ChannelDefinition,
  type ChannelState,
  type Contract,
  type ContractBody,
  defineChannel,
  type EventInput,
  type EventOf,
  type EventSchemas,
  type NoEvents,
  type StateMigration,
} from './contract.ts';
export { type Cursor, encodeCursor, parseCursor } from './cursor.ts';
export { ERROR_CODES, type ErrorTraits } from './error-traits.ts';
export {
  type ErrorCode,
  type ErrorOptions,
  type ErrorPolicy,
  isErrorCode,
  MillraceError,
  parseWireError,
  toMillraceError,
  type WireError,
} from './errors.ts';
export type { ChannelEvent } from './event.ts';
export { DEFAULT_LIMITS, type Limits } from './limits.ts';
export type { Offset } from './offset.ts';
export type { Expected, Producer } from './publish-item.ts';
export type { GapReason, PublishResult, Verdict } from './server-frames.ts';
export {
  checkSchema,
  type SchemaInput,
  type SchemaOutput,
  type StandardIssue,
  type StandardResult,
  type StandardSchema,
} from './standard-schema.ts';
