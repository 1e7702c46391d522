// The Link seam: one physical attachment as the hub sees it (a WebSocket, an SSE response, one poll).
// A transport makes links and feeds what arrives into the `Attachment` that the hub returns. Rules: LINK-7, LIM-6.
//
// Contract, in prose: `send` never throws, never blocks and calls nothing back while it runs; frames leave
// in order, those of one call in one write where the carrier can; the list is the caller's and is not kept.
// After `close` it does nothing. The transport calls `drained` once its own queue is empty again after it was
// not, and `closed` exactly once, whoever closed. The hub never holds a reference to a link after `closed`.

import type { MillraceError } from '@millrace/protocol';
import type { ClientFrame, ConnectFrame, LiveFrame, ServerFrame } from '@millrace/protocol/wire';
import type { LogEntry } from './log.ts';

/** What goes on the wire. A string holds one byte a character (latin1): cheaper than a buffer where it is short. */
export type WireBytes = string | Uint8Array;

/** A carrier's own form of a frame, e.g. with a WebSocket header in front. One object per transport. */
export interface Carrier {
  encode(frame: OutboundFrame): WireBytes;
}

/** What an `events` frame holds, for carriers that do not speak frames. */
export interface EventBatch {
  readonly epoch: string;
  readonly entries: readonly LogEntry[];
}

/** A frame's text, and its form for each carrier, made at most once however many links it goes to. */
export interface OutboundFrame {
  readonly type: ServerFrame['type'] | LiveFrame['type'];
  readonly text: string;
  /** Null on every frame but `events`. */
  readonly batch: EventBatch | null;
  as(carrier: Carrier): WireBytes;
}

export interface Link {
  readonly transport: string;
  /** The beat of this carrier unless `connect` asks for a faster one, ms. */
  readonly beatMs: number;
  send(frames: readonly OutboundFrame[]): void;
  /** Sends what is queued, tells the reason as the carrier can, and closes. Idempotent. */
  close(reason: MillraceError | null): void;
  /** Bytes accepted by `send` that the peer's kernel has not taken yet. */
  bufferedBytes(): number;
}

/** What the hub gives back for a link: the transport reports everything here. */
export interface Attachment {
  /**
   * Resolves when every channel of `connect` has its verdict and has caught up, when the link has no room
   * for more, or when it has closed. Never rejects.
   */
  readonly ready: Promise<void>;
  received(frame: ClientFrame): void;
  /** What arrived cannot be read, or broke a limit: the hub ends the link with this. */
  failed(error: MillraceError): void;
  drained(): void;
  closed(): void;
}

/** How a transport hands a new link to the hub, once its `connect` has arrived. */
export interface LinkAcceptor {
  /**
   * Counts one that is there but has not sent its `connect` yet, until the returned function is called; the same
   * limit of links holds for both. @throws MillraceError `limit/links`, `server/shutdown`
   */
  admit(peer: Peer): () => void;
  attach(link: Link, connect: ConnectFrame, peer: Peer): Attachment;
}

/** What is known of the other side before it says anything. */
export interface Peer {
  readonly address: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Path and query as asked for. */
  readonly url: string;
}
