// A PGlite instance as a SqlDatabase: for tests, scripts and small servers that run PGlite in their own thread.
// The instance is the user's: this neither opens nor closes it, and never imports PGlite.

import { onlyRows, type SqlDatabase, type SqlRow, type SqlTransaction } from './database.ts';

interface PgliteStatements {
  query(sql: string, params?: unknown[]): Promise<{ readonly rows: unknown[] }>;
  exec(sql: string): Promise<readonly { readonly rows: unknown[] }[]>;
}

/** The part of PGlite that is used. */
export interface PgliteInstance extends PgliteStatements {
  transaction<Result>(run: (tx: PgliteStatements) => Promise<Result>): Promise<Result>;
  listen(channel: string, listener: (payload: string) => void): Promise<() => Promise<void>>;
}

export function pgliteDatabase(pglite: PgliteInstance): SqlDatabase {
  const outside = statementsOf(pglite);
  /** Ends when the newest text of several statements has, with what it left behind. Never rejects. */
  let lastText: Promise<unknown> = Promise.resolve();

  /**
   * A text with a `begin` of its own that fails leaves an aborted transaction on the one connection there is.
   * It is undone before anything else gets its turn, or everybody's next statement would fail.
   */
  async function runText(sql: string): Promise<readonly SqlRow[]> {
    try {
      return await outside.query(sql);
    } catch (error) {
      await pglite.exec('rollback');
      throw error;
    }
  }

  return {
    query(sql, params) {
      if (params !== undefined) return lastText.then(() => outside.query(sql, params));
      const rows = lastText.then(() => runText(sql));
      lastText = rows.catch(() => undefined);
      return rows;
    },
    transaction: (run) => lastText.then(() => pglite.transaction((tx) => run(statementsOf(tx)))),
    async listen(channel, listener) {
      await lastText;
      const unlisten = await pglite.listen(`"${channel}"`, listener);
      return () => unlisten();
    },
  };
}

function statementsOf(pglite: PgliteStatements): SqlTransaction {
  return {
    async query(sql, params) {
      if (params !== undefined) return onlyRows((await pglite.query(sql, [...params])).rows);
      return onlyRows((await pglite.exec(sql)).at(-1)?.rows ?? []);
    },
  };
}
