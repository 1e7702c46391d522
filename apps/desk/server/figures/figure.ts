// A figure that may not exist: a number, or null and why. Nothing here ever gives NaN or an infinity.

export type Figure =
  | { readonly value: number; readonly why?: undefined }
  /** `why` is a clause that follows "because". */
  | { readonly value: null; readonly why: string };

export function unknown(why: string): Figure {
  return { value: null, why };
}

/** `value` where it is a number, else `why` not. */
export function figure(value: number, why: string): Figure {
  return Number.isFinite(value) ? { value } : unknown(why);
}

/** The mean of a list that is not empty. */
export function meanOf(values: readonly number[]): number {
  return sumOf(values) / values.length;
}

export function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
