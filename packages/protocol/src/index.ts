// Public entry of @millrace/protocol: contracts, frames, cursors, errors, limits. No dependency, no I/O, no clock.

export { isChannelName, parseChannelParams } from './channel-name.ts';
export {
  type ClientFrame,
  type ConnectFrame,
  encodeClientFrame,
  PROTOCOL_VERSION,
  type PublishItem,
  parseClientFrame,
  parsePublishItems,
  type Start,
  SUBPROTOCOL,
  type SubscribeItem,
} from './client-frames.ts';
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
} from './contract.ts';
export { type Cursor, encodeCursor, parseCursor } from './cursor.ts';
export {
  ERROR_CODES,
  type ErrorCode,
  type ErrorOptions,
  type ErrorPolicy,
  isErrorCode,
  MillraceError,
  parseWireError,
  toMillraceError,
  type WireError,
} from './errors.ts';
export { type ChannelEvent, encodeEvent, encodeEventBody, parseEvent } from './event.ts';
export { type JsonObject, parseJson, parseJsonObject } from './json.ts';
export { BEAT_GRACE_MS, DEFAULT_BEAT_MS, DEFAULT_LIMITS, type Limits } from './limits.ts';
export {
  isOffset,
  nextOffset,
  type Offset,
  previousOffset,
  toOffset,
  ZERO_OFFSET,
} from './offset.ts';
export {
  encodeEventsFrame,
  encodeServerFrame,
  type GapReason,
  type PublishResult,
  parseServerFrame,
  parseServerFrames,
  type ServerFrame,
  type Verdict,
} from './server-frames.ts';
export { encodeSse, encodeSseComment, type SseBlock } from './sse.ts';
export {
  checkSchema,
  type SchemaInput,
  type SchemaOutput,
  type StandardIssue,
  type StandardResult,
  type StandardSchema,
} from './standard-schema.ts';
