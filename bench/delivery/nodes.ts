// Several processes of our server on one engine, as one target of the load client: connections go to them in turn, and
// the first one publishes.

import type { Target } from './load-arguments.ts';
import { type Served, serve } from './serve.ts';

export interface NodesOptions {
  readonly count: number;
  /** As bench/servers/engine.ts takes it; without one each node is alone. */
  readonly engine?: string;
  /** As `taskset` names them. */
  readonly cores: string;
}

export interface Nodes extends AsyncDisposable {
  /** The first one publishes. */
  readonly each: readonly Served[];
  /** Readers at all of them. */
  readonly target: Target;
}

export async function serveNodes({ count, engine, cores }: NodesOptions): Promise<Nodes> {
  const each: Served[] = [];
  const end = async (): Promise<void> => {
    await Promise.all(each.map((node) => node[Symbol.asyncDispose]()));
  };
  try {
    for (let started = 0; started < count; started += 1) {
      const env = engine === undefined ? {} : { ENGINE: engine };
      each.push(await serve('millrace-ws', { cores, env }));
    }
  } catch (error) {
    await end();
    throw error;
  }
  const [publisher] = each;
  if (publisher === undefined) throw new Error('there must be one node at least');
  return {
    each,
    target: {
      ...publisher,
      ports: each.flatMap(({ ports }) => ports),
      pids: each.flatMap(({ pids }) => pids),
    },
    [Symbol.asyncDispose]: end,
  };
}
