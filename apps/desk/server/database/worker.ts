// The thread in which the embedded database runs: a heavy statement must not stop the sockets. Opens the folder it
// is given, carries out requests, says what came of each. Refuses to own: who may open the folder (folder-lock.ts).
//
// PGlite is one connection with a queue of its own: while a transaction is open, what comes on the outer handle
// waits in that queue until it ends.

import { parentPort, workerData } from 'node:worker_threads';
import { PGlite, type Transaction } from '@electric-sql/pglite';
import type { SqlRow } from '@millrace/server/postgres';
import { readDriverError } from './driver-error.ts';
import { PARSERS } from './parsers.ts';
import type { WorkerMessage, WorkerRequest } from './worker-messages.ts';

interface OpenTransaction {
  readonly statements: Transaction;
  /** Lets it commit or roll back; resolves once that is done. */
  end(how: 'commit' | 'rollback'): Promise<void>;
}

const port = parentPort;
if (port === null) throw new Error('The database is started as a worker thread.');
const say = (message: WorkerMessage): void => port.postMessage(message);

const folder: unknown = workerData;
if (typeof folder !== 'string') throw new Error('The database is started with its folder.');
const pglite = await PGlite.create(folder, { parsers: PARSERS });
const transactions = new Map<number, OpenTransaction>();
const listeners = new Map<number, () => Promise<void>>();

port.on('message', (request: WorkerRequest) => {
  carryOut(request).then(
    (rows) => say({ kind: 'done', id: request.id, rows }),
    (thrown: unknown) => {
      // WebAssembly's traps: the database inside is gone, whatever is asked next. Ends this thread.
      if (thrown instanceof Error && thrown.name === 'RuntimeError') throw thrown;
      say({ kind: 'failed', id: request.id, error: readDriverError(thrown) });
    },
  );
});
say({ kind: 'open' });

async function carryOut(request: WorkerRequest): Promise<readonly SqlRow[]> {
  switch (request.kind) {
    case 'query':
      return run(
        request.tx === null ? pglite : transaction(request.tx).statements,
        request.sql,
        request.params,
      );
    case 'begin':
      transactions.set(request.id, await begin());
      return [];
    case 'commit':
    case 'rollback': {
      const open = transaction(request.tx);
      transactions.delete(request.tx);
      await open.end(request.kind);
      return [];
    }
    case 'listen': {
      const heard = (payload: string): void =>
        say({ kind: 'notified', listener: request.id, payload });
      listeners.set(request.id, await pglite.listen(`"${request.channel}"`, heard));
      return [];
    }
    case 'unlisten':
      await listeners.get(request.listener)?.();
      listeners.delete(request.listener);
      return [];
    case 'close':
      await pglite.close();
      return [];
  }
}

type Statements = Pick<PGlite, 'query' | 'exec'>;

async function run(
  on: Statements,
  sql: string,
  params: readonly unknown[] | undefined,
): Promise<readonly SqlRow[]> {
  if (params !== undefined) return (await on.query<SqlRow>(sql, [...params])).rows;
  const results: readonly { readonly rows: SqlRow[] }[] = await on.exec(sql);
  return results.at(-1)?.rows ?? [];
}

function begin(): Promise<OpenTransaction> {
  return new Promise((resolve, reject) => {
    const ending = Promise.withResolvers<'commit' | 'rollback'>();
    const ended = pglite.transaction(async (statements) => {
      resolve({
        statements,
        end(how) {
          ending.resolve(how);
          return ended;
        },
      });
      if ((await ending.promise) === 'rollback') await statements.rollback();
    });
    // Only a failing BEGIN comes here unasked; after it, whoever ends the transaction is told.
    ended.catch(reject);
  });
}

function transaction(id: number): OpenTransaction {
  const open = transactions.get(id);
  if (open === undefined) throw new Error(`there is no transaction ${id}`);
  return open;
}
