// Reading what scripts answer: a reply of another shape is a defect, and is told as one.

import type { Offset } from '@millrace/protocol';
import { toOffset } from '@millrace/protocol/wire';

export function readList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw misshapen(value);
}

export function readText(value: unknown): string {
  if (typeof value === 'string') return value;
  throw misshapen(value);
}

/** A number, or its digits. */
export function readNumber(value: unknown): number {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number;
  throw misshapen(value);
}

export function readOffset(value: unknown): Offset {
  return toOffset(readNumber(value));
}

/** A time in ms, as ISO 8601. */
export function readTime(value: unknown): string {
  return new Date(readNumber(value)).toISOString();
}

function misshapen(value: unknown): TypeError {
  return new TypeError(`A script answered ${JSON.stringify(value)}, which it never does.`);
}
