// Frames from server to client, and their parser. Rules: LINK-3 … LINK-5, SUB-2 … SUB-6, EVT-1.
// One text message each on a WebSocket, one `data:` block on SSE, one element of the answer's list on long-poll.

import { type Cursor, encodeCursor, parseCursor } from './cursor.ts';
import { type MillraceError, parseWireError } from './errors.ts';
import { type ChannelEvent, parseEvent } from './event.ts';
import {
  type Fields,
  malformed,
  optionalWhole,
  readFields,
  readJson,
  requiredList,
  requiredObject,
  requiredString,
  requiredWhole,
} from './json.ts';
import type { JsonObject } from './json-object.ts';
import { isOffset, type Offset } from './offset.ts';

/** Why events are missing: trimmed from history, another epoch (restart, failover, forgotten), or a log that went back. */
export type GapReason = 'trimmed' | 'restarted' | 'rolled-back';

/**
 * What a subscription gets, asked or not. `cursor` is the position after which the next events follow.
 * A gap's `from` and `to` (inclusive) are null where the epoch changed: their number cannot be known.
 */
export type Verdict =
  | { readonly verdict: 'exact'; readonly cursor: Cursor }
  | {
      readonly verdict: 'snapshot';
      readonly cursor: Cursor;
      readonly version: number;
      readonly state: unknown;
    }
  | {
      readonly verdict: 'gap';
      readonly cursor: Cursor;
      readonly from: Offset | null;
      readonly to: Offset | null;
      readonly reason: GapReason;
    }
  | { readonly verdict: 'denied'; readonly error: MillraceError }
  | { readonly verdict: 'unknown'; readonly error: MillraceError };

export type PublishResult = { readonly cursor: Cursor } | { readonly error: MillraceError };

export type ServerFrame =
  | {
      readonly type: 'hello';
      readonly protocol: number;
      /** The server's clock, ms since 1970: basis for the delay of beats. */
      readonly at: number;
      /** The beat this link will get, ms. */
      readonly beatMs: number;
      /** Who the server takes the client for; null before anyone signed in. */
      readonly identity: string | null;
    }
  | ({ readonly type: 'verdict'; readonly channel: string } & Verdict)
  | { readonly type: 'events'; readonly channel: string; readonly events: readonly ChannelEvent[] }
  | { readonly type: 'beat'; readonly at: number }
  | { readonly type: 'end'; readonly channel: string; readonly cursor: Cursor }
  | { readonly type: 'goaway'; readonly afterMs: number; readonly spreadMs: number }
  | { readonly type: 'published'; readonly id: number; readonly results: readonly PublishResult[] }
  /** With `id`: the answer to that request. Without: the link ends with it. */
  | { readonly type: 'error'; readonly id?: number; readonly error: MillraceError }
  /** One of a type that is not known here (LINK-2): skipped, unless somebody else knows it (presence-frames.ts). */
  | { readonly type: 'other'; readonly frame: JsonObject };

export function encodeServerFrame(frame: ServerFrame): string {
  switch (frame.type) {
    case 'verdict':
      return JSON.stringify(
        'cursor' in frame ? { ...frame, cursor: encodeCursor(frame.cursor) } : frame,
      );
    case 'end':
      return JSON.stringify({ ...frame, cursor: encodeCursor(frame.cursor) });
    case 'published':
      return JSON.stringify({
        ...frame,
        results: frame.results.map((one) =>
          'cursor' in one ? { cursor: encodeCursor(one.cursor) } : one,
        ),
      });
    case 'other':
      return JSON.stringify(frame.frame);
    default:
      return JSON.stringify(frame);
  }
}

/** An `events` frame from texts that `encodeEvent` made: nothing is encoded twice (EVT-2). */
export function encodeEventsFrame(channel: string, events: readonly string[]): string {
  const [only] = events;
  const list = only !== undefined && events.length === 1 ? only : events.join(',');
  return `{"type":"events","channel":${JSON.stringify(channel)},"events":[${list}]}`;
}

/** @throws MillraceError `protocol/malformed`, `cursor/malformed` */
export function parseServerFrame(text: string): ServerFrame {
  return readServerFrame(readJson(text));
}

/** The frames of a long-poll's answer. @throws MillraceError as `parseServerFrame` */
export function parseServerFrames(value: unknown): ServerFrame[] {
  return requiredList(value, 'the answer').map(readServerFrame);
}

/** What the table was entered by is known already. */
const known = (value: unknown): never => value as never;
const offsetOrNull = (value: unknown): Offset | null => (isOffset(value) ? value : null);
const listOf =
  <Value>(read: (value: unknown) => Value) =>
  (value: unknown, name: string): readonly Value[] =>
    requiredList(value, name).map((one) => read(one));

const FRAMES: {
  readonly [Type in Exclude<ServerFrame['type'], 'verdict' | 'other'>]: Fields<
    Omit<Extract<ServerFrame, { type: Type }>, 'type'>
  >;
} = {
  hello: {
    protocol: requiredWhole,
    at: requiredWhole,
    beatMs: requiredWhole,
    identity: (value) => (typeof value === 'string' ? value : null),
  },
  events: { channel: requiredString, events: listOf(parseEvent) },
  beat: { at: requiredWhole },
  end: { channel: requiredString, cursor: parseCursor },
  goaway: { afterMs: requiredWhole, spreadMs: requiredWhole },
  published: { id: requiredWhole, results: listOf(parseResult) },
  error: { id: optionalWhole, error: parseWireError },
};

const refused = { type: known, channel: requiredString, verdict: known, error: parseWireError };
const placed = { type: known, channel: requiredString, verdict: known, cursor: parseCursor };

const VERDICTS: {
  readonly [Name in Verdict['verdict']]: Fields<
    Extract<ServerFrame, { type: 'verdict'; verdict: Name }>
  >;
} = {
  exact: placed,
  snapshot: { ...placed, version: requiredWhole, state: known },
  gap: { ...placed, from: offsetOrNull, to: offsetOrNull, reason: parseReason },
  denied: refused,
  unknown: refused,
};

function readServerFrame(value: unknown): ServerFrame {
  const frame = requiredObject(value, 'a frame');
  const type = requiredString(frame['type'], 'type');
  if (isIn(FRAMES, type)) {
    return { type, ...readFields<object>(FRAMES[type], frame) } as ServerFrame;
  }
  if (type !== 'verdict') return { type: 'other', frame };
  const { verdict } = frame;
  if (isIn(VERDICTS, verdict)) return readFields(VERDICTS[verdict], frame);
  throw malformed('no such verdict');
}

function isIn<Table extends object>(table: Table, name: unknown): name is keyof Table {
  return typeof name === 'string' && Object.hasOwn(table, name);
}

function parseReason(value: unknown): GapReason {
  // A newer peer's reason is still a gap: the weakest claim is the safe one.
  return value === 'trimmed' || value === 'rolled-back' ? value : 'restarted';
}

function parseResult(value: unknown): PublishResult {
  const { cursor, error } = requiredObject(value, 'a result');
  return cursor === undefined ? { error: parseWireError(error) } : { cursor: parseCursor(cursor) };
}
