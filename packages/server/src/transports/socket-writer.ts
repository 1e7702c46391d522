// What is written to one TCP socket, in order, and how much of it the peer's kernel has not taken: to the handle where
// that is possible, else to the stream. What comes while a write waits is gathered, and goes out in as few writes as
// a page is large. Refuses to own: limits (link-queue.ts), when to close. Rules: SUB-8.
//
//   stream ◀── endDirect ── direct: free ──not all taken──▶ direct: waiting (backlog) ──taken──▶ free, drained

import type { Duplex } from 'node:stream';
import type { WireBytes } from '../seams/link.ts';
import type { DirectWrites, TcpHandle, Writing } from './direct-writes.ts';

/** Bytes of one write of what has gathered: progress is seen in steps of at most this. */
const MAX_JOINED_BYTES = 65_536;

/** Who writes. */
export interface WriterOwner {
  /** What waited is taken. */
  drained(): void;
}

/** A class: one for each link, ten thousand of them idle. */
export class SocketWriter implements Writing {
  readonly #socket: Duplex;
  readonly #direct: DirectWrites | null;
  readonly #owner: WriterOwner;
  /** Null: the stream is used. */
  #handle: TcpHandle | null;
  /** What the handle was given and has not taken whole. */
  #waitingBytes = 0;
  #backlogBytes = 0;
  #backlog: WireBytes[] | null = null;

  constructor(socket: Duplex, direct: DirectWrites | null, owner: WriterOwner) {
    this.#socket = socket;
    this.#direct = direct;
    this.#owner = owner;
    this.#handle = direct?.handleOf(socket) ?? null;
  }

  get bufferedBytes(): number {
    const own = this.#waitingBytes + this.#backlogBytes;
    return this.#handle === null ? own + this.#socket.writableLength : own;
  }

  /** Whether something waits, and `drained` will tell when it does not any more. */
  get isFull(): boolean {
    return this.#handle === null ? this.#socket.writableNeedDrain : this.#waitingBytes > 0;
  }

  write(bytes: WireBytes): void {
    const handle = this.#handle;
    if (handle === null) this.#socket.write(bytes, 'latin1');
    else if (this.#waitingBytes > 0) this.#gather(bytes);
    else this.#put(handle, bytes);
  }

  /** Several at once, in as few writes as a page is large: one nearly always. */
  writeAll(all: readonly WireBytes[]): void {
    let rest = all;
    while (rest.length > 0) {
      const count = countJoined(rest);
      this.write(join(rest.slice(0, count)));
      rest = rest.slice(count);
    }
  }

  /** From now on through the stream, in order after what was written: so that the stream's `end` comes last. */
  endDirect(): void {
    if (this.#handle === null) return;
    this.#handle = null;
    const backlog = this.#backlog;
    this.#backlog = null;
    this.#backlogBytes = 0;
    for (const bytes of backlog ?? []) this.#socket.write(bytes, 'latin1');
  }

  /** The socket is gone. */
  stop(): void {
    this.#handle = null;
    this.#backlog = null;
    this.#backlogBytes = 0;
    this.#waitingBytes = 0;
  }

  #put(handle: TcpHandle, bytes: WireBytes): void {
    const result = this.#direct?.write(handle, bytes, this);
    if (result === 'done') return;
    if (result === 'waiting') {
      this.#waitingBytes = bytes.length;
      return;
    }
    this.#handle = null;
    // What is written from now on must not reach the peer without this. `close` comes later.
    this.#socket.destroy();
  }

  #gather(bytes: WireBytes): void {
    this.#backlog ??= [];
    this.#backlog.push(bytes);
    this.#backlogBytes += bytes.length;
  }

  taken(status: number): void {
    this.#waitingBytes = 0;
    const handle = this.#handle;
    if (handle === null) return;
    if (status < 0) {
      this.#handle = null;
      this.#socket.destroy();
      return;
    }
    while (this.#backlog !== null && this.#waitingBytes === 0 && this.#handle !== null) {
      this.#put(handle, this.#takeBacklog(this.#backlog));
    }
    if (this.#waitingBytes === 0 && this.#handle !== null) this.#owner.drained();
  }

  /** As much of the backlog as one write takes, one piece at least. */
  #takeBacklog(backlog: WireBytes[]): WireBytes {
    const taken = backlog.splice(0, countJoined(backlog));
    for (const { length } of taken) this.#backlogBytes -= length;
    if (backlog.length === 0) this.#backlog = null;
    return join(taken);
  }
}

/** How many of them make one write, one at least. */
function countJoined(all: readonly WireBytes[]): number {
  let count = 0;
  let bytes = 0;
  for (const { length } of all) {
    bytes += length;
    if (count > 0 && bytes > MAX_JOINED_BYTES) break;
    count += 1;
  }
  return count;
}

function join(all: readonly WireBytes[]): WireBytes {
  const [first] = all;
  if (first !== undefined && all.length === 1) return first;
  const texts: string[] = [];
  for (const one of all) if (typeof one === 'string') texts.push(one);
  if (texts.length === all.length) return texts.join('');
  const buffers = all.map((one) => (typeof one === 'string' ? Buffer.from(one, 'latin1') : one));
  return buffers.length === 1 && buffers[0] !== undefined ? buffers[0] : Buffer.concat(buffers);
}
