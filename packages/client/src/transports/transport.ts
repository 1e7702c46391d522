// The Transport seam: how the client opens one link over one carrier. Imports no implementation.
//
// Contract, in prose:
// - `open` calls no handler before it has returned. It may throw what `closed` would tell.
// - `request.connect()` gives the `connect` frame as of now, with the current cursors: it is called at the
//   moment of sending (poll: before each request), as late as possible.
// - `bytes` is called for whatever arrives, also what is no whole frame; `frame` in the order of arrival.
// - `frame` is also given what ends the link (an `error` without id).
// - `closed` tells why it ended, if no frame did: `link/refused` (nothing ever came) or `link/lost`. Whoever hears
//   it, or such a frame, calls `close()`; after that no handler is called any more.
// - `send` is for carriers with `isDuplex`; on the others it does nothing, and the client opens a new link
//   instead. A leader tab that carries several pages would be one more implementation of this file.

import type { MillraceError } from '@millrace/protocol';
import type { ClientFrame, ConnectFrame, ServerFrame } from '@millrace/protocol/wire';

export type Carrier = 'websocket' | 'sse' | 'poll';

/** The part of the standard WebSocket that is used; `never` lets its own event types and those of others fit. */
export interface Socket {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

/** What a transport may use of its surroundings. */
export interface TransportHost {
  /** ms since 1970. */
  now(): number;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Undefined where there is none: that carrier then fails with `link/refused`. */
  readonly WebSocket: (new (url: string, protocols: string) => Socket) | undefined;
  /** Calls back once after `ms`; returns the function that cancels it. */
  setTimer(callback: () => void, ms: number): () => void;
  /** A place among the streams that the tabs of one origin may hold open (CLI-12), or null when all are taken. */
  acquireSlot(): Promise<(() => void) | null>;
}

export interface LinkRequest {
  /** The hub's address, absolute, without a slash at its end. */
  readonly url: string;
  readonly credentials: RequestCredentials;
  readonly host: TransportHost;
  connect(): ConnectFrame;
}

export interface LinkHandlers {
  bytes(): void;
  frame(frame: ServerFrame): void;
  closed(error: MillraceError): void;
}

export interface TransportLink {
  send(frame: ClientFrame): void;
  /** Ends it and cancels what is pending. Idempotent. */
  close(): void;
}

export interface Transport {
  readonly carrier: Carrier;
  /** Whether `send` works: channels, tokens, publishes and probes then go over the link itself. */
  readonly isDuplex: boolean;
  open(request: LinkRequest, handlers: LinkHandlers): TransportLink;
}
