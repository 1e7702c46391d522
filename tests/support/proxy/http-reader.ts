// Incremental reader of HTTP/1.1 messages on one direction of a connection: heads, bodies by
// length, by chunks or until close, then the next message. Hands on every byte unchanged; decodes
// nothing. Pull-based, because a pipelined request must wait for the answer to the one before.

import { createWsFramer, type Piece } from './ws-frames.ts';

export interface Head {
  /** The first line's words: method, target, version of a request; version, status of a response. */
  readonly start: readonly string[];
  /** Lower-case names; repeated headers are joined with a comma. */
  readonly headers: ReadonlyMap<string, string>;
}

export type Segment =
  | { readonly kind: 'head'; readonly bytes: Buffer; readonly head: Head }
  | ({ readonly kind: 'body' } & Piece)
  | { readonly kind: 'end' }
  | { readonly kind: 'rubbish'; readonly bytes: Buffer };

/** How a message goes on after its head; `by-headers` reads length and chunking. */
export type BodyRule = 'none' | 'by-headers' | 'by-headers-or-close';

export interface HttpReader {
  push(bytes: Buffer): void;
  next(): Segment | undefined;
  /** From here on the stream is WebSocket frames (after a 101). */
  becomeWebSocket(): void;
  /** The peer finished: true when that completes a body that ends with its connection. */
  finish(): boolean;
}

type Place =
  | { at: 'head' }
  | { at: 'ending' }
  | { at: 'length'; left: number }
  | { at: 'chunk-line' }
  | { at: 'chunk'; left: number }
  | { at: 'trailer' }
  | { at: 'until-close' }
  | { at: 'websocket'; split: (read: Buffer) => Piece[]; ready: Piece[] }
  | { at: 'rubbish' };

const maxHeadBytes = 128 * 1024;
const none = Buffer.alloc(0);

export function createHttpReader(bodyRule: (head: Head) => BodyRule): HttpReader {
  let place: Place = { at: 'head' };
  let pending: Buffer = none;

  function take(count: number): Buffer {
    const bytes = pending.subarray(0, count);
    pending = pending.subarray(count);
    return bytes;
  }

  function takeLine(): Buffer | undefined {
    const end = pending.indexOf('\r\n');
    return end < 0 ? undefined : take(end + 2);
  }

  function readHead(): Segment | undefined {
    const end = pending.indexOf('\r\n\r\n');
    if (end < 0 && pending.length <= maxHeadBytes) return undefined;
    const head = end < 0 ? undefined : parseHead(pending.toString('latin1', 0, end));
    if (head === undefined) {
      place = { at: 'rubbish' };
      return { kind: 'rubbish', bytes: take(pending.length) };
    }
    place = placeAfter(head, bodyRule(head));
    return { kind: 'head', bytes: take(end + 4), head };
  }

  function readSome(left: number, onDone: Place, endsFrame: 'each-read' | 'at-end'): Segment {
    const bytes = take(Math.min(left, pending.length));
    const isDone = bytes.length === left;
    if (isDone) place = onDone;
    else if (place.at === 'length' || place.at === 'chunk') place.left = left - bytes.length;
    return { kind: 'body', bytes, endsFrame: isDone || endsFrame === 'each-read' };
  }

  function readChunkLine(): Segment | undefined {
    const line = takeLine();
    if (line === undefined) return undefined;
    const size = Number.parseInt(line.toString('latin1'), 16);
    if (Number.isNaN(size)) place = { at: 'rubbish' };
    else place = size === 0 ? { at: 'trailer' } : { at: 'chunk', left: size + 2 };
    return { kind: 'body', bytes: line, endsFrame: false };
  }

  function readTrailer(): Segment | undefined {
    const line = takeLine();
    if (line === undefined) return undefined;
    if (line.length === 2) place = { at: 'ending' };
    return { kind: 'body', bytes: line, endsFrame: false };
  }

  function next(): Segment | undefined {
    if (place.at === 'ending') {
      place = { at: 'head' };
      return { kind: 'end' };
    }
    if (place.at === 'websocket') {
      if (pending.length > 0) place.ready.push(...place.split(take(pending.length)));
      const piece = place.ready.shift();
      return piece && { kind: 'body', ...piece };
    }
    if (pending.length === 0) return undefined;
    switch (place.at) {
      case 'head':
        return readHead();
      case 'length':
        return readSome(place.left, { at: 'ending' }, 'each-read');
      case 'chunk':
        return readSome(place.left, { at: 'chunk-line' }, 'at-end');
      case 'chunk-line':
        return readChunkLine();
      case 'trailer':
        return readTrailer();
      case 'until-close':
        return { kind: 'body', bytes: take(pending.length), endsFrame: true };
      case 'rubbish':
        return { kind: 'rubbish', bytes: take(pending.length) };
    }
  }

  return {
    push(bytes) {
      pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes]);
    },
    next,
    becomeWebSocket() {
      place = { at: 'websocket', split: createWsFramer(), ready: [] };
    },
    finish: () => place.at === 'until-close',
  };
}

function placeAfter(head: Head, rule: BodyRule): Place {
  if (rule === 'none') return { at: 'ending' };
  if (/\bchunked\b/i.test(head.headers.get('transfer-encoding') ?? '')) return { at: 'chunk-line' };
  const length = Number(head.headers.get('content-length') ?? Number.NaN);
  if (length > 0) return { at: 'length', left: length };
  if (length === 0 || rule === 'by-headers') return { at: 'ending' };
  return { at: 'until-close' };
}

function parseHead(text: string): Head | undefined {
  const [first = '', ...lines] = text.split('\r\n');
  const start = first.split(' ');
  if (start.length < 2 || !/HTTP\/1\.[01]/.test(first)) return undefined;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon <= 0) return undefined;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return { start, headers };
}
