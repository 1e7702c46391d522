// The readers that stall, and the network between them and the nodes, in a process of their own
// (stalled-crowd-process.ts): a thousand clients that find their links dead keep one busy, and who is measured beside
// them must not be late for it.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Published } from '../e2e/probe/check-record.ts';
import type { Target } from '../support/proxy/upstream.ts';

export interface CrowdOptions {
  readonly targets: readonly Target[];
  readonly count: number;
  /** So many of them come back; the others leave. */
  readonly resuming: number;
}

export type CrowdCall =
  | { readonly call: 'open'; readonly options: CrowdOptions }
  | { readonly call: 'stall' | 'letGo' }
  | {
      readonly call: 'judge';
      readonly published: readonly Published[];
      readonly deadlineMs: number;
    };

/** One call after the other. */
export interface Crowd extends AsyncDisposable {
  /** Their connections stay open, and nothing is read from them. */
  stall(): Promise<unknown>;
  letGo(): Promise<unknown>;
  /** Waits until those that came back are at the end, for `deadlineMs` at most. Resolves with what is wrong with their records. */
  judge(published: readonly Published[], deadlineMs: number): Promise<readonly string[]>;
}

/** Resolves once all of them are subscribed. */
export async function startCrowd(options: CrowdOptions): Promise<Crowd> {
  const child = fork(join(import.meta.dirname, 'stalled-crowd-process.ts'), {
    execArgv: ['--conditions=@millrace/source'],
    serialization: 'advanced',
  });
  const ask = (call: CrowdCall): Promise<unknown> => {
    child.send(call);
    return nextAnswer(child);
  };
  await ask({ call: 'open', options });
  return {
    stall: () => ask({ call: 'stall' }),
    letGo: () => ask({ call: 'letGo' }),
    judge: async (published, deadlineMs) =>
      (await ask({ call: 'judge', published, deadlineMs })) as readonly string[],
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function nextAnswer(child: ChildProcess): Promise<unknown> {
  const settled = new AbortController();
  const { signal } = settled;
  const ended = once(child, 'exit', { signal }).then(([code]) =>
    Promise.reject(new Error(`the stalled readers' process ended with ${code}`)),
  );
  try {
    const [answer] = (await Promise.race([once(child, 'message', { signal }), ended])) as unknown[];
    return answer;
  } finally {
    ended.catch(() => undefined);
    settled.abort();
  }
}
