// A PostgreSQL server as a SqlDatabase, over a pool of the user's: this neither makes nor ends it, and never imports
// a driver. Each wait is bounded. Refuses to own: the pool's settings. Rule: LOG-16.

import { MillraceError } from '@millrace/protocol';
import type { SqlDatabase, SqlTransaction } from './database.ts';
import { sqlState } from './engine-error.ts';
import { createLine, type Ear, type Line, type LineSeat } from './line.ts';
import type { PgOwnClient, PgPool } from './pool.ts';
import { createReach } from './reach.ts';
import { createStatements, type Statements, toError } from './statements.ts';
import { createTurns } from './turns.ts';
import { within } from './within.ts';

export interface PostgresDatabaseOptions {
  /** A `pg` Pool, or what has its shape. Give it a `connectionTimeoutMillis`: a connection that never comes keeps its place. */
  readonly pool: PgPool;
  /**
   * Makes a connected client of its own (`pg` Client) for hearing what other nodes tell, in place of one that is taken
   * from the pool for good. Needed where the pool leads through a pooler that shares sessions (PgBouncer by
   * transaction): there nobody hears anything.
   */
  readonly connectListener?: () => Promise<PgOwnClient>;
  /** How long a call waits for the database before it rejects with `engine/unavailable`, ms. Default 5,000. */
  readonly answerWithinMs?: number;
  /** The same for one statement in a transaction, ms. Default 60,000. */
  readonly statementWithinMs?: number;
  /** Told when hearing breaks down, once for each time. */
  readonly onError?: (error: MillraceError) => void;
}

/** A database that several nodes share. */
export interface PostgresDatabase extends SqlDatabase {
  readonly answerWithinMs: number;
  /** Opens a session of its own that hears these channels and tells others; made again whenever it breaks. */
  openLine(channels: readonly string[], ear: Ear): Line;
}

interface Seat {
  readonly statements: Statements;
  /** Gives the client back; throws it away when it is broken, or for a reason of the caller's. */
  leave(reason?: Error): void;
}

/** The database of a `pg` Pool. The pool stays the user's to end, after every engine on it is closed. */
export function postgresDatabase(options: PostgresDatabaseOptions): PostgresDatabase {
  const {
    pool,
    connectListener,
    answerWithinMs = 5_000,
    statementWithinMs = 60_000,
    onError = () => undefined,
  } = options;
  const reach = createReach({ isUnanswered });
  /** Each keeps a connection of the pool's. */
  const pooledLines = new Set<Line>();
  const turns = createTurns(
    () => (pool.options?.max ?? Number.POSITIVE_INFINITY) - pooledLines.size,
  );
  // An idle connection that breaks is the pool's to replace; with nobody to hear of it, Node would end the process.
  pool.on('error', () => undefined);
  // A server that ends a connection while it is being made may say so in the packet that makes it: before whoever asked
  // for it can listen.
  pool.on('connect', (client) => client.on('error', () => undefined));

  async function takeSeat(statementMs: number, withinMs: number): Promise<Seat> {
    const client = await within(withinMs, pool.connect(), (late) => late.release());
    // Its statements reject as well. Without this Node would end the process.
    const ignore = (): void => undefined;
    client.on('error', ignore);
    const statements = createStatements(client, statementMs);
    return {
      statements,
      leave(reason) {
        client.removeListener('error', ignore);
        client.release(statements.broken ?? reason);
      },
    };
  }

  /** Bounded as a whole: what waiting for a client took is not there for the statement. */
  const query: PostgresDatabase['query'] = async (sql, params) => {
    const askedAt = performance.now();
    const leftMs = (): number => Math.max(1, askedAt + answerWithinMs - performance.now());
    // Nobody waits for a turn where there is nothing to have it for.
    reach.check();
    const giveBack = await turns.take(answerWithinMs);
    const asking = reach.run(async () => {
      const seat = await takeSeat(answerWithinMs, leftMs());
      try {
        const rows = await seat.statements.query(sql, params, leftMs());
        seat.leave();
        return rows;
      } catch (thrown) {
        // Of several statements in one text, some may have begun a transaction.
        seat.leave(params === undefined ? toError(thrown) : undefined);
        throw thrown;
      }
    });
    return asking.finally(giveBack);
  };

  async function begin(askedAt: number): Promise<Seat> {
    const leftMs = (): number => Math.max(1, askedAt + answerWithinMs - performance.now());
    const seat = await takeSeat(statementWithinMs, leftMs());
    try {
      await seat.statements.query('begin', undefined, leftMs());
      return seat;
    } catch (thrown) {
      seat.leave();
      throw thrown;
    }
  }

  function openLine(channels: readonly string[], ear: Ear): Line {
    if (connectListener !== undefined) {
      const connect = ownSeat(connectListener);
      return createLine({ connect, channels, ear, answerWithinMs, onError });
    }
    // One is left for everything else, or nothing would ever be answered.
    if ((pool.options?.max ?? Number.POSITIVE_INFINITY) < pooledLines.size + 2) throw tooSmall();
    const line = createLine({ connect: poolSeat, channels, ear, answerWithinMs, onError });
    pooledLines.add(line);
    return {
      ...line,
      async close() {
        pooledLines.delete(line);
        await line.close();
      },
    };
  }

  async function poolSeat(): Promise<LineSeat> {
    const client = await within(answerWithinMs, pool.connect(), (late) => late.release());
    // Never back into the pool: it listens.
    return { client, leave: () => client.release(true) };
  }

  function ownSeat(make: () => Promise<PgOwnClient>): () => Promise<LineSeat> {
    const leave = (client: PgOwnClient): void => void client.end().catch(() => undefined);
    return async () => {
      const client = await within(answerWithinMs, make(), leave);
      return { client, leave: () => leave(client) };
    };
  }

  return {
    answerWithinMs,
    query,
    async transaction(run) {
      const askedAt = performance.now();
      reach.check();
      const giveBack = await turns.take(answerWithinMs);
      const seat = await reach
        .run(() => begin(askedAt))
        .catch((thrown: unknown) => {
          giveBack();
          throw thrown;
        });
      const { tx, end } = openTransaction(seat.statements);
      try {
        const result = await run(tx);
        end();
        await commit(seat.statements);
        return result;
      } catch (thrown) {
        end();
        await rollBack(seat.statements, answerWithinMs);
        throw thrown;
      } finally {
        seat.leave();
        giveBack();
      }
    },
    async listen(channel, listener, missed = () => undefined) {
      const line = openLine([channel], { heard: (_, payload) => listener(payload), missed });
      try {
        await line.up();
      } catch (thrown) {
        await line.close();
        throw thrown;
      }
      return () => line.close();
    },
    openLine,
  };
}

function tooSmall(): MillraceError {
  return new MillraceError(
    'settings/invalid',
    'The pool has no connection more than are kept for hearing: one by each engine, one by the relay of an outbox. Give it more, or a `connectListener`.',
  );
}

/** What the user runs statements on, until the transaction ends: the client is somebody else's then. */
function openTransaction(statements: Statements): {
  readonly tx: SqlTransaction;
  readonly end: () => void;
} {
  let isOpen = true;
  return {
    tx: {
      async query(sql, params) {
        if (!isOpen) {
          throw new MillraceError('request/invalid', 'This transaction is over: begin another.');
        }
        return statements.query(sql, params);
      },
    },
    end() {
      isOpen = false;
    },
  };
}

/** PostgreSQL answers the commit of a failed transaction by rolling back, without an error. */
async function commit(statements: Statements): Promise<void> {
  if ((await statements.command('commit')) === 'ROLLBACK') {
    throw new Error('The transaction was rolled back: a statement in it had failed.');
  }
}

async function rollBack(statements: Statements, withinMs: number): Promise<void> {
  // Where it does not reach the server, the connection is thrown away, and the server rolls back by itself.
  await statements.query('rollback', undefined, withinMs).catch(() => undefined);
}

/** No error of the server's at all, or one that says that it takes nobody now. */
function isUnanswered(thrown: unknown): boolean {
  const state = sqlState(thrown);
  return state === null || /^(?:08|53300|57P03)/.test(state);
}
