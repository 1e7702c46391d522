// The channel of the probes: numbered ticks, so that a record can be compared with what was published.
// Anyone may read and write it: these tests are about delivery, not about permission.

import { type Contract, defineChannel, type StandardSchema } from '@millrace/protocol';

export interface Tick {
  /** 1, 2, 3 … as its publisher counts. */
  readonly n: number;
  /** When it was published, ms since 1970. */
  readonly sentAt: number;
}

const tickSchema: StandardSchema<Tick> = {
  '~standard': {
    version: 1,
    vendor: 'millrace-tests',
    validate: (value) =>
      isTick(value) ? { value } : { issues: [{ message: 'n and sentAt are numbers' }] },
  },
};

export const probes: Contract<'id', { readonly tick: StandardSchema<Tick> }, undefined> =
  defineChannel({
    type: 'probe',
    params: ['id'],
    events: { tick: tickSchema },
    history: { size: 50_000 },
    access: { subscribe: 'public', publish: 'public' },
  });

/** Keeps no more than five events: for what a reader is told who comes back too late. */
export const shortProbes: Contract<'id', { readonly tick: StandardSchema<Tick> }, undefined> =
  defineChannel({
    type: 'short_probe',
    params: ['id'],
    events: { tick: tickSchema },
    history: { size: 5 },
    access: { subscribe: 'public', publish: 'public' },
  });

function isTick(value: unknown): value is Tick {
  return (
    typeof value === 'object' &&
    value !== null &&
    'n' in value &&
    typeof value.n === 'number' &&
    'sentAt' in value &&
    typeof value.sentAt === 'number'
  );
}
