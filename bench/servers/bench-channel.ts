// The channel of the delivery benches, for its server and for readers that are clients of ours.

import { type Contract, defineChannel, type StandardSchema } from '@millrace/protocol';

export interface Message {
  /** 1, 2, 3 … in its channel. */
  readonly n: number;
  /** When it was made, or due; µs since 1970. */
  readonly t: number;
  readonly ch: string;
  /** Fills the message up to its size. */
  readonly d: string;
}

const message: StandardSchema<Message> = {
  '~standard': {
    version: 1,
    vendor: 'bench',
    validate: (value) => (isMessage(value) ? { value } : { issues: [{ message: 'no message' }] }),
  },
};

export const benchChannel: Contract<'id', { readonly m: typeof message }, undefined> =
  defineChannel({ type: 'bench', params: ['id'], events: { m: message } });

function isMessage(value: unknown): value is Message {
  return (
    typeof value === 'object' &&
    value !== null &&
    'n' in value &&
    typeof value.n === 'number' &&
    't' in value &&
    typeof value.t === 'number' &&
    'ch' in value &&
    typeof value.ch === 'string' &&
    'd' in value &&
    typeof value.d === 'string'
  );
}
