// A value as it comes out of a log: what JSON leaves out is left out, and a missing one is null.

import type { Json } from '@millrace/protocol/runs';

export function jsonOf(value: unknown): Json {
  const text: string | undefined = JSON.stringify(value);
  return text === undefined ? null : (JSON.parse(text) as Json);
}
