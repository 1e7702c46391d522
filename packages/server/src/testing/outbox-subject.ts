// One relay for tests, without a hub, and a way to have it die between any two of its steps: from then on nothing it
// asks is answered, as after a kill. What it had asked for has happened.

import { DEFAULT_LIMITS, type Limits, type MillraceError } from '@millrace/protocol';
import { createOutbox, type Outbox } from '../outbox/outbox.ts';
import type { RelayTiming } from '../outbox/relay.ts';
import type { SqlDatabase } from '../seams/database.ts';
import type { Log } from '../seams/log.ts';

/** Fast enough for a test, with the proportions of the real ones. */
export const QUICK: RelayTiming = {
  ...{ leaseMs: 300, pollMs: 50, restMs: 75 },
  sureMs: 300_000,
};

/** Writes only: its relay dies before its first look. */
export const neverRelays = (step: string): boolean => !step.endsWith('migrate');

export interface OutboxSubject extends AsyncDisposable {
  readonly outbox: Outbox;
  readonly errors: MillraceError[];
}

export interface OutboxSubjectOptions {
  readonly database: SqlDatabase;
  readonly log: Log;
  readonly timing?: Partial<RelayTiming>;
  readonly limits?: Partial<Limits>;
  /** Called before and after each step of the relay; true kills it there. */
  readonly isKilledAt?: (step: string) => boolean;
}

export function runOutbox(options: OutboxSubjectOptions): OutboxSubject {
  const { database, log } = options;
  const errors: MillraceError[] = [];
  let isDead = false;

  /** Begins the work at once: on a database with one connection the order of calls matters. */
  async function step<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    if (dies(`before ${name}`)) return new Promise(() => undefined);
    const result = await work();
    return dies(`after ${name}`) ? new Promise(() => undefined) : result;
  }

  function dies(name: string): boolean {
    isDead ||= options.isKilledAt?.(name) === true;
    return isDead;
  }

  const outbox = createOutbox({
    database: {
      query: (sql, params) => step(stepOf(sql), () => database.query(sql, params)),
      transaction: (run) => step('migrate', () => database.transaction(run)),
      listen: (channel, listener) =>
        step('listen', () => database.listen(channel, (text) => isDead || listener(text))),
    },
    log: {
      read: (...args) => step('read', () => log.read(...args)),
      forget: (...args) => step('forget', () => log.forget(...args)),
    },
    append: (requests) => step('append', () => log.append(requests)),
    onChanged: () => undefined,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    onError: (error) => errors.push(error),
    timing: { ...QUICK, ...options.timing },
  });
  return {
    outbox,
    errors,
    async [Symbol.asyncDispose]() {
      if (!isDead) await outbox.close();
    },
  };
}

const STEPS: Readonly<Record<string, RegExp>> = {
  look: /as is_lapsed/,
  claim: /set holder = \$1/,
  renew: /returning true as is_own/,
  'give up': /set holder = null/,
  'take again': /taken = \$2/,
  take: /batch as materialized/,
  inherit: /any \(relay\.taken\)/,
  settle: /with settled as/,
};

function stepOf(sql: string): string {
  return Object.entries(STEPS).find(([, pattern]) => pattern.test(sql))?.[0] ?? 'other';
}
