// The nodes of a run, each a process of its own: started, killed (kill -9) and started again on their ports, and their
// clocks made to jump. Owns the processes; when that happens is the run's.

import { join } from 'node:path';
import type { Target } from '../support/proxy/upstream.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import type { TestedEngine } from './engines/tested-engine.ts';

export interface Node {
  readonly index: number;
  /** Stays the same object: the network tells nodes apart by it. */
  readonly target: Target;
  readonly url: string;
  isUp(): boolean;
  /** When it was killed last and when it was ready last, ms since 1970; 0 for never. */
  readonly killedAtMs: number;
  readonly readyAtMs: number;
}

/** Everything that is kept of a channel. */
export interface ChannelLog {
  readonly epoch: string;
  readonly head: number;
  readonly entries: readonly (readonly [offset: number, n: number])[];
}

export interface Fleet extends AsyncDisposable {
  readonly nodes: readonly Node[];
  live(): readonly Node[];
  /** Kills it with -9. Resolves once it is gone. */
  kill(node: Node): Promise<void>;
  /** Resolves once it listens. */
  start(node: Node): Promise<void>;
  jumpClock(node: Node, byMs: number): Promise<void>;
  readLog(node: Node, channel: string): Promise<ChannelLog>;
  /** When the machine gave one of the processes that run now no turn for a second, ms since 1970. */
  stalls(): Promise<readonly number[]>;
  /** In words: those that ended without having been killed. */
  readonly broken: readonly string[];
}

interface OwnNode extends Node {
  process: ServerProcess;
  isKilled: boolean;
  killedAtMs: number;
  readyAtMs: number;
}

export async function startFleet(engine: TestedEngine, count: number): Promise<Fleet> {
  const stack = new AsyncDisposableStack();
  const broken: string[] = [];

  async function open(index: number): Promise<OwnNode> {
    const process = stack.use(
      await startServerProcess({
        entry: join(import.meta.dirname, 'node.ts'),
        env: { ENGINE: JSON.stringify(engine.wordsFor(index)) },
        ready: { stdout: /listening/ },
      }),
    );
    const node: OwnNode = {
      index,
      process,
      target: { host: '127.0.0.1', port: process.port },
      url: process.url,
      isKilled: false,
      isUp: () => !node.isKilled,
      killedAtMs: 0,
      readyAtMs: Date.now(),
    };
    watch(node);
    return node;
  }

  /** A node that ends by itself is a defect, whatever was done to its engine. */
  function watch(node: OwnNode): void {
    const { process } = node;
    void process.exited().then(({ code, signal }) => {
      if (node.isKilled || isClosing) return;
      broken.push(
        `node ${node.index} ended (${signal ?? code}): ${process.stderr().slice(-2_000)}`,
      );
    });
  }

  let isClosing = false;
  const nodes = await Promise.all(Array.from({ length: count }, (_, index) => open(index)));
  const own = (node: Node): OwnNode => {
    const found = nodes[node.index];
    if (found === undefined) throw new Error(`no node ${node.index}`);
    return found;
  };

  async function ask<Answer>(node: Node, path: string): Promise<Answer> {
    const response = await fetch(`${node.url}/bed/${path}`, {
      signal: AbortSignal.timeout(20_000),
    });
    if (!response.ok) throw new Error(`${path} of node ${node.index}: ${await response.text()}`);
    return (await response.json()) as Answer;
  }

  return {
    nodes,
    broken,
    live: () => nodes.filter((one) => one.isUp()),
    async kill(node) {
      const one = own(node);
      one.isKilled = true;
      one.killedAtMs = Date.now();
      await one.process.kill('SIGKILL');
    },
    async start(node) {
      const one = own(node);
      await one.process.restart('SIGKILL');
      one.isKilled = false;
      one.readyAtMs = Date.now();
      watch(one);
    },
    async jumpClock(node, byMs) {
      await ask(node, `clock?byMs=${byMs}`);
    },
    readLog: (node, channel) => ask(node, `log?channel=${encodeURIComponent(channel)}`),
    stalls: async () => {
      const up = nodes.filter((one) => one.isUp());
      return (await Promise.all(up.map((one) => ask<readonly number[]>(one, 'stalls')))).flat();
    },
    async [Symbol.asyncDispose]() {
      isClosing = true;
      await stack.disposeAsync();
    },
  };
}
