// The probes' server for a soak: one process with its engine in memory, or several on one real Redis or PostgreSQL.
// One `await using`.

import { join } from 'node:path';
import { type EngineKind, type NodeProgram, startNodes } from '../nodes/node-cluster.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

export interface ProbeNodesOptions {
  /** Default one process, in memory. */
  readonly cluster?: { readonly engine: EngineKind; readonly nodes: number } | undefined;
  /** What the program takes beside its engine. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface ProbeNodes extends AsyncDisposable {
  readonly nodes: readonly [ServerProcess, ...ServerProcess[]];
}

export async function startProbeNodes({ cluster, env }: ProbeNodesOptions): Promise<ProbeNodes> {
  const program: NodeProgram = {
    entry: join(import.meta.dirname, '../e2e/probe/main.ts'),
    env: { HAS_PAGE: 'no', ...env },
  };
  if (cluster === undefined) {
    const server = await startServerProcess({ ...program, ready: { stdout: /listening/ } });
    return { nodes: [server], [Symbol.asyncDispose]: () => server.close() };
  }
  const started = await startNodes(cluster.engine, cluster.nodes, program);
  const [first, ...others] = started.nodes;
  if (first === undefined) throw new Error('a cluster has one node at least');
  return { nodes: [first, ...others], [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() };
}
