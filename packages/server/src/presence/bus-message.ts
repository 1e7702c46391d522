// What nodes tell each other about presence, as texts on the bus. Each carries a version, and one that cannot be read is
// skipped, so that nodes of two versions run beside each other. Pure. Rules: PRES-9, PRES-10.
//
//   on `presence` (every node)               beat · gone · ask, for one node
//   on `presence:CHANNEL` (who cares for it) diff · state · leave · ask, for all

import { isJsonObject } from '@millrace/protocol/wire';
import { asList, decodeEntry, type Entry, encodeEntry, parseObject } from './entry.ts';

/** How a room stands at its node, so that the others see what they have lost. */
export interface RoomMark {
  readonly channel: string;
  readonly seq: number;
  readonly hash: string;
}

export type BusMessage =
  /** It lives. Names the channels that changed since the last one; all that it has, where `whole` says so. */
  | {
      readonly type: 'beat';
      readonly node: string;
      /** One more than that of the one before: who misses one knows it. */
      readonly count: number;
      /** The beats from `first` on name all, as of the node's `seq`. */
      readonly whole: { readonly first: number; readonly seq: number } | null;
      readonly rooms: readonly RoomMark[];
    }
  /** It ends; its sessions have `keepMs` to turn up elsewhere. */
  | { readonly type: 'gone'; readonly node: string; readonly keepMs: number }
  /** Wants the state of these channels, of one node or (null) of all; without channels: that the node names all it has. */
  | {
      readonly type: 'ask';
      readonly node: string;
      readonly to: string | null;
      readonly channels: readonly string[];
    }
  /** What changed of the node's own sessions. `before` is the `seq` that it follows in this channel; 0: none were told. */
  | {
      readonly type: 'diff';
      readonly node: string;
      readonly before: number;
      readonly seq: number;
      /** Of the node's sessions of the channel, after it. */
      readonly hash: string;
      readonly entries: readonly Entry[];
      readonly left: readonly string[];
    }
  /** All of the node's own sessions of the channel at `seq`, in `pages` messages. */
  | {
      readonly type: 'state';
      readonly node: string;
      readonly seq: number;
      readonly hash: string;
      readonly page: number;
      readonly pages: number;
      readonly entries: readonly Entry[];
    }
  /** The session has left, and told so another node than the one that holds it. */
  | {
      readonly type: 'leave';
      readonly node: string;
      readonly key: string;
      readonly user: string;
      readonly link: number;
    };

const VERSION = 1;

/**
 * Bytes of what a message lists; what is more becomes several. Under 8,000 with all around it, which is what a
 * PostgreSQL notification holds. One entry alone may be larger: it is never split.
 */
export const MAX_LIST_BYTES = 6_500;

export function encodeBusMessage(message: BusMessage): string {
  if (message.type === 'diff' || message.type === 'state') {
    const { entries, ...rest } = message;
    // Each entry is encoded once: it is a text in the list already.
    const list = entries.map(encodeEntry).join(',');
    return `${JSON.stringify({ v: VERSION, ...rest }).slice(0, -1)},"entries":[${list}]}`;
  }
  if (message.type === 'beat') {
    const rooms = message.rooms.map(({ channel, seq, hash }) => [channel, seq, hash]);
    return JSON.stringify({ v: VERSION, ...message, rooms });
  }
  return JSON.stringify({ v: VERSION, ...message });
}

/** Null for what is none, or of another version. */
export function decodeBusMessage(text: string): BusMessage | null {
  const value = parseObject(text);
  if (value === null || value['v'] !== VERSION) return null;
  const { type, node, seq, hash } = value;
  if (typeof node !== 'string') return null;
  switch (type) {
    case 'gone':
      return isNumber(value['keepMs']) ? { type, node, keepMs: value['keepMs'] } : null;
    case 'beat': {
      const rooms = listOf(value['rooms'], decodeMark);
      const { count, whole } = value;
      return rooms !== null && isNumber(count)
        ? { type, node, count, whole: decodeWhole(whole), rooms }
        : null;
    }
    case 'ask': {
      const channels = listOf(value['channels'], stringOrNull);
      const { to } = value;
      return channels !== null && (to === null || typeof to === 'string')
        ? { type, node, to, channels }
        : null;
    }
    case 'diff': {
      const entries = listOf(value['entries'], (one) => decodeEntry(one, node));
      const left = listOf(value['left'], stringOrNull);
      const { before } = value;
      return entries && left && isNumber(before) && isNumber(seq) && typeof hash === 'string'
        ? { type, node, before, seq, hash, entries, left }
        : null;
    }
    case 'state': {
      const entries = listOf(value['entries'], (one) => decodeEntry(one, node));
      const { page, pages } = value;
      return entries &&
        isNumber(page) &&
        isNumber(pages) &&
        isNumber(seq) &&
        typeof hash === 'string'
        ? { type, node, seq, hash, page, pages, entries }
        : null;
    }
    case 'leave': {
      const { key, user, link } = value;
      return typeof key === 'string' && typeof user === 'string' && isNumber(link)
        ? { type, node, key, user, link }
        : null;
    }
    default:
      return null;
  }
}

/** The items in lists of at most `maxBytes`, in their order; none for no items. */
export function splitBySize<Item>(
  items: Iterable<Item>,
  bytesOf: (item: Item) => number,
  maxBytes: number = MAX_LIST_BYTES,
): Item[][] {
  const lists: Item[][] = [];
  let bytes = 0;
  for (const item of items) {
    const more = bytesOf(item);
    const last = lists.at(-1);
    if (last === undefined || bytes + more > maxBytes) {
      lists.push([item]);
      bytes = more;
    } else {
      last.push(item);
      bytes += more;
    }
  }
  return lists;
}

function decodeWhole(value: unknown): { readonly first: number; readonly seq: number } | null {
  if (!isJsonObject(value)) return null;
  const { first, seq } = value;
  return isNumber(first) && isNumber(seq) ? { first, seq } : null;
}

function decodeMark(value: unknown): RoomMark | null {
  const [channel, seq, hash] = asList(value);
  return typeof channel === 'string' && isNumber(seq) && typeof hash === 'string'
    ? { channel, seq, hash }
    : null;
}

/** Null when one of them is: half a list would be taken for the whole. */
function listOf<Item>(value: unknown, decode: (one: unknown) => Item | null): Item[] | null {
  if (!Array.isArray(value)) return null;
  const list: Item[] = [];
  for (const one of value) {
    const item = decode(one);
    if (item === null) return null;
    list.push(item);
  }
  return list;
}

function stringOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}
