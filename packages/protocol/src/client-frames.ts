// Frames from client to server, and their parser. Rules: LINK-1, LINK-2, SUB-1, PUB-1, LIM-1.
// On a WebSocket each is one text message; on SSE and long-poll the request's body is the `connect`.

import { type Cursor, encodeCursor, parseCursor } from './cursor.ts';
import { MillraceError } from './errors.ts';
import {
  malformed,
  optionalString,
  optionalWhole,
  parseJsonObject,
  requiredList,
  requiredObject,
  requiredString,
  requiredWhole,
} from './json.ts';
import { isJsonObject } from './json-object.ts';
import { type PresenceItem, parseEphemeralItem, parsePresenceItems } from './presence-frames.ts';
import { type PublishItem, parseName, parsePublishItems } from './publish-item.ts';

/** The version of this protocol. A server refuses another major one with `protocol/version`. */
export const PROTOCOL_VERSION = 1;

/** The WebSocket subprotocol of this protocol. */
export const SUBPROTOCOL = 'millrace.1';

/** Where a subscription begins: at a cursor, or for a first one at the live end, the first kept event, or the last n. */
export type Start = Cursor | 'now' | 'start' | { readonly last: number };

export interface SubscribeItem {
  readonly channel: string;
  readonly start: Start;
  /** The contract's version the reader was built with. */
  readonly version: number;
}

export interface ConnectFrame {
  readonly type: 'connect';
  readonly protocol: number;
  /** 128 random bits, base64url; a secret. The same on every link of one session. */
  readonly session: string;
  /** Number of the link in its session, rising: the server closes the lower of two. */
  readonly link: number;
  readonly token?: string | undefined;
  /** Asked beat, ms. */
  readonly beatMs?: number | undefined;
  /** Long-poll only: how long the server may hold the answer, ms; 0 answers at once. */
  readonly holdMs?: number;
  readonly channels: readonly SubscribeItem[];
  /** What the session wants of channels besides their events. */
  readonly presence?: readonly PresenceItem[];
}

export type ClientFrame =
  | ConnectFrame
  | { readonly type: 'subscribe'; readonly channels: readonly SubscribeItem[] }
  | { readonly type: 'unsubscribe'; readonly channels: readonly string[] }
  | { readonly type: 'publish'; readonly id: number; readonly events: readonly PublishItem[] }
  /** Each item replaces what the session wanted of its channel; none answers a roll call. */
  | { readonly type: 'presence'; readonly channels: readonly PresenceItem[] }
  | {
      readonly type: 'ephemeral';
      readonly channel: string;
      readonly event: { readonly type: string; readonly data: unknown };
    }
  | { readonly type: 'token'; readonly token: string }
  | { readonly type: 'probe' };

export function encodeClientFrame(frame: ClientFrame): string {
  const hasItems = frame.type === 'connect' || frame.type === 'subscribe';
  return JSON.stringify(hasItems ? { ...frame, channels: frame.channels.map(encodeItem) } : frame);
}

/**
 * The frame, or null for a type this build does not know, which is skipped (LINK-2).
 * @throws MillraceError `protocol/malformed`, `cursor/malformed`, `channel/invalid-name`
 */
export function parseClientFrame(text: string): ClientFrame | null {
  const frame = parseJsonObject(text);
  switch (frame['type']) {
    case 'connect':
      return parseConnect(frame);
    case 'subscribe':
      return {
        type: 'subscribe',
        channels: requiredList(frame['channels'], 'channels').map(parseItem),
      };
    case 'unsubscribe':
      return {
        type: 'unsubscribe',
        channels: requiredList(frame['channels'], 'channels').map(parseName),
      };
    case 'publish':
      return {
        type: 'publish',
        id: requiredWhole(frame['id'], 'id'),
        events: parsePublishItems(frame['events']),
      };
    case 'presence':
      return { type: 'presence', channels: parsePresenceItems(frame['channels']) };
    case 'ephemeral':
      return { type: 'ephemeral', ...parseEphemeralItem(frame) };
    case 'token':
      return { type: 'token', token: requiredString(frame['token'], 'token') };
    case 'probe':
      return { type: 'probe' };
    default:
      if (typeof frame['type'] === 'string') return null;
      throw malformed('`type` is a string');
  }
}

function parseConnect(frame: Readonly<Record<string, unknown>>): ConnectFrame {
  const protocol = requiredWhole(frame['protocol'], 'protocol');
  if (protocol !== PROTOCOL_VERSION) {
    throw new MillraceError(
      'protocol/version',
      `This server speaks protocol ${PROTOCOL_VERSION}, the client ${protocol}. Load the page again.`,
      { details: { protocol: PROTOCOL_VERSION } },
    );
  }
  const token = optionalString(frame['token'], 'token');
  const beatMs = optionalWhole(frame['beatMs'], 'beatMs');
  const holdMs = optionalWhole(frame['holdMs'], 'holdMs');
  return {
    type: 'connect',
    protocol,
    session: parseSession(frame['session']),
    link: requiredWhole(frame['link'], 'link'),
    ...(token === undefined ? {} : { token }),
    ...(beatMs === undefined ? {} : { beatMs }),
    ...(holdMs === undefined ? {} : { holdMs }),
    channels: requiredList(frame['channels'], 'channels').map(parseItem),
    ...(frame['presence'] === undefined ? {} : { presence: parsePresenceItems(frame['presence']) }),
  };
}

/** @throws MillraceError `protocol/malformed` */
export function parseSession(value: unknown): string {
  if (typeof value === 'string' && /^[A-Za-z0-9_-]{22,64}$/.test(value)) return value;
  throw malformed('`session` is 22 to 64 characters of base64url');
}

function encodeItem({ channel, start, version }: SubscribeItem): unknown {
  if (typeof start === 'object' && 'epoch' in start)
    return { channel, version, cursor: encodeCursor(start) };
  return { channel, version, from: start };
}

function parseItem(value: unknown): SubscribeItem {
  const item = requiredObject(value, 'each of `channels`');
  const version = optionalWhole(item['version'], 'version') ?? 1;
  const channel = parseName(item['channel']);
  if (item['cursor'] !== undefined) return { channel, version, start: parseCursor(item['cursor']) };
  return { channel, version, start: parseFrom(item['from']) };
}

function parseFrom(value: unknown): Start {
  if (value === undefined || value === 'now') return 'now';
  if (value === 'start') return 'start';
  if (isJsonObject(value)) return { last: requiredWhole(value['last'], 'from.last') };
  throw malformed('`from` is "now", "start" or `{last}`');
}
