// The channels of the probes: numbered ticks, so that a record can be compared with what was published.
// Anyone may read and write them: these tests are about delivery, not about permission.

import {
  type Channel,
  type Contract,
  defineChannel,
  type StandardSchema,
} from '@millrace/protocol';

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

/** A tick that is missing, doubled or out of its place shows in it, for ever. */
export interface Tally {
  readonly count: number;
  readonly sum: number;
  /** The last three numbers. */
  readonly last: readonly number[];
  /** Of all numbers in their order, 32 bits. */
  readonly hash: number;
}

export const emptyTally: Tally = { count: 0, sum: 0, last: [], hash: 0 };

/** The reducer of the contracts with state. */
export function countTick({ count, sum, last, hash }: Tally, n: number): Tally {
  return {
    count: count + 1,
    sum: sum + n,
    last: [...last.slice(-2), n],
    hash: (Math.imul(hash, 16_777_619) + n) >>> 0,
  };
}

type Ticks = { readonly tick: StandardSchema<Tick> };

const common = {
  params: ['id'],
  events: { tick: tickSchema },
  access: { subscribe: 'public', publish: 'public' },
} as const;

export const probes: Contract<'id', Ticks, undefined> = defineChannel({
  ...common,
  type: 'probe',
  history: { size: 50_000 },
});

/** Keeps no more than five events: for what a reader is told who comes back too late. */
export const shortProbes: Contract<'id', Ticks, undefined> = defineChannel({
  ...common,
  type: 'short_probe',
  history: { size: 5 },
});

const tally = {
  initial: emptyTally,
  reduce: (state: Tally, { data }: { readonly data: Tick }) => countTick(state, data.n),
};

/** With state and few events kept: who comes late, or back too late, gets the state in place of what was trimmed. */
const talliedProbes: Contract<'id', Ticks, Tally> = defineChannel({
  ...common,
  type: 'tallied_probe',
  history: { size: 10 },
  state: tally,
});

/** Tells states only, at their pace. */
const pacedProbes: Contract<'id', Ticks, Tally> = defineChannel({
  ...common,
  type: 'paced_probe',
  history: { size: 10 },
  state: tally,
  deliver: 'state',
  everyMs: 150,
});

export type ProbeKind = 'plain' | 'short' | 'tallied' | 'paced';

export type ProbeChannel = Channel<Ticks, Tally | undefined>;

export const probeContracts: Readonly<Record<ProbeKind, Contract<'id', Ticks, Tally | undefined>>> =
  {
    plain: probes,
    short: shortProbes,
    tallied: talliedProbes,
    paced: pacedProbes,
  };

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
