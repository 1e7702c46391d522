// What the job queue asks of its database, on ours.
//
// The queue sends blocks of its own, `BEGIN; …; COMMIT;`, as one text. On a database with one connection a block
// that fails would leave everybody's next statement in an aborted transaction, so the frame is taken off and the
// block runs as a transaction of ours, which rolls back by itself.

import type { SqlDatabase, SqlRow } from '@millrace/server/postgres';

export interface BossDatabase {
  executeSql(text: string, values?: unknown[]): Promise<{ rows: SqlRow[] }>;
}

const FRAME = /^\s*BEGIN\s*;([\s\S]*?);?\s*COMMIT\s*;?\s*$/i;

export function bossDatabase(database: SqlDatabase): BossDatabase {
  return {
    async executeSql(text, values) {
      if (values !== undefined && values.length > 0) {
        return { rows: [...(await database.query(text, values))] };
      }
      const block = FRAME.exec(text)?.[1];
      const rows =
        block === undefined
          ? await database.query(text)
          : await database.transaction((tx) => tx.query(block));
      return { rows: [...rows] };
    },
  };
}
