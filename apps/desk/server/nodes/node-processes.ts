// The nodes as processes of Node's cluster, whose first process hands them their connections in turn. The first node
// listens before the others begin, so that what must be made once is made by one, and what is wrong is said once. A node
// that ends by itself is started again.
//
//   first ──listens──▶ the others ──all listen──▶ open        ends: started again ─▶ …        close: SIGTERM, all at once
//     └──ends──▶ none starts: its own sentence on stderr says why

import cluster, { type Worker } from 'node:cluster';
import { MillraceError } from '@millrace/protocol';
import type { Log } from '../log.ts';
import { closeWhatDiesWith } from './handed-over.ts';

/** A node that ends by itself is started again after this, doubled each time up to the most, ms. */
const RESTART_MS = 500;
const MAX_RESTART_MS = 10_000;
/** One that lived so long has nothing to do with the last end, ms. */
const SETTLED_MS = 60_000;

export interface NodeProcesses {
  /**
   * Where Desk is open. Resolves when every node has listened once.
   * @throws MillraceError `engine/unavailable` when the first one ends before
   */
  readonly address: Promise<string>;
  /** Resolves when all have ended, each in its own grace. Idempotent. */
  close(): Promise<void>;
}

export interface NodeProcessesOptions {
  readonly count: number;
  /** On top of this process's own. */
  readonly environment: Readonly<Record<string, string>>;
  readonly log: Log;
}

export function startNodes({ count, environment, log }: NodeProcessesOptions): NodeProcesses {
  const { promise: address, resolve, reject } = Promise.withResolvers<string>();
  // Nobody may look at it before it fails.
  address.catch(() => undefined);
  const live = new Map<number, Worker>();
  const timers = new Set<NodeJS.Timeout>();
  const haveListened = new Set<number>();
  let isClosing = false;
  cluster.setupPrimary({ args: [] });

  function start(number: number, restartMs: number): void {
    const startedAt = performance.now();
    const worker = cluster.fork({ ...environment, NODE_NUMBER: `${number}` });
    live.set(number, worker);
    closeWhatDiesWith(worker);
    worker.on('message', (message: unknown) => {
      if (typeof message !== 'object' || message === null || !('address' in message)) return;
      log.info({ node: number, pid: worker.process.pid }, 'node is open');
      const isFirst = haveListened.size === 0;
      haveListened.add(number);
      if (isFirst) for (let other = 2; other <= count; other += 1) start(other, RESTART_MS);
      if (haveListened.size === count) resolve(String(message.address));
    });
    worker.on('exit', (code, signal) => {
      live.delete(number);
      if (isClosing) return;
      if (haveListened.size === 0) {
        reject(new MillraceError('engine/unavailable', 'Desk is not open: its first node ended.'));
        return;
      }
      log.error({ node: number, code, signal }, 'a node ended by itself, it is started again');
      const isSettled = performance.now() - startedAt > SETTLED_MS;
      startLater(number, isSettled ? RESTART_MS : restartMs);
    });
  }

  function startLater(number: number, waitMs: number): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      start(number, Math.min(waitMs * 2, MAX_RESTART_MS));
    }, waitMs);
    timers.add(timer);
  }

  async function close(): Promise<void> {
    isClosing = true;
    for (const timer of timers) clearTimeout(timer);
    await Promise.all([...live.values()].map(end));
  }

  start(1, RESTART_MS);
  let closing: Promise<void> | null = null;
  return {
    address,
    close() {
      closing ??= close();
      return closing;
    },
  };
}

function end(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    worker.once('exit', () => resolve());
    // Its own cut-off is its own business (main.ts).
    worker.process.kill('SIGTERM');
  });
}
