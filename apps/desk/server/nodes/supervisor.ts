// `npm start -- --nodes 3`: several Desks on one port of one machine. The first process takes the connections and hands
// them out in turn (Node's cluster), so any node serves anybody, whatever it served before; it starts the database and
// the Redis that were not given.
//
//   supervisor ── PostgreSQL, Redis (its own, or given; Redis may be missing) ── node 1 … n ── close: nodes in grace, then the servers
//
// Refuses to own: what a node is (desk.ts).

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { lockDataFolder } from '../database/open-data-folder.ts';
import { requireFreePort } from '../http/node-server.ts';
import { keepSessionSecret } from '../identity/session-secret.ts';
import type { Log } from '../log.ts';
import type { Settings } from '../settings/read.ts';
import { findProgram } from './find-program.ts';
import { freePort } from './free-port.ts';
import { type KeptServer, keepRunning } from './keep-running.ts';
import { type NodeProcesses, startNodes } from './node-processes.ts';
import { startOwnPostgres } from './own-postgres.ts';
import { startOwnRedis } from './own-redis.ts';
import type { OwnServer } from './own-server.ts';

/** `address` resolves when every node has listened once; `close` ends the nodes in their own grace, then the servers. */
export type Supervisor = NodeProcesses;

export interface SupervisorOptions {
  readonly nodes: number;
  readonly settings: Settings;
  readonly log: Log;
  /** A server of its own ended and cannot be started again: nothing can be kept any more. */
  onFatal(error: Error): void;
}

/** @throws MillraceError `settings/…`, `engine/unavailable` */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const { settings, log, onFatal } = options;
  await requireFreePort(settings);
  const lock = await lockDataFolder(settings.DATA_DIR);
  const servers: KeptServer[] = [];
  const closeServers = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
    await lock.release();
  };
  const keep = async (start: StartOwn): Promise<string> => {
    const server = await keepRunning({ start, log, onFatal });
    servers.push(server);
    return server.url;
  };
  const redisOrNone = async (): Promise<string> => {
    if ((await findProgram('redis-server')) !== null) return keep(await ownRedis(settings));
    log.warn({}, 'Redis is not installed, so channels live in the database (slower)');
    return '';
  };
  try {
    const environment = {
      // Made once, here: nodes that start together must agree, and one that starts again must find the same.
      PORT: `${settings.PORT === 0 ? await freePort(settings.HOST) : settings.PORT}`,
      SESSION_SECRET: settings.SESSION_SECRET || (await keepSessionSecret(settings.DATA_DIR)),
      DATABASE_URL: settings.DATABASE_URL || (await keep(await ownPostgres(options))),
      REDIS_URL: settings.REDIS_URL || (await redisOrNone()),
    };
    const nodes = startNodes({ count: options.nodes, environment, log });
    let closing: Promise<void> | null = null;
    return {
      address: nodes.address,
      close() {
        closing ??= nodes.close().then(closeServers);
        return closing;
      },
    };
  } catch (error) {
    await closeServers();
    throw error;
  }
}

/** Each start of it at the same address. */
type StartOwn = () => Promise<OwnServer>;

async function ownPostgres({ settings, nodes }: SupervisorOptions): Promise<StartOwn> {
  const port = await freePort();
  return () => startOwnPostgres(join(settings.DATA_DIR, 'postgres'), { port, nodes });
}

async function ownRedis(settings: Settings): Promise<StartOwn> {
  const port = await freePort();
  const password = randomBytes(24).toString('hex');
  return () => startOwnRedis(join(settings.DATA_DIR, 'redis'), { port, password });
}
