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
  return {
    focus,
    read: (run) => asUser(database, userId, (tx) => readRunRecord(tx, run)),
    list: (limit) => asUser(database, userId, (tx) => readRunSummaries(tx, { limit })),
  };
}
