// Seam: where tools get the records they work on. One source is one user's view, with one run in focus or none.
//
// Contract: everything is read when it is asked for, with the rights that the user has then; what they may not see is
// null, or missing from the list. Calls may overlap. It holds nothing open.
import type { SqlDatabase } from '@millrace/server/postgres';
import { asUser } from '../database/as-user.ts';
import { type RunReference, readRunRecord, readRunSummaries } from './read-run-record.ts';
import type { RunRecord, RunSummary } from './run-record.ts';

export interface RecordSource {
  /** The run that is talked about; null where none is chosen. */
  readonly focus: RunReference | null;
  read(run: RunReference): Promise<RunRecord | null>;
  /** Newest first. */
  list(limit: number): Promise<readonly RunSummary[]>;
}

/** The user's records in the database. */
export function databaseRecords(
  database: SqlDatabase,
  { userId, focus }: { readonly userId: string; readonly focus: RunReference | null },
): RecordSource {
  /** Tools that a model calls together share one reading. */
  const reading = new Map<string, Promise<RunRecord | null>>();
  function read(run: RunReference): Promise<RunRecord | null> {
    const key = `${run.runId} ${run.modelId}`;
    const known = reading.get(key);
    if (known !== undefined) return known;
    const begun = asUser(database, userId, (tx) => readRunRecord(tx, run)).finally(() =>
      reading.delete(key),
    );
    reading.set(key, begun);
    return begun;
  }
  return {
    focus,
    read,
    list: (limit) => asUser(database, userId, (tx) => readRunSummaries(tx, { limit })),
  };
}
