// Frames from server to client, and their parser. Rules: LINK-3 … LINK-5, SUB-2 … SUB-6, EVT-1.
// One text message each on a WebSocket, one `data:` block on SSE, one element of the answer's list on long-poll.

import { type Cursor, encodeCursor, parseCursor } from './cursor.ts';
import { type MillraceError, parseWireError } from './errors.ts';
import { type ChannelEvent, parseEvent } from './event.ts';
import {
  isJsonObject,
  malformed,
  optionalWhole,
  parseJsonObject,
  requiredList,
  requiredString,
  requiredWhole,
} from './json.ts';
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
  | { readonly type: 'error'; readonly id?: number; readonly error: MillraceError };

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
    default:
      return JSON.stringify(frame);
  }
}

/** An `events` frame from texts that `encodeEvent` made: nothing is encoded twice (EVT-2). */
export function encodeEventsFrame(channel: string, events: readonly string[]): string {
  return `{"type":"events","channel":${JSON.stringify(channel)},"events":[${events.join(',')}]}`;
}

/**
 * The frame, or null for a type this build does not know, which is skipped (LINK-2).
 * @throws MillraceError `protocol/malformed`, `cursor/malformed`
 */
export function parseServerFrame(text: string): ServerFrame | null {
  return readServerFrame(parseJsonObject(text));
}

/** The frames of a long-poll's answer. @throws MillraceError as `parseServerFrame` */
export function parseServerFrames(value: unknown): ServerFrame[] {
  return requiredList(value, 'the answer').flatMap((one) => {
    if (!isJsonObject(one)) throw malformed('a frame is a JSON object');
    return readServerFrame(one) ?? [];
  });
}

function readServerFrame(frame: Readonly<Record<string, unknown>>): ServerFrame | null {
  switch (frame['type']) {
    case 'hello':
      return {
        type: 'hello',
        protocol: requiredWhole(frame['protocol'], 'protocol'),
        at: requiredWhole(frame['at'], 'at'),
        beatMs: requiredWhole(frame['beatMs'], 'beatMs'),
        identity: typeof frame['identity'] === 'string' ? frame['identity'] : null,
      };
    case 'verdict':
      return {
        type: 'verdict',
        channel: requiredString(frame['channel'], 'channel'),
        ...parseVerdict(frame),
      };
    case 'events': {
      const events = requiredList(frame['events'], 'events').map(parseEvent);
      return { type: 'events', channel: requiredString(frame['channel'], 'channel'), events };
    }
    case 'beat':
      return { type: 'beat', at: requiredWhole(frame['at'], 'at') };
    case 'end':
      return {
        type: 'end',
        channel: requiredString(frame['channel'], 'channel'),
        cursor: parseCursor(frame['cursor']),
      };
    case 'goaway':
      return {
        type: 'goaway',
        afterMs: requiredWhole(frame['afterMs'], 'afterMs'),
        spreadMs: requiredWhole(frame['spreadMs'], 'spreadMs'),
      };
    case 'published': {
      const results = requiredList(frame['results'], 'results').map(parseResult);
      return { type: 'published', id: requiredWhole(frame['id'], 'id'), results };
    }
    case 'error': {
      const id = optionalWhole(frame['id'], 'id');
      return {
        type: 'error',
        ...(id === undefined ? {} : { id }),
        error: parseWireError(frame['error']),
      };
    }
    default:
      if (typeof frame['type'] === 'string') return null;
      throw malformed('`type` is a string');
  }
}

function parseVerdict(frame: Readonly<Record<string, unknown>>): Verdict {
  switch (frame['verdict']) {
    case 'exact':
      return { verdict: 'exact', cursor: parseCursor(frame['cursor']) };
    case 'snapshot':
      return {
        verdict: 'snapshot',
        cursor: parseCursor(frame['cursor']),
        version: requiredWhole(frame['version'], 'version'),
        state: frame['state'],
      };
    case 'gap':
      return {
        verdict: 'gap',
        cursor: parseCursor(frame['cursor']),
        from: isOffset(frame['from']) ? frame['from'] : null,
        to: isOffset(frame['to']) ? frame['to'] : null,
        reason: parseReason(frame['reason']),
      };
    case 'denied':
    case 'unknown':
      return { verdict: frame['verdict'], error: parseWireError(frame['error']) };
    default:
      throw malformed('`verdict` is exact, snapshot, gap, denied or unknown');
  }
}

function parseReason(value: unknown): GapReason {
  // A newer peer's reason is still a gap: the weakest claim is the safe one.
  return value === 'trimmed' || value === 'rolled-back' ? value : 'restarted';
}

function parseResult(value: unknown): PublishResult {
  if (!isJsonObject(value)) throw malformed('a result is an object');
  return value['cursor'] === undefined
    ? { error: parseWireError(value['error']) }
    : { cursor: parseCursor(value['cursor']) };
}
