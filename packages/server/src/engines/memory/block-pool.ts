// Memory outside V8's heap in blocks of 256 bytes to 16 KiB, cut from slabs of 1 MiB and used again. One for each log.
//
// Slabs, because many channels come to need their next block at the same moment: pages of a slab are taken from the
// system one by one as they are written to, where five hundred buffers at once stop the process for 10 ms. And shared
// array buffers, because V8 starts a full collection for every 64 MiB that others grow by, to no avail here.

import { Buffer } from 'node:buffer';

const SLAB_BYTES = 1_048_576;
const MIN_BLOCK_BYTES = 256;
export const MAX_BLOCK_BYTES = 16_384;

export interface Block {
  readonly bytes: Buffer;
  /** Null for a block of its own. */
  readonly slab: Slab | null;
}

interface Slab {
  readonly shelf: Shelf;
  readonly memory: SharedArrayBuffer;
  /** Blocks that were given back. */
  readonly free: Block[];
  /** Where the part begins that was never cut. */
  uncut: number;
  inUse: number;
}

/** The slabs of one size of block. */
interface Shelf {
  readonly blockBytes: number;
  /** Those with room. A slab that is empty is let go unless it is the only one. */
  readonly open: Set<Slab>;
}

export class BlockPool {
  readonly #shelves = new Map<number, Shelf>();
  #slabs = 0;

  /** What its slabs take, in use or not. */
  get bytes(): number {
    return this.#slabs * SLAB_BYTES;
  }

  /** A block of at least that size; what it holds is undefined. Above `MAX_BLOCK_BYTES` it is exactly that size. */
  take(minBytes: number): Block {
    // Given back to the system as it is.
    if (minBytes > MAX_BLOCK_BYTES) return { bytes: Buffer.allocUnsafeSlow(minBytes), slab: null };
    const slab = this.#openSlab(blockBytesFor(minBytes));
    const block = slab.free.pop() ?? cut(slab);
    slab.inUse += 1;
    if (slab.free.length === 0 && slab.uncut === SLAB_BYTES) slab.shelf.open.delete(slab);
    return block;
  }

  /** The block may be somebody else's from now on. */
  give(block: Block): void {
    const { slab } = block;
    if (slab === null) return;
    const { open } = slab.shelf;
    slab.free.push(block);
    slab.inUse -= 1;
    open.add(slab);
    if (slab.inUse > 0 || open.size === 1) return;
    open.delete(slab);
    this.#slabs -= 1;
  }

  #openSlab(blockBytes: number): Slab {
    let shelf = this.#shelves.get(blockBytes);
    if (shelf === undefined) {
      shelf = { blockBytes, open: new Set() };
      this.#shelves.set(blockBytes, shelf);
    }
    for (const slab of shelf.open) return slab;
    this.#slabs += 1;
    const memory = new SharedArrayBuffer(SLAB_BYTES);
    const slab: Slab = { shelf, memory, free: [], uncut: 0, inUse: 0 };
    shelf.open.add(slab);
    return slab;
  }
}

function cut(slab: Slab): Block {
  const { blockBytes } = slab.shelf;
  const bytes = Buffer.from(slab.memory, slab.uncut, blockBytes);
  slab.uncut += blockBytes;
  return { bytes, slab };
}

/** The next power of two. */
function blockBytesFor(minBytes: number): number {
  return Math.max(MIN_BLOCK_BYTES, 2 ** Math.ceil(Math.log2(minBytes)));
}
