// What nodes tell each other through the database: that there is a run to take, and that one is to stop. Hints: whatever
// is lost on the way stands in the rows, and is seen at the next look.

import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';
import type { RunRow } from './store/run-row.ts';

/** The database's channel. */
export const NEWS = 'millrace_ai_runs';

type News =
  | { readonly is: 'new' }
  | { readonly is: 'stop'; readonly run: Pick<RunRow, 'id' | 'stoppedBy'> };

/** In a transaction: told when it is committed. */
export async function notify(tx: SqlTransaction, news: News): Promise<void> {
  const word = news.is === 'new' ? 'new' : `stop ${news.run.id} ${news.run.stoppedBy ?? ''}`;
  await tx.query('select pg_notify($1, $2)', [NEWS, word]);
}

interface Listener {
  /** Also whenever something may have been missed. */
  onNew(): void;
  onStop(runId: string, by: string): void;
}

/** Resolves with what ends it. */
export function listen(
  database: SqlDatabase,
  { onNew, onStop }: Listener,
): Promise<() => Promise<void>> {
  return database.listen(
    NEWS,
    (word) => {
      const [what, id = '', ...by] = word.split(' ');
      if (what === 'stop') onStop(id, by.join(' '));
      else onNew();
    },
    onNew,
  );
}
