// A log in one SQLite file: the smallest engine that keeps what it accepted. For one process; a second one is refused.

import { MillraceError } from '@millrace/protocol';
import type { Engine, Log } from '@millrace/server';
import { createInFlight, createListeners, createLocalBus } from '@millrace/server/engine';
import { appendBatch } from './append-batch.ts';
import { compactChannel, forgetChannel, readPage } from './channels.ts';
import { openFile } from './file.ts';

export interface SqliteEngineOptions {
  /** Made if it is not there. */
  readonly file: string;
  /** How long a key is remembered, and a producer after its last event. Default 10 min. */
  readonly keyWindowMs?: number;
}

export function sqliteEngine({ file, keyWindowMs = 600_000 }: SqliteEngineOptions): Engine {
  const sql = openFile(file);
  const bus = createLocalBus();
  const listeners = createListeners();
  // Refuses with `engine/closed` once it is closed.
  const calls = createInFlight();

  /** All of it or nothing, and without a pause: no other call comes into it. */
  function transact<Result>(work: () => Result): Result {
    try {
      sql.run('begin immediate');
      const result = work();
      sql.run('commit');
      return result;
    } catch (thrown) {
      sql.rollBack();
      if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_SQLITE_ERROR')) {
        throw thrown;
      }
      // A full disk, a commit that failed: the caller may repeat it, with its key.
      const message = 'The file of the log could not be read or written. Try again.';
      throw new MillraceError('engine/unavailable', message, { cause: thrown });
    }
  }

  const log: Log = {
    append: (batch) =>
      calls.run(async () => {
        const now = Date.now();
        const { outcomes, news } = transact(() => appendBatch(sql, batch, now, keyWindowMs));
        // After the commit, so that it is true; before the answer, as `isLocal` promises.
        for (const { channel, hint } of news) listeners.hint(channel, hint);
        return outcomes;
      }),
    read: (channel, after, size) =>
      calls.run(async () => transact(() => readPage(sql, channel, after, size))),
    watch: (channel, listener) => listeners.add(channel, listener),
    compact: (channel, retention) =>
      calls.run(async () => {
        transact(() => compactChannel(sql, channel, retention, Date.now()));
      }),
    forget: (channel, options) =>
      calls.run(async () => {
        const { isDone, hint } = transact(() => forgetChannel(sql, channel, options?.epoch));
        if (hint !== null) listeners.hint(channel, hint);
        return isDone;
      }),
    async close() {
      await calls.close();
      listeners.clear();
      sql.close();
    },
  };

  return {
    log,
    bus,
    capabilities: {
      name: 'sqlite',
      survives: 'power-cut',
      nodes: 'one',
      isLocal: true,
      // An older copy that somebody puts in the file's place looks like the file.
      seesRollback: false,
    },
    async close() {
      await Promise.all([log.close(), bus.close()]);
    },
  };
}
