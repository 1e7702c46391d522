// The SqlDatabase seam: what the database engine and the outbox ask of a PostgreSQL, embedded or a server.
// Refuses to own: pools, drivers, types of columns. Our own SQL casts what it reads, so that it works whatever parsers
// the driver was given.
//
// Contract, in prose: statements on one `tx` run in the order of their calls, and see each other. Statements
// on the outer handle never run inside somebody's transaction; on a database with one connection they wait for it.
// So a callback of `transaction` must not await the outer handle. `query` without parameters may hold several
// statements; the rows are those of the last. A rejected promise carries the driver's error with its SQLSTATE as
// `code`, or none when the database could not be reached. The user who made the database closes it.

export type SqlRow = Readonly<Record<string, unknown>>;

export interface SqlTransaction {
  query(sql: string, params?: readonly unknown[]): Promise<readonly SqlRow[]>;
}

export interface SqlDatabase extends SqlTransaction {
  /** Commits when `run` resolves, rolls back and rejects with its reason when it rejects. */
  transaction<Result>(run: (tx: SqlTransaction) => Promise<Result>): Promise<Result>;
  /**
   * Calls `listener` with the payload of each `NOTIFY channel` once it is committed, and `missed` whenever some may
   * have been lost: after the connection was made again. Resolves with its end.
   */
  listen(
    channel: string,
    listener: (payload: string) => void,
    missed?: () => void,
  ): Promise<() => Promise<void>>;
}
