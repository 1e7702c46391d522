// The thread in which the embedded database runs: a heavy statement must not stop the sockets. Opens the folder it
// is given, carries out requests, says what came of each. Refuses to own: who may open the folder (folder-lock.ts).
//
// PGlite is one connection: while a transaction is open, what comes on the outer handle waits for its turn.

import { parentPort, workerData } from 'node:worker_threads';
import { Mutex, PGlite, type Transaction } from '@electric-sql/pglite';
import type { SqlRow } from '@millrace/server/postgres';
import { readDriverError } from './driver-error.ts';
import { PARSERS } from './parsers.ts';
import { prepareStatements } from './prepared-statements.ts';
import type { WorkerMessage, WorkerRequest } from './worker-messages.ts';

interface OpenTransaction {
  readonly texts: Texts;
  /** Lets it commit or roll back; resolves once that is done. */
  end(how: 'commit' | 'rollback'): Promise<void>;
}

const port = parentPort;
if (port === null) throw new Error('The database is started as a worker thread.');
const say = (message: WorkerMessage): void => port.postMessage(message);

const folder: unknown = workerData;
if (typeof folder !== 'string') throw new Error('The database is started with its folder.');
const pglite = await PGlite.create(folder, { parsers: PARSERS });
const prepared = prepareStatements(pglite);
/** Of the connection: had by a transaction until it ends, else by one statement. PGlite's own lets the protocol pass. */
const turn = new Mutex();
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
      return request.tx === null
        ? turn.runExclusive(() => run(pglite, request.sql, request.params))
        : run(transaction(request.tx).texts, request.sql, request.params);
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
      await turn.runExclusive(() => pglite.close());
      return [];
  }
}

/** What may hold several statements, and is how tables are changed. */
type Texts = Pick<Transaction, 'exec'>;

const CHANGES_TABLES = /\b(?:alter|create|drop)\b/i;

async function run(
  on: Texts,
  sql: string,
  params: readonly unknown[] | undefined,
): Promise<readonly SqlRow[]> {
  // One connection: whose statement it is, the order of the calls decides.
  if (params !== undefined) return pglite.runExclusive(() => prepared.run(sql, params));
  const [results] = await Promise.all([
    on.exec(sql),
    CHANGES_TABLES.test(sql) ? pglite.runExclusive(() => prepared.forget()) : null,
  ]);
  const rows: readonly SqlRow[] | undefined = results.at(-1)?.rows;
  return rows ?? [];
}

function begin(): Promise<OpenTransaction> {
  return new Promise((resolve, reject) => {
    const ending = Promise.withResolvers<'commit' | 'rollback'>();
    const work = async (texts: Transaction): Promise<void> => {
      resolve({
        texts,
        end(how) {
          ending.resolve(how);
          return ended;
        },
      });
      if ((await ending.promise) === 'rollback') await texts.rollback();
    };
    const ended = turn.runExclusive(() => pglite.transaction(work));
    // Only a failing BEGIN comes here unasked; after it, whoever ends the transaction is told.
    ended.catch(reject);
  });
}

function transaction(id: number): OpenTransaction {
  const open = transactions.get(id);
  if (open === undefined) throw new Error(`there is no transaction ${id}`);
  return open;
}
