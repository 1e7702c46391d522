// Calls to the database's thread: a request goes out, its answer settles the promise. The death of the thread
// settles all of them, those to come as well, with one and the same error. Refuses to own: what is asked.

import { Worker } from 'node:worker_threads';
import { MillraceError } from '@millrace/protocol';
import type { SqlRow } from '@millrace/server/postgres';
import { makeDriverError } from './driver-error.ts';
import type { WorkerMessage, WorkerRequest, WorkerWork } from './worker-messages.ts';

export interface WorkerCalls {
  /** The answer, and the id under which the worker knows what this began. */
  call(work: WorkerWork): { readonly id: number; readonly done: Promise<readonly SqlRow[]> };
  onNotified(listener: (id: number, payload: string) => void): void;
  /** Waits for what is under way, for `withinMs` at most, then ends the thread. */
  end(withinMs: number): Promise<void>;
}

interface Waiting {
  resolve(rows: readonly SqlRow[]): void;
  reject(reason: unknown): void;
}

export interface WorkerCallsOptions {
  readonly folder: string;
  /** Told once when the thread ends unasked. */
  readonly onDeath: (error: MillraceError) => void;
}

/** @throws MillraceError `engine/unavailable` when the thread ends before the database is open */
export async function startWorker(options: WorkerCallsOptions): Promise<WorkerCalls> {
  const worker = new Worker(new URL('worker.ts', import.meta.url), {
    workerData: options.folder,
    // Of the process's own flags only those by which packages are found: some (--input-type) break a worker.
    execArgv: process.execArgv.filter((flag) => flag.startsWith('--conditions=')),
  });
  const waiting = new Map<number, Waiting>();
  const opened = Promise.withResolvers<void>();
  const exited = Promise.withResolvers<void>();
  let notified: (id: number, payload: string) => void = () => undefined;
  let ended: MillraceError | null = null;
  let lastId = 0;

  const settleAll = (error: MillraceError): void => {
    ended = error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const died = (cause: unknown): void => {
    if (ended !== null) return;
    const error = new MillraceError(
      'engine/unavailable',
      `The embedded database has stopped (${reasonOf(cause)}). Restart Desk: what it had answered is kept.`,
      { cause },
    );
    settleAll(error);
    opened.reject(error);
    options.onDeath(error);
  };

  worker.on('message', (message: WorkerMessage) => {
    switch (message.kind) {
      case 'open':
        opened.resolve();
        return;
      case 'done':
        take(message.id)?.resolve(message.rows);
        return;
      case 'failed':
        take(message.id)?.reject(makeDriverError(message.error));
        return;
      case 'notified':
        notified(message.listener, message.payload);
    }
  });
  worker.on('error', died);
  worker.on('messageerror', died);
  worker.on('exit', (code) => {
    died(`its thread ended with code ${code}`);
    exited.resolve();
  });

  const take = (id: number): Waiting | undefined => {
    const found = waiting.get(id);
    waiting.delete(id);
    return found;
  };
  const call: WorkerCalls['call'] = (work) => {
    lastId += 1;
    const id = lastId;
    const done = new Promise<readonly SqlRow[]>((resolve, reject) => {
      if (ended !== null) throw ended;
      const request: WorkerRequest = { ...work, id };
      // Throws for what cannot be cloned, and then nobody must be left waiting.
      worker.postMessage(request);
      waiting.set(id, { resolve, reject });
    });
    return { id, done };
  };

  await opened.promise;
  return {
    call,
    onNotified(listener) {
      notified = listener;
    },
    async end(withinMs) {
      if (ended === null) {
        const { done } = call({ kind: 'close' });
        const closed = new MillraceError('engine/closed', 'The database is closed.');
        const timer = setTimeout(() => settleAll(closed), withinMs);
        try {
          await done;
        } catch (error) {
          // Cut off is as safe as a killed process: what was answered is in the files.
          if (error !== closed) throw error;
        } finally {
          clearTimeout(timer);
          settleAll(closed);
          await worker.terminate();
        }
      }
      await exited.promise;
    },
  };
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
