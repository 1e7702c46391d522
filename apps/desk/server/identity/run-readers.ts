// Who may watch a run live: whoever sees its row (own runs, and the Floor's). The answer is remembered for a while: a page
// asks at each of its links, and whose a run is does not change.

import type { Action, Identity } from '@millrace/server';
import type { SqlDatabase } from '@millrace/server/postgres';
import { asUser, FLOOR_USER_ID } from '../database/as-user.ts';
import { isRunVisible } from '../database/runs.ts';

export interface RunReaders {
  mayRead(
    identity: Identity | null,
    action: Action,
    channel: { readonly params: readonly string[] },
  ): Promise<boolean>;
}

/** Of answers, the oldest goes first. */
const MOST_REMEMBERED = 10_000;
/** A run that was deleted is readable no longer than this, ms. */
const REMEMBERED_MS = 60_000;

export function createRunReaders(
  database: SqlDatabase,
  now: () => number = () => performance.now(),
): RunReaders {
  const seenUntil = new Map<string, number>();
  return {
    async mayRead(identity, action, { params }) {
      const [runId] = params;
      if (runId === undefined || (action !== 'subscribe' && action !== 'history')) return false;
      // Nobody sees what the Floor sees of itself: its own.
      const userId = identity?.id ?? FLOOR_USER_ID;
      const key = JSON.stringify([userId, runId]);
      if ((seenUntil.get(key) ?? 0) > now()) return true;
      seenUntil.delete(key);
      if (!(await asUser(database, userId, (tx) => isRunVisible(tx, runId)))) return false;
      seenUntil.set(key, now() + REMEMBERED_MS);
      const [oldest] = seenUntil.keys();
      if (seenUntil.size > MOST_REMEMBERED && oldest !== undefined) seenUntil.delete(oldest);
      return true;
    },
  };
}
