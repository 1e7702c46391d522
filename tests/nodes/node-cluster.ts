// Several nodes as processes on one real Redis or PostgreSQL, and what befalls that: a freeze, cut connections.
// One `await using`.

import { join } from 'node:path';
import { startPostgres, startRedis } from '@millrace/server/testing/servers';
import type { EngineWords } from '../cluster/engines/open.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

export type EngineKind = 'redis' | 'postgres';

export interface NodeCluster extends AsyncDisposable {
  readonly nodes: readonly ServerProcess[];
  /** The engine's server takes connections, and says nothing. */
  freeze(): void;
  thaw(): void;
  /** Ends the connections on which nodes hear of each other. Resolves with how many. */
  deafen(): Promise<number>;
}

interface Backing {
  readonly words: EngineWords;
  freeze(): void;
  thaw(): void;
  deafen(): Promise<number>;
  close(): Promise<void>;
}

export interface NodeProgram {
  /** Gets the engine as `ENGINE` (JSON of `EngineWords`), and says that it listens. */
  readonly entry: string;
  readonly env?: Readonly<Record<string, string>>;
}

const peopleNode: NodeProgram = { entry: join(import.meta.dirname, 'node.ts') };

export async function startNodes(
  kind: EngineKind,
  count: number,
  { entry, env }: NodeProgram = peopleNode,
): Promise<NodeCluster> {
  const backing = kind === 'redis' ? await startRedisBacking() : await startPostgresBacking();
  const nodes = await Promise.all(
    Array.from({ length: count }, () =>
      startServerProcess({
        entry,
        env: { ...env, ENGINE: JSON.stringify(backing.words) },
        ready: { stdout: /listening/ },
      }),
    ),
  );
  return {
    nodes,
    freeze: backing.freeze,
    thaw: backing.thaw,
    deafen: backing.deafen,
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node.close()));
      await backing.close();
    },
  };
}

async function startRedisBacking(): Promise<Backing> {
  const server = await startRedis();
  return {
    words: { kind: 'redis', port: server.port },
    freeze: server.freeze,
    thaw: server.thaw,
    deafen: async () => Number(/:(\d+)/.exec(await server.ask('CLIENT KILL TYPE pubsub'))?.[1]),
    async close() {
      await server[Symbol.asyncDispose]();
    },
  };
}

/** What they did last is a LISTEN or the ping that comes back over it. */
const END_LISTENERS =
  "select count(pg_terminate_backend(pid)) from pg_stat_activity where query ~ '^(listen|select pg_notify)' and pid <> pg_backend_pid()";

async function startPostgresBacking(): Promise<Backing> {
  const server = await startPostgres();
  return {
    words: { kind: 'postgres', port: server.port },
    freeze: server.freeze,
    thaw: server.thaw,
    deafen: async () => Number(await server.run('psql', '-d', 'postgres', '-Atc', END_LISTENERS)),
    close: () => server.close(),
  };
}
