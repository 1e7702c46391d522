// What each fault mode does to one response: which bytes go on, which are held, when the connection
// is cut or frozen. One small object per mode, bytes in, orders out; no socket and no timer here.

import type { CutHow, Fault } from './rules.ts';
import type { Piece } from './ws-frames.ts';

/** The orders a shaper gives; `cut` comes after the bytes let through before it. */
export interface ShaperOrders {
  pass(bytes: Buffer): void;
  cut(how: CutHow): void;
  freeze(): void;
}

export interface Shaper {
  head(bytes: Buffer, status: number): void;
  piece(piece: Piece): void;
  /** The response is complete; false when the client must go on waiting. */
  end(): boolean;
  /** Lets go of what is held, because another fault takes over; false when bytes were lost. */
  release(): boolean;
  /** The target closed; false when the client must not learn of it. */
  tellsClose(): boolean;
  /** The client's bytes after an upgrade are swallowed too. */
  readonly swallowsRequest: boolean;
}

export function createShaper(fault: Fault, orders: ShaperOrders): Shaper {
  switch (fault.mode) {
    case 'pass':
    case 'drip':
    case 'refuse':
    case 'blackhole':
    case 'status':
      return passing(orders, {});
    case 'upgrade-then-drop':
      return passing(orders, {
        head(bytes, status) {
          orders.pass(bytes);
          if (status === 101) orders.cut(fault.how ?? 'fin');
        },
      });
    case 'lose-response':
      return passing(orders, { head: () => orders.cut(fault.how ?? 'rst') });
    case 'upgrade-then-swallow':
      return swallowing(orders);
    case 'close-after-frames':
      return counting(orders, fault.frames, () => orders.cut(fault.how ?? 'fin'));
    case 'freeze':
      return counting(orders, fault.afterFrames ?? 0, () => orders.freeze());
    case 'truncate':
      return truncating(orders, fault.frame, fault.how ?? 'fin');
    case 'buffer':
      return buffering(orders, {
        holdsHead: fault.head === 'held',
        enoughBytes: Number.POSITIVE_INFINITY,
        endLetsGo: fault.until === 'end',
      });
    case 'buffer-bytes':
      return buffering(orders, { holdsHead: false, enoughBytes: fault.bytes, endLetsGo: true });
  }
}

function passing(orders: ShaperOrders, changes: Partial<Shaper>): Shaper {
  return {
    head: (bytes) => orders.pass(bytes),
    piece: (piece) => orders.pass(piece.bytes),
    end: () => true,
    release: () => true,
    tellsClose: () => true,
    swallowsRequest: false,
    ...changes,
  };
}

function swallowing(orders: ShaperOrders): Shaper {
  return passing(orders, {
    piece: () => undefined,
    end: () => false,
    release: () => false,
    tellsClose: () => false,
    swallowsRequest: true,
  });
}

function counting(orders: ShaperOrders, frames: number, act: () => void): Shaper {
  let left = frames;
  return passing(orders, {
    head(bytes) {
      orders.pass(bytes);
      if (left <= 0) act();
    },
    piece(piece) {
      orders.pass(piece.bytes);
      if (piece.endsFrame) left -= 1;
      if (piece.endsFrame && left === 0) act();
    },
  });
}

function truncating(orders: ShaperOrders, frame: number, how: CutHow): Shaper {
  let ended = 0;
  let held: Buffer[] = [];
  return passing(orders, {
    piece(piece) {
      if (ended < frame - 1) orders.pass(piece.bytes);
      else held.push(piece.bytes);
      if (!piece.endsFrame) return;
      ended += 1;
      if (ended < frame) return;
      // The whole frame is gathered first: half of a size line alone would be no torn payload.
      const whole = Buffer.concat(held);
      orders.pass(whole.subarray(0, Math.floor(whole.length / 2)));
      orders.cut(how);
    },
    end() {
      for (const bytes of held.splice(0)) orders.pass(bytes);
      return true;
    },
    release() {
      for (const bytes of held) orders.pass(bytes);
      held = [];
      return true;
    },
  });
}

interface BufferingOptions {
  readonly holdsHead: boolean;
  readonly enoughBytes: number;
  readonly endLetsGo: boolean;
}

function buffering(orders: ShaperOrders, options: BufferingOptions): Shaper {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let isWithheld = false;
  function letGo(): boolean {
    for (const bytes of held) orders.pass(bytes);
    held = [];
    heldBytes = 0;
    return true;
  }
  function gather(bytes: Buffer): void {
    held.push(bytes);
    heldBytes += bytes.length;
    if (heldBytes >= options.enoughBytes) letGo();
  }
  return {
    head: (bytes) => (options.holdsHead ? gather(bytes) : orders.pass(bytes)),
    piece: (piece) => gather(piece.bytes),
    end() {
      isWithheld = !options.endLetsGo;
      return options.endLetsGo && letGo();
    },
    // A complete response that never comes looks like a slow one, so its close is kept back too.
    tellsClose: () => !isWithheld,
    release: letGo,
    swallowsRequest: false,
  };
}
