// The Connection seam of this engine: where scripts and messages go, a server or the shards of a cluster.
//
// Contract, in prose: each call is answered within the patience, with what the script answered or a MillraceError
// (`engine/unavailable`, retryable; `server/internal` for what the server refuses and will refuse again). A call that
// was told to have failed is not sent afterwards; one that was sent may still be done. Rule: LOG-16.

import type { Call } from './patience.ts';
import type { Script } from './scripts/script.ts';

export interface ScriptCall {
  readonly script: Script;
  /** All in one slot on a cluster. */
  readonly keys: readonly string[];
  readonly args: readonly string[];
  readonly tries: Call<unknown>['tries'];
}

export interface Connection {
  run(call: ScriptCall): Promise<unknown>;
  /** In the order of the calls: what could not be taken fails, since what is sent again would be overtaken. */
  publish(name: string, text: string): Promise<void>;
  close(): void;
}

/** What runs scripts: one server, or the cluster that finds it. */
interface Runner {
  evalsha(sha: string, keyCount: number, ...args: unknown[]): Promise<unknown>;
  eval(source: string, keyCount: number, ...args: unknown[]): Promise<unknown>;
}

/** By its hash; a server that does not know it (a new one, SCRIPT FLUSH) has done nothing, and is sent it whole, in time. */
export async function runScript(
  on: Runner,
  { script, keys, args }: Pick<ScriptCall, 'script' | 'keys' | 'args'>,
  byMs: number,
): Promise<unknown> {
  try {
    return await on.evalsha(script.sha, keys.length, keys, args);
  } catch (thrown) {
    if (!(thrown instanceof Error) || !thrown.message.startsWith('NOSCRIPT')) throw thrown;
    if (performance.now() >= byMs) throw thrown;
    return on.eval(script.source, keys.length, keys, args);
  }
}
