// The embedded PostgreSQL as a SqlDatabase, in a thread of its own. Owns the lifetime of transactions. Refuses to
// own: the folder's lock, the schema.
//
// It never calls fsync: what was answered survives a killed process, not a power cut.

import { MillraceError } from '@millrace/protocol';
import type { SqlDatabase, SqlRow, SqlTransaction } from '@millrace/server/postgres';
import { startWorker } from './worker-calls.ts';

export interface EmbeddedDatabase extends SqlDatabase {
  /** Lets what is under way finish, for 3 s at most; what comes later is refused. Idempotent. */
  close(): Promise<void>;
}

export interface EmbeddedDatabaseOptions {
  /** Made when it is missing; its parent exists. One process at a time. */
  readonly folder: string;
  /** A transaction in which nothing happens for so long is rolled back, ms. Default 10 s. */
  readonly idleTransactionMs?: number;
  /** Told once when the database stops by itself; every call is then refused with the same error. */
  readonly onDeath?: (error: MillraceError) => void;
}

const CLOSED_WITHIN_MS = 3_000;

/** @throws MillraceError `engine/unavailable` when the folder cannot be opened */
export async function openEmbeddedDatabase(
  options: EmbeddedDatabaseOptions,
): Promise<EmbeddedDatabase> {
  const { folder, idleTransactionMs = 10_000, onDeath = () => undefined } = options;
  const worker = await startWorker({ folder, onDeath });
  const listeners = new Map<number, (payload: string) => void>();
  worker.onNotified((id, payload) => listeners.get(id)?.(payload));
  let closing: Promise<void> | null = null;

  const ask = (work: Parameters<typeof worker.call>[0]): ReturnType<typeof worker.call> => {
    if (closing !== null) throw new MillraceError('engine/closed', 'The database is closed.');
    return worker.call(work);
  };
  const query = (
    tx: number | null,
    sql: string,
    params?: readonly unknown[],
  ): Promise<readonly SqlRow[]> =>
    ask({ kind: 'query', tx, sql, ...(params === undefined ? {} : { params }) }).done;

  return {
    query: async (sql, params) => query(null, sql, params),
    async transaction(run) {
      const { id, done } = ask({ kind: 'begin' });
      await done;
      const watch = watchIdle(idleTransactionMs);
      const tx: SqlTransaction = {
        query: async (sql, params) => {
          watch.assertOpen();
          return watch.during(query(id, sql, params));
        },
      };
      try {
        const result = await Promise.race([run(tx), watch.expired]);
        watch.end();
        await worker.call({ kind: 'commit', tx: id }).done;
        return result;
      } catch (error) {
        // A commit that failed has rolled back by itself.
        if (watch.end()) await worker.call({ kind: 'rollback', tx: id }).done;
        throw error;
      }
    },
    async listen(channel, listener) {
      const { id, done } = ask({ kind: 'listen', channel });
      listeners.set(id, listener);
      await done;
      return async () => {
        if (!listeners.delete(id) || closing !== null) return;
        await worker.call({ kind: 'unlisten', listener: id }).done;
      };
    },
    close() {
      closing ??= worker.end(CLOSED_WITHIN_MS);
      return closing;
    },
  };
}

interface IdleWatch {
  /** Rejects once nothing has happened for too long. */
  readonly expired: Promise<never>;
  during<Result>(statement: Promise<Result>): Promise<Result>;
  /** @throws MillraceError once the transaction is over */
  assertOpen(): void;
  /** False when it had ended before. */
  end(): boolean;
}

/**
 * A transaction that waits for a statement outside of it waits for ever, since that one waits for its end;
 * and with it everybody else. It is told instead.
 */
function watchIdle(idleMs: number): IdleWatch {
  const { promise: expired, reject } = Promise.withResolvers<never>();
  // Whoever raced against it may be done by then.
  expired.catch(() => undefined);
  const expire = (): void =>
    reject(
      new MillraceError(
        'server/internal',
        `A transaction did nothing for ${idleMs} ms and was rolled back. It must not wait for statements outside of it.`,
      ),
    );
  let timer = setTimeout(expire, idleMs);
  let running = 0;
  let isOpen = true;
  return {
    expired,
    async during(statement) {
      running += 1;
      clearTimeout(timer);
      try {
        return await statement;
      } finally {
        running -= 1;
        if (running === 0 && isOpen) timer = setTimeout(expire, idleMs);
      }
    },
    assertOpen() {
      if (isOpen) return;
      throw new MillraceError('request/invalid', 'This transaction is over: begin another.');
    },
    end() {
      clearTimeout(timer);
      const wasOpen = isOpen;
      isOpen = false;
      return wasOpen;
    },
  };
}
