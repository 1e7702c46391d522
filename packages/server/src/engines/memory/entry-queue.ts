// One channel's kept entries, oldest first, as bytes outside V8's heap: trimmed from the front, read by offset.
// As strings each of them was copied or marked by one collection after another, which cost more than to deliver it
// (`npm run bench -- token-streams`). A read makes the strings of its page anew.
//
// A chunk is a run of records: length of the text (4 bytes), when it was accepted (8, ms since 1970), the text in UTF-8.
// Rules: LOG-3, LOG-8.

import { Buffer } from 'node:buffer';
import type { Offset } from '@millrace/protocol';
import { nextOffset, toOffset, ZERO_OFFSET } from '@millrace/protocol/wire';
import type { LogEntry, PageSize } from '../../seams/log.ts';
import { type Block, type BlockPool, MAX_BLOCK_BYTES } from './block-pool.ts';

const HEAD_BYTES = 12;

interface Chunk {
  readonly block: Block;
  /** Of its first record. */
  readonly begin: Offset;
  count: number;
  used: number;
}

/** What goes: the oldest while they are over `size` or older, never past `upTo`. */
export interface Trim {
  readonly upTo: Offset;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly acceptedBefore: number;
}

/** A class: one for each channel. */
export class EntryQueue {
  readonly #pool: BlockPool;
  /** Oldest first; a chunk is given back with its last record. */
  #chunks: Chunk[] = [];
  #newest: Offset = ZERO_OFFSET;
  #count = 0;
  #bytes = 0;
  /** Where the oldest kept record of the first chunk begins. */
  #start = 0;

  constructor(pool: BlockPool) {
    this.#pool = pool;
  }

  /** Offset of the oldest kept entry; undefined when none is. */
  get first(): Offset | undefined {
    return this.#count === 0 ? undefined : toOffset(this.#newest - this.#count + 1);
  }

  /** Its offset follows on that of the one before. */
  push({ offset, text }: LogEntry, acceptedAt: number): void {
    const chunk = this.#chunkFor(text, offset);
    const { used } = chunk;
    const { bytes } = chunk.block;
    const length = bytes.write(text, used + HEAD_BYTES);
    bytes.writeUInt32LE(length, used);
    bytes.writeDoubleLE(acceptedAt, used + 4);
    chunk.used = used + HEAD_BYTES + length;
    chunk.count += 1;
    this.#newest = offset;
    this.#count += 1;
    this.#bytes += HEAD_BYTES + length;
  }

  /** The kept entries after `offset`, as many as the page takes. */
  after(offset: Offset, { maxEvents, maxBytes }: PageSize): readonly LogEntry[] {
    const entries: LogEntry[] = [];
    const oldest = this.first;
    if (oldest === undefined) return entries;
    let next = offset < oldest ? oldest : nextOffset(offset);
    const upTo = Math.min(this.#newest, next + maxEvents - 1);
    let bytesLeft = maxBytes;
    for (let index = this.#chunkOf(next); next <= upTo; index += 1) {
      const chunk = this.#chunks[index];
      if (chunk === undefined) break;
      const { bytes } = chunk.block;
      const end = chunk.begin + chunk.count;
      for (let at = placeOf(chunk, next); next < end && next <= upTo; next = nextOffset(next)) {
        const length = bytes.readUInt32LE(at);
        bytesLeft -= length;
        if (bytesLeft < 0 && entries.length > 0) return entries;
        const begin = at + HEAD_BYTES;
        at = begin + length;
        entries.push({ offset: next, text: bytes.toString('utf8', begin, at) });
      }
    }
    return entries;
  }

  trim({ upTo, size, acceptedBefore }: Trim): void {
    for (let oldest = this.first; oldest !== undefined && oldest <= upTo; oldest = this.first) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) return;
      const { bytes } = chunk.block;
      const acceptedAt = bytes.readDoubleLE(this.#start + 4);
      if (this.#count <= size && acceptedAt >= acceptedBefore) return;
      const length = HEAD_BYTES + bytes.readUInt32LE(this.#start);
      this.#count -= 1;
      this.#bytes -= length;
      this.#start += length;
      if (this.#start < chunk.used) continue;
      this.#chunks.shift();
      this.#pool.give(chunk.block);
      this.#start = 0;
    }
  }

  /** Lets go of everything. Nothing may be pushed afterwards. */
  clear(): void {
    for (const { block } of this.#chunks) this.#pool.give(block);
    this.#chunks = [];
    this.#count = 0;
  }

  /** One with room for the text, whatever its characters take. */
  #chunkFor(text: string, offset: Offset): Chunk {
    const last = this.#chunks.at(-1);
    if (last !== undefined) {
      const room = last.block.bytes.length - last.used - HEAD_BYTES;
      // A character of UTF-16 is three bytes of UTF-8 at most: a short text need not be measured.
      if (text.length * 3 <= room || Buffer.byteLength(text) <= room) return last;
    }
    // As large as what is kept already: little is wasted on a channel of few entries.
    const wanted = Math.min(this.#bytes, MAX_BLOCK_BYTES);
    const block = this.#pool.take(Math.max(wanted, HEAD_BYTES + Buffer.byteLength(text)));
    const chunk: Chunk = { block, begin: offset, count: 0, used: 0 };
    this.#chunks.push(chunk);
    return chunk;
  }

  /** Index of the chunk that holds the entry. From the end: nearly all reads are of what is new. */
  #chunkOf(offset: Offset): number {
    return this.#chunks.findLastIndex(({ begin }) => begin <= offset);
  }
}

/** Where the record of that offset begins. */
function placeOf({ block, begin }: Chunk, offset: Offset): number {
  const { bytes } = block;
  let at = 0;
  for (let index = begin; index < offset; index = nextOffset(index)) {
    at += HEAD_BYTES + bytes.readUInt32LE(at);
  }
  return at;
}
