// The part of node-postgres (`pg`) that is used, described by ourselves: this package does not depend on it, and
// whatever has this shape will do. The pool is the user's, who made it and ends it.

export interface PgClient {
  query(sql: string, params?: unknown[]): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  on(event: 'notification', listener: (message: PgNotification) => void): unknown;
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
}

export interface PgNotification {
  readonly channel: string;
  readonly payload?: string | undefined;
}

/** A client of a pool: given back, or with a reason thrown away. */
export interface PgPoolClient extends PgClient {
  release(reason?: Error | boolean): void;
}

/** A client that belongs to nobody else. */
export interface PgOwnClient extends PgClient {
  end(): Promise<void>;
}

export interface PgPool {
  /** How many clients it has at most. */
  readonly options?: { readonly max?: number };
  connect(): Promise<PgPoolClient>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  /** A connection was made; told before anybody is given it. */
  on(event: 'connect', listener: (client: PgClient) => void): unknown;
}
