// The one loop of the outbox on a hub: looks, and while the lease is its own takes rows, has them delivered, settles
// them. Any number of hubs run it; the lease lets one relay, and what a hub that lost it without knowing still does is
// void. Refuses to own: statements (outbox-store.ts), what a row means (deliver.ts). Rules: OUT-2 … OUT-8.
//
//   watching ── free, or lapsed while rows wait: claim ──► relaying: what was left to it first
//      ▲                                                       │ take ► deliver ► settle ► take …
//      └── lease lost, or given up after failures ◄────────────┘ nothing waits: until it is told, or the next look

import { setImmediate } from 'node:timers/promises';
import { type MillraceError, toMillraceError } from '@millrace/protocol';
import { backoffMs } from '../engines/backoff.ts';
import type { Log } from '../seams/log.ts';
import { createAlarm } from './alarm.ts';
import { ageMs, type Batch, momentNow, movedAside, msSince, toBatch, without } from './batch.ts';
import type { Deliver, Settlement } from './deliver.ts';
import { findDelivered } from './delivered-before.ts';
import type { OutboxLook, OutboxStore } from './outbox-store.ts';

export interface RelayTiming {
  /** How long a lease lasts from its last renewal, by the database's clock. */
  readonly leaseMs: number;
  /** How often the outbox is looked at where nothing wakes the relay. */
  readonly pollMs: number;
  /** How long one that gave up keeps away: longer than the others need to look once. */
  readonly restMs: number;
  /** What was taken longer ago is looked for in the log before it is repeated; half of what keys are remembered for. */
  readonly sureMs: number;
}

export const RELAY_TIMING: RelayTiming = {
  ...{ leaseMs: 6_000, pollMs: 2_000, restMs: 3_000 },
  sureMs: 300_000,
};

export interface RelayOptions {
  readonly store: OutboxStore;
  /** Resolves once the schema stands; asked before each look, and tries anew where it failed. */
  readonly ready: () => Promise<void>;
  /** Calls back when rows have been written, which may be committed later. Resolves with its end. */
  readonly listen: (ring: () => void) => Promise<() => Promise<void>>;
  readonly deliver: Deliver;
  readonly log: Pick<Log, 'read'>;
  readonly timing: RelayTiming;
  readonly onError: (error: MillraceError) => void;
}

export interface Relay {
  /** As it was last seen. */
  readonly seen: OutboxLook;
  readonly isRelaying: boolean;
  /** Rows are on their way. False where it is not this hub that relays. */
  ring(): boolean;
  /** Ends after what is under way; gives the lease up. Idempotent. */
  close(): Promise<void>;
}

type State =
  | { readonly kind: 'watching' }
  | {
      readonly kind: 'relaying';
      readonly batch: Batch | null;
      readonly deafen: () => Promise<void>;
    };

/** How soon it looks again for rows that are on their way and not committed yet: then after twice as long, and so on. */
const ATTENTIVE_MS = 2;
/** Another node may reach what this one does not. */
const FAILURES_BEFORE_GIVING_UP = 3;
const MOST_BACKOFF_MS = 5_000;
/** An embedded database has no autovacuum, and a table that is a queue is all dead rows. */
const VACUUM_AFTER_ROWS = 20_000;

const UNSEEN: OutboxLook = {
  ...{ waiting: 0, oldestMs: 0, refused: 0 },
  ...{ isOwn: false, isFree: false, isLapsed: false },
};

export function startRelay(options: RelayOptions): Relay {
  const { store, ready, deliver, log, timing, onError } = options;
  const alarm = createAlarm();
  let state: State = { kind: 'watching' };
  let seen = UNSEEN;
  let seenAt = Number.NEGATIVE_INFINITY;
  /** When the lease was surely its own, by the question that the answer came to. */
  let heldAt = momentNow();
  /** The pause until the next look for rows that are on their way; 0 where none are known of. */
  let attentiveMs = 0;
  let deletedRows = 0;
  let isClosed = false;
  const ended = run();

  async function run(): Promise<void> {
    let failures = 0;
    while (!isClosed) {
      try {
        const waitMs = await turn();
        failures = 0;
        // Sockets first: a database in this thread answers without ever giving them a turn.
        await (waitMs > 0 ? alarm.pause(waitMs) : setImmediate());
      } catch (thrown) {
        onError(toMillraceError(thrown));
        failures += 1;
        if (failures === FAILURES_BEFORE_GIVING_UP && state.kind === 'relaying') {
          await standDown();
          await alarm.sleep(timing.restMs);
        } else await alarm.sleep(backoffMs(failures, MOST_BACKOFF_MS, Math.random()));
      }
    }
    if (state.kind === 'relaying') await standDown();
  }

  /** One step; answers how long to pause after it. */
  async function turn(): Promise<number> {
    if (performance.now() - seenAt >= timing.pollMs * 0.75) await look();
    if (state.kind === 'watching') return watch();
    const batch = await (state.batch === null ? take() : keep(state.batch));
    if (batch === null) return pauseMs();
    await deliverBatch(batch);
    setBatch(null);
    if (deletedRows >= VACUUM_AFTER_ROWS) {
      deletedRows = 0;
      await store.vacuum();
    }
    return batch.taken.isMore ? 0 : pauseMs();
  }

  async function look(): Promise<void> {
    await ready();
    seen = await store.look();
    seenAt = performance.now();
    if (!seen.isOwn) await stepDown();
  }

  async function watch(): Promise<number> {
    // A call from when it listened: nobody waits for it.
    alarm.hasRung();
    const { isOwn, isFree, isLapsed, waiting } = seen;
    const isWanted = isOwn || isFree || (isLapsed && waiting > 0);
    if (!isWanted || !(await store.claim())) return pollMs();
    const left = await store.inherit();
    const batch = left === null ? null : toBatch(left, true);
    state = { kind: 'relaying', batch, deafen: await listen() };
    // What was committed until here notified nobody.
    alarm.ring();
    return 0;
  }

  async function listen(): Promise<() => Promise<void>> {
    try {
      return await options.listen(alarm.ring);
    } catch (thrown) {
      // Every look finds what no notification told of.
      onError(toMillraceError(thrown));
      return () => Promise.resolve();
    }
  }

  /** Null where nothing waits, or the lease was lost. */
  async function take(): Promise<Batch | null> {
    const hasRung = alarm.hasRung();
    if (!hasRung && seen.waiting === 0 && attentiveMs === 0) return null;
    // A transaction that takes long is found late by as much again, at most.
    const next = hasRung ? ATTENTIVE_MS : attentiveMs * 2;
    attentiveMs = next < timing.pollMs ? next : 0;
    const askedAt = momentNow();
    const taken = await store.take();
    if (taken === null) {
      await stepDown();
      return null;
    }
    heldAt = askedAt;
    const { rows, isMore } = taken;
    seen = isMore
      ? { ...seen, waiting: Math.max(1, seen.waiting - rows.length) }
      : { ...seen, waiting: 0, oldestMs: 0 };
    return rows.length === 0 ? null : toBatch(taken, false);
  }

  /** Null where the lease was lost: then it is for whoever has it. */
  async function keep(batch: Batch): Promise<Batch | null> {
    const askedAt = momentNow();
    if (!(await store.renew())) {
      await stepDown();
      return null;
    }
    heldAt = askedAt;
    return batch;
  }

  /**
   * Who stalled for a lease may have been replaced. A repeat would be void by its key, but not where the channel was
   * forgotten since, with its keys: it would bring back what was erased.
   */
  async function isReplaced(batch: Batch): Promise<boolean> {
    return msSince(heldAt) >= timing.leaseMs && (await keep(batch)) === null;
  }

  async function deliverBatch(batch: Batch): Promise<void> {
    // A lease that others see lapse while an engine takes its time would go round among them.
    const beat = setInterval(() => {
      store.renew().catch((thrown: unknown) => onError(toMillraceError(thrown)));
    }, timing.leaseMs / 3).unref();
    setBatch({ ...batch, isRepeat: true });
    try {
      const sure = await makeSure(batch);
      if (sure === null || (await isReplaced(sure))) return;
      const settlement = await deliver(sure.taken, sure.isRepeat);
      await settle(settlement);
      const { stuck, rows } = settlement;
      if (stuck === null) return;
      // Where nothing of the others is in doubt they are taken anew, with what has come since.
      setBatch(stuck.mayBeDone ? without(sure, rows) : null);
      throw stuck.error;
    } finally {
      clearInterval(beat);
    }
  }

  /** As it may be delivered now: the keys of what was taken long ago prove nothing. Null where nothing is left of it. */
  async function makeSure(batch: Batch): Promise<Batch | null> {
    if (ageMs(batch) < timing.sureMs) return batch;
    const { done, unsure, rest } = await findDelivered(log, batch.taken);
    const over = [...done, ...unsure.map(({ row }) => row)];
    await settle({ rows: over, refused: unsure, stuck: null });
    // To forget again needs the time of the first order, and no key.
    if (rest.some(({ request }) => 'isForget' in request)) return batch;
    const again = rest.length === 0 ? null : await store.takeAgain(rest);
    if (again === null) return null;
    const renewed = toBatch(again, true);
    setBatch(renewed);
    return renewed;
  }

  async function settle({ rows, refused }: Settlement): Promise<void> {
    if (rows.length === 0) return;
    await store.settle(rows, refused);
    deletedRows += rows.length;
    for (const one of refused) onError(movedAside(one));
  }

  function setBatch(batch: Batch | null): void {
    if (state.kind === 'relaying') state = { ...state, batch };
  }

  /** The lease is somebody else's. */
  async function stepDown(): Promise<void> {
    if (state.kind !== 'relaying') return;
    const { deafen } = state;
    state = { kind: 'watching' };
    await deafen();
  }

  async function standDown(): Promise<void> {
    try {
      await stepDown();
      await store.giveUp();
    } catch (thrown) {
      // It lapses by itself.
      onError(toMillraceError(thrown));
    }
  }

  function pauseMs(): number {
    return attentiveMs > 0 ? attentiveMs : pollMs();
  }

  /** Each hub looks at another time. */
  function pollMs(): number {
    return timing.pollMs * (0.75 + Math.random() / 2);
  }

  return {
    get seen() {
      return seen;
    },
    get isRelaying() {
      return state.kind === 'relaying';
    },
    ring() {
      if (state.kind !== 'relaying') return false;
      alarm.ring();
      return true;
    },
    close() {
      isClosed = true;
      alarm.close();
      return ended;
    },
  };
}
