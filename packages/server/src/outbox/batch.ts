// What the relay has taken and not settled yet, how old that is, and how those are told that go aside.

import { MillraceError } from '@millrace/protocol';
import type { OutboxRow } from './outbox-row.ts';
import type { RefusedRow, TakenRows } from './outbox-store.ts';

export interface Batch {
  readonly taken: TakenRows;
  /** Somebody may have appended of it. */
  readonly isRepeat: boolean;
  readonly takenAt: Moment;
}

/** By both clocks: one of them stands still while a machine sleeps. */
export interface Moment {
  readonly steadyMs: number;
  readonly wallMs: number;
}

export function momentNow(): Moment {
  return { steadyMs: performance.now(), wallMs: Date.now() };
}

export function msSince({ steadyMs, wallMs }: Moment): number {
  return Math.max(performance.now() - steadyMs, Date.now() - wallMs);
}

export function toBatch(taken: TakenRows, isRepeat: boolean): Batch {
  return { taken, isRepeat, takenAt: momentNow() };
}

/** What is left of it: taken when it was, and perhaps appended. */
export function without(batch: Batch, over: readonly OutboxRow[]): Batch {
  const settled = new Set(over);
  const rows = batch.taken.rows.filter((row) => !settled.has(row));
  return { ...batch, isRepeat: true, taken: { ...batch.taken, rows } };
}

/** How long ago it was taken. */
export function ageMs({ taken, takenAt }: Batch): number {
  return taken.ageMs + msSince(takenAt);
}

export function movedAside({ row: { id, channel }, error }: RefusedRow): MillraceError {
  return new MillraceError(
    error.code,
    `What was published to ${channel} in a transaction was refused: ${error.message} It is kept in millrace.outbox_refused.`,
    { cause: error, details: { ...error.details, channel, outboxId: id } },
  );
}
