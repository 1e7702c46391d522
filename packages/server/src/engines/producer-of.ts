// The producer that an append is checked by, on every engine. Rules: LOG-5, LOG-12.

import type { Producer } from '@millrace/protocol';
import type { AppendEvent } from '../seams/log.ts';

/** A key is a producer that is used once; the letter keeps the two apart. Null where there is neither. */
export function producerOf({ key, producer }: AppendEvent): Producer | null {
  if (key !== undefined) return { id: `k${key}`, epoch: 0, sequence: 1 };
  return producer === undefined ? null : { ...producer, id: `p${producer.id}` };
}
