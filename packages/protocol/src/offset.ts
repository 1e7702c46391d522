// Offsets: contiguous integers 1, 2, 3 … of one channel in one epoch. Rules: CUR-1, CUR-2.
// The only file that makes an Offset out of a number.

declare const offsetBrand: unique symbol;

/** Position of an event in its channel. 0 stands before the first event. Compare and store; never compute elsewhere. */
export type Offset = number & { readonly [offsetBrand]: true };

export const ZERO_OFFSET: Offset = 0 as Offset;

export function isOffset(value: unknown): value is Offset {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** @throws RangeError when `value` is no safe integer ≥ 0: always a defect of the caller, never input. */
export function toOffset(value: number): Offset {
  if (!isOffset(value)) throw new RangeError(`Not an offset: ${value}`);
  return value;
}

export function nextOffset(offset: Offset): Offset {
  return (offset + 1) as Offset;
}

export function previousOffset(offset: Offset): Offset {
  return toOffset(Math.max(0, offset - 1));
}
