// The ordered way out to one socket: delays, drips, holds, and the closing that must not overtake
// the bytes before it. Decides nothing; knows no HTTP.

import type { Socket } from 'node:net';
import type { CutHow } from './rules.ts';

export interface Pace {
  /** Delay of each write. */
  readonly latencyMs: number;
  /** One byte per this time; 0 = no drip. */
  readonly dripEveryMs: number;
}

export interface Outlet {
  write(bytes: Buffer): void;
  /** Closes after all that was written before. */
  finish(how: CutHow): void;
  pace(pace: Pace): void;
  hold(): void;
  release(): void;
  /** Drops what has not left and stops; the socket is the owner's. */
  close(): void;
  isFull(): boolean;
}

type Item = { dueAt: number; bytes: Buffer } | { dueAt: number; finish: CutHow };

/** Above it the source is paused, so that a slow reader is felt by the writer at the far end. */
const fullBytes = 64 * 1024;

export function createOutlet(socket: Socket, onRelief: () => void): Outlet {
  let queue: Item[] = [];
  let queuedBytes = 0;
  let currentPace: Pace = { latencyMs: 0, dripEveryMs: 0 };
  let isHeld = false;
  let timer: NodeJS.Timeout | undefined;

  function advance(): void {
    while (!isHeld && timer === undefined) {
      const item = queue[0];
      if (item === undefined) break;
      const wait = item.dueAt - performance.now();
      if (wait > 0) return wake(wait);
      if ('finish' in item) return finishNow(item.finish);
      if (currentPace.dripEveryMs > 0) {
        send(item, 1);
        return wake(currentPace.dripEveryMs);
      }
      send(item, item.bytes.length);
    }
    if (!isFull()) onRelief();
  }

  function send(item: { bytes: Buffer }, count: number): void {
    if (socket.writable) socket.write(item.bytes.subarray(0, count));
    item.bytes = item.bytes.subarray(count);
    queuedBytes -= count;
    if (item.bytes.length === 0) queue.shift();
  }

  function finishNow(how: CutHow): void {
    queue = [];
    if (!socket.writable) return;
    // A reset overtakes bytes that the kernel has not taken yet; the empty write waits for them.
    if (how === 'rst') socket.write('', () => socket.resetAndDestroy());
    else socket.end();
  }

  function wake(waitMs: number): void {
    timer = setTimeout(() => {
      timer = undefined;
      advance();
    }, Math.ceil(waitMs));
  }

  function isFull(): boolean {
    return queuedBytes + socket.writableLength > fullBytes;
  }

  socket.on('drain', advance);
  return {
    write(bytes) {
      queue.push({ dueAt: performance.now() + currentPace.latencyMs, bytes });
      queuedBytes += bytes.length;
      advance();
    },
    finish(how) {
      queue.push({ dueAt: performance.now() + currentPace.latencyMs, finish: how });
      advance();
    },
    pace(pace) {
      currentPace = pace;
      clearTimeout(timer);
      timer = undefined;
      advance();
    },
    hold() {
      isHeld = true;
    },
    release() {
      isHeld = false;
      advance();
    },
    close() {
      queue = [];
      queuedBytes = 0;
      clearTimeout(timer);
      timer = undefined;
      isHeld = true;
      socket.off('drain', advance);
    },
    isFull,
  };
}
