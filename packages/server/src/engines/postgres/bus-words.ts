// Messages of the bus as the payloads of notifications: those of one telling as one text, cut into as many payloads
// as it needs, since PostgreSQL takes 7,999 bytes in one. Rule: BUS-2.
//
//   <who> <number> <piece> <pieces> <a piece of [["<topic>","<text>"],…]>

import { Buffer } from 'node:buffer';
import { isList, parseList } from './json-list.ts';

export const BUS_CHANNEL = 'millrace_bus';

/** Leaves room for what is in front. */
const PIECE_BYTES = 7_900;

export interface BusMessage {
  readonly topic: string;
  readonly text: string;
}

/** `number`: another one for each call, so that no payload is like another: PostgreSQL tells equal ones once. */
export function encodeMessages(
  origin: string,
  number: number,
  messages: readonly BusMessage[],
): readonly string[] {
  const pieces = cut(JSON.stringify(messages.map(({ topic, text }) => [topic, text])));
  return pieces.map((piece, index) => `${origin} ${number} ${index + 1} ${pieces.length} ${piece}`);
}

/** By bytes, and never through a character. */
function cut(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  const pieces: string[] = [];
  let from = 0;
  while (from < bytes.length) {
    let to = Math.min(from + PIECE_BYTES, bytes.length);
    while (to < bytes.length && isWithinCharacter(bytes[to])) to -= 1;
    pieces.push(bytes.toString('utf8', from, to));
    from = to;
  }
  return pieces;
}

function isWithinCharacter(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

export interface MessageJoiner {
  /** What a payload completes; nothing while pieces are missing, and for words of one's own. */
  take(payload: string): readonly BusMessage[];
  /** Pieces may have been lost. */
  clear(): void;
}

/** Pieces of one telling come one after the other, since they were told in one statement. */
export function createMessageJoiner(own: string): MessageJoiner {
  let begun = '';
  let pieces: string[] = [];

  return {
    take(payload) {
      const match = /^(\S+) (\d+) (\d+) (\d+) /.exec(payload);
      if (match === null) return [];
      const [front, origin, number, piece, count] = match;
      if (origin === own) return [];
      if (piece === '1') {
        begun = `${origin} ${number}`;
        pieces = [];
      }
      if (begun !== `${origin} ${number}` || Number(piece) !== pieces.length + 1) return [];
      pieces.push(payload.slice(front.length));
      if (pieces.length < Number(count)) return [];
      const text = pieces.join('');
      pieces = [];
      return parseMessages(text);
    },
    clear() {
      begun = '';
      pieces = [];
    },
  };
}

function parseMessages(text: string): readonly BusMessage[] {
  const messages: BusMessage[] = [];
  for (const entry of parseList(text)) {
    const [topic, words] = isList(entry) ? entry : [];
    if (typeof topic === 'string' && typeof words === 'string') {
      messages.push({ topic, text: words });
    }
  }
  return messages;
}
