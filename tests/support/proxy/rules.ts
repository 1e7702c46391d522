// The vocabulary of the faulty proxy: classes of requests, fault modes, rules. Pure data and the
// one function that classifies a request head.

import type { Head } from './http-reader.ts';

export type RequestClass = 'websocket' | 'stream' | 'poll' | 'other';

/** How a connection is ended: `rst` aborts at once, `fin` closes in order. */
export type CutHow = 'rst' | 'fin';

interface Delayed {
  /** Delay of each byte in each direction, so a round trip gains twice this. Default 0. */
  readonly latencyMs?: number;
}

/** Faults that also make sense on a stream that is already flowing. */
export type StreamFault = Delayed &
  (
    | { readonly mode: 'pass' }
    /** An upgrade is let through; after it no frame passes either way; the socket stays open. */
    | { readonly mode: 'upgrade-then-swallow' }
    /** After k server frames (WebSocket frames, HTTP chunks, else reads). `how` defaults to fin. */
    | { readonly mode: 'close-after-frames'; readonly frames: number; readonly how?: CutHow }
    /**
     * The response body is held: for ever by default, or `until: 'end'` of the response as a real
     * buffering proxy does. The head passes unless `head: 'held'`.
     */
    | {
        readonly mode: 'buffer';
        readonly head?: 'passes' | 'held';
        readonly until?: 'never' | 'end';
      }
    /** Held until at least this many bytes are gathered, again and again; the end lets all go. */
    | { readonly mode: 'buffer-bytes'; readonly bytes: number }
    /** One byte at a time to the client, head included. `everyMs` defaults to 4. */
    | { readonly mode: 'drip'; readonly everyMs?: number }
    /** Cut in the middle of server frame `frame` (1 = the first). `how` defaults to fin. */
    | { readonly mode: 'truncate'; readonly frame: number; readonly how?: CutHow }
    /** After `afterFrames` server frames (default 0) no byte moves, no FIN either: half-open. */
    | { readonly mode: 'freeze'; readonly afterFrames?: number }
  );

export type Fault =
  | StreamFault
  | (Delayed &
      (
        | { readonly mode: 'refuse' }
        /** The request is read and never answered; the target never hears of it. */
        | { readonly mode: 'blackhole' }
        /** The proxy answers itself and closes; the target never hears of it. */
        | {
            readonly mode: 'status';
            readonly status: number;
            readonly body?: string;
            readonly headers?: Readonly<Record<string, string>>;
          }
        /** The target's 101 passes, then the connection closes. `how` defaults to fin. */
        | { readonly mode: 'upgrade-then-drop'; readonly how?: CutHow }
        /** The target acts on the request, and no byte of its answer arrives. Default rst. */
        | { readonly mode: 'lose-response'; readonly how?: CutHow }
      ));

export type FaultMode = Fault['mode'];

export interface SeenRequest {
  readonly connection: number;
  /** 1 for the first request of its class that this proxy saw, and so on. */
  readonly ordinal: number;
  readonly class: RequestClass;
  readonly method: string;
  /** Path and query as sent. */
  readonly url: string;
  readonly headers: ReadonlyMap<string, string>;
}

/** A fault, or a choice made per request; `random` is the proxy's seeded sequence. */
export type Rule = Fault | ((request: SeenRequest, random: () => number) => Fault);

/** A class without a rule passes. */
export interface Rules {
  /** At accept, before any byte is read: for networks where nothing at all gets through. */
  readonly connection?: 'pass' | 'refuse' | 'blackhole';
  readonly websocket?: Rule;
  readonly stream?: Rule;
  readonly poll?: Rule;
  readonly other?: Rule;
}

/** Paths that tell a stream or a poll, beside the `Accept` header; tested on path and query. */
export interface ClassPaths {
  readonly stream?: RegExp;
  readonly poll?: RegExp;
}

/**
 * An upgrade to WebSocket, else by path (poll first: a poll may well accept an event stream), else
 * by `Accept: text/event-stream`, else other.
 */
export function classify(head: Head, paths: ClassPaths): RequestClass {
  const url = head.start[1] ?? '';
  if (/\bwebsocket\b/i.test(head.headers.get('upgrade') ?? '')) return 'websocket';
  if (paths.poll?.test(url)) return 'poll';
  if (paths.stream?.test(url)) return 'stream';
  if (/text\/event-stream/i.test(head.headers.get('accept') ?? '')) return 'stream';
  return 'other';
}
