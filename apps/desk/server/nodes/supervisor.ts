// `npm start -- --nodes 3`: several Desks on one port of one machine. The first process takes the connections and hands
// them out in turn (Node's cluster), so any node serves anybody, whatever it served before; it starts the database and
// the Redis that were not given, and a node that ends is started again.
//
//   supervisor ── PostgreSQL, Redis (its own, or given) ── node 1 … n ── close: nodes in grace, then the servers
//
// Refuses to own: what a node is (desk.ts).

import cluster, { type Worker } from 'node:cluster';
import { join } from 'node:path';
import { lockFolder } from '../database/folder-lock.ts';
import { keepSessionSecret } from '../identity/session-secret.ts';
import type { Log } from '../log.ts';
import type { Settings } from '../settings/read.ts';
import { startOwnPostgres } from './own-postgres.ts';
import { startOwnRedis } from './own-redis.ts';
import type { OwnServer } from './own-server.ts';

/** A node that ends by itself is started again after this, doubled each time up to the most, ms. */
const RESTART_MS = 500;
const MAX_RESTART_MS = 10_000;
/** One that lived so long has nothing to do with the last end, ms. */
const SETTLED_MS = 60_000;

export interface Supervisor {
  /** Where Desk is open. Resolves when every node has listened once. */
  readonly address: Promise<string>;
  /** Nodes end in their own grace, then the servers. Idempotent. */
  close(): Promise<void>;
}

export interface SupervisorOptions {
  readonly nodes: number;
  readonly settings: Settings;
  readonly log: Log;
  /** A server of its own ended by itself: nothing can be kept any more. */
  onFatal(error: Error): void;
}

/** @throws MillraceError `settings/…`, `engine/unavailable` */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const { settings, log } = options;
  const servers: OwnServer[] = [];
  const lock = await lockFolder(settings.DATA_DIR);
  let isClosing = false;

  const closeServers = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
    await lock.release();
  };
  try {
    const environment: Record<string, string> = {
      // Made once, here: nodes that start together must agree.
      SESSION_SECRET: settings.SESSION_SECRET || (await keepSessionSecret(settings.DATA_DIR)),
    };
    if (settings.DATABASE_URL === '') {
      const server = await startOwnPostgres(join(settings.DATA_DIR, 'postgres'));
      servers.push(server);
      environment['DATABASE_URL'] = server.url;
    }
    if (settings.REDIS_URL === '') {
      const server = await startOwnRedis(join(settings.DATA_DIR, 'redis'));
      servers.push(server);
      environment['REDIS_URL'] = server.url;
    }
    for (const server of servers) {
      log.info({ server: server.name }, 'server started');
      void server.ended.then((words) => {
        if (!isClosing) options.onFatal(new Error(`${server.name} ended by itself: ${words}`));
      });
    }
    const nodes = startNodes(options, environment);
    let closing: Promise<void> | null = null;
    return {
      address: nodes.address,
      close() {
        isClosing = true;
        closing ??= nodes.close().then(closeServers);
        return closing;
      },
    };
  } catch (error) {
    isClosing = true;
    await closeServers();
    throw error;
  }
}

function startNodes(
  { nodes: count, log }: SupervisorOptions,
  environment: Readonly<Record<string, string>>,
): Supervisor {
  const { promise: address, resolve } = Promise.withResolvers<string>();
  const live = new Map<number, Worker>();
  const timers = new Set<NodeJS.Timeout>();
  const listening = new Set<number>();
  let isClosing = false;
  cluster.setupPrimary({ args: [] });

  function start(number: number, restartMs: number): void {
    const startedAt = performance.now();
    const worker = cluster.fork({ ...environment, NODE_NUMBER: `${number}` });
    live.set(number, worker);
    worker.on('message', (message: unknown) => {
      if (typeof message !== 'object' || message === null || !('address' in message)) return;
      listening.add(number);
      if (listening.size === count) resolve(String(message.address));
    });
    worker.on('exit', (code, signal) => {
      live.delete(number);
      if (isClosing) return;
      log.error({ node: number, code, signal }, 'a node ended by itself, it is started again');
      const isSettled = performance.now() - startedAt > SETTLED_MS;
      const waitMs = isSettled ? RESTART_MS : restartMs;
      const timer = setTimeout(() => {
        timers.delete(timer);
        start(number, Math.min(waitMs * 2, MAX_RESTART_MS));
      }, waitMs);
      timers.add(timer);
    });
  }
  for (let number = 1; number <= count; number += 1) start(number, RESTART_MS);

  return {
    address,
    async close() {
      isClosing = true;
      for (const timer of timers) clearTimeout(timer);
      await Promise.all(
        [...live.values()].map(
          (worker) =>
            new Promise<void>((resolve) => {
              worker.once('exit', () => resolve());
              // Its own cut-off is its own business (main.ts).
              worker.process.kill('SIGTERM');
            }),
        ),
      );
    },
  };
}
