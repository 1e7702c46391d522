// Public entry of @millrace/protocol/wire: the wire's own words, for carriers, engines and clients.
// Applications need none of it.

export {
  type ClientFrame,
  type ConnectFrame,
  encodeClientFrame,
  PROTOCOL_VERSION,
  parseClientFrame,
  parseSession,
  SUBPROTOCOL,
  type SubscribeItem,
} from './client-frames.ts';
export { encodeEvent, encodeEventBody, parseEvent } from './event.ts';
export { parseJson, parseJsonObject, readJsonObject } from './json.ts';
export { isJsonObject, type JsonObject } from './json-object.ts';
export { BEAT_GRACE_MS, DEFAULT_BEAT_MS } from './limits.ts';
export { isOffset, nextOffset, previousOffset, toOffset, ZERO_OFFSET } from './offset.ts';
export {
  type EphemeralEvent,
  type LiveFrame,
  type PresenceItem,
  type PresentMember,
  parseEphemeralItem,
  parseLiveFrame,
} from './presence-frames.ts';
export { type PublishItem, parseExpected, parsePublishItems } from './publish-item.ts';
export {
  encodeEventsFrame,
  encodeServerFrame,
  parseServerFrame,
  parseServerFrames,
  type ServerFrame,
} from './server-frames.ts';
export { encodeSse, encodeSseComment, type SseBlock } from './sse.ts';
