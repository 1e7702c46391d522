// A link without a socket: what the hub sends is kept as frames, and how much of it the peer has taken is up to the
// test. Implements the Link seam; the other half is the `Attachment` that the hub returns.

import type { MillraceError } from '@millrace/protocol';
import {
  type ConnectFrame,
  type LiveFrame,
  PROTOCOL_VERSION,
  parseLiveFrame,
  parseServerFrame,
  type ServerFrame,
} from '@millrace/protocol/wire';
import type { Attachment, Link, LinkAcceptor } from '../seams/link.ts';
import { waitFor } from './waiting.ts';

export interface MemoryLink {
  readonly attachment: Attachment;
  readonly frames: readonly ServerFrame[];
  /** Those of presence and of ephemeral events among them. */
  readonly live: readonly LiveFrame[];
  /** Bytes that the peer has not taken; 0 unless `stall` was called. */
  readonly waitingBytes: number;
  /** Why the hub closed it; undefined while it is open, null without a reason. */
  readonly closedWith: MillraceError | null | undefined;
  /** From now on the peer takes nothing. */
  stall(): void;
  /** The peer takes everything, and goes on doing so. */
  flow(): void;
  /** The peer goes away. */
  cut(): void;
  /** The first frame of this type from `from` on. */
  next<Type extends ServerFrame['type']>(
    type: Type,
    from?: number,
  ): Promise<Extract<ServerFrame, { type: Type }>>;
}

let sessions = 0;

/** A `connect` with the given parts; a session of its own unless one is given. */
export function connectFrame(parts: Partial<ConnectFrame> = {}): ConnectFrame {
  sessions += 1;
  return {
    type: 'connect',
    protocol: PROTOCOL_VERSION,
    session: `test-session-${String(sessions).padStart(10, '0')}`,
    link: 1,
    channels: [],
    ...parts,
  };
}

export function openMemoryLink(
  acceptor: LinkAcceptor,
  connect: ConnectFrame,
  address = '127.0.0.1',
): MemoryLink {
  const frames: ServerFrame[] = [];
  const live: LiveFrame[] = [];
  let waitingBytes = 0;
  let isStalled = false;
  let closedWith: MillraceError | null | undefined;
  const link: Link = {
    transport: 'memory',
    beatMs: 20_000,
    send(sent) {
      if (closedWith !== undefined) return;
      for (const { text } of sent) {
        const parsed = parseServerFrame(text);
        frames.push(parsed);
        const known = parsed.type === 'other' ? parseLiveFrame(parsed.frame) : null;
        if (known !== null) live.push(known);
        if (isStalled) waitingBytes += Buffer.byteLength(text);
      }
    },
    close(reason) {
      if (closedWith !== undefined) return;
      if (reason !== null) frames.push({ type: 'error', error: reason });
      closedWith = reason;
      // A transport reports its end later, never inside `close`.
      queueMicrotask(() => attachment.closed());
    },
    bufferedBytes: () => waitingBytes,
  };
  const attachment = acceptor.attach(link, connect, { address, headers: {}, url: '/' });

  return {
    attachment,
    frames,
    live,
    get waitingBytes() {
      return waitingBytes;
    },
    get closedWith() {
      return closedWith;
    },
    stall() {
      isStalled = true;
    },
    flow() {
      isStalled = false;
      waitingBytes = 0;
      attachment.drained();
    },
    cut() {
      closedWith = null;
      attachment.closed();
    },
    next: (type, from = 0) =>
      waitFor(
        `a frame "${type}"`,
        () => frames.slice(from).find((one) => isOfType(one, type)) as never,
      ),
  };
}

function isOfType(frame: ServerFrame, type: ServerFrame['type']): boolean {
  return frame.type === type;
}
