// The engine for one process: nothing to install, nothing kept. Its epoch is random for each engine that is
// created, so no cursor of an earlier process can be taken for a position in this one. Rules: LOG-1 … LOG-14, BUS-1.

import { randomBytes } from 'node:crypto';
import type { Engine } from '../../seams/engine.ts';
import { createLocalBus } from '../local-bus.ts';
import { createMemoryLog } from './memory-log.ts';

export interface MemoryEngineOptions {
  /** How long an idempotency key is remembered, and a producer after its last event, ms. Default 10 min. */
  readonly keyWindowMs?: number;
  /** How many keys and producers are remembered at most; past it the oldest go early. Default 500,000 (about 100 MB). */
  readonly maxKeys?: number;
  /** The clock, ms since 1970. Default `Date.now`. */
  readonly now?: () => number;
}

/** An engine in this process's memory. Survives nothing; serves one hub or several of the same process. */
export function memoryEngine(options: MemoryEngineOptions = {}): Engine {
  const log = createMemoryLog({
    token: randomBytes(9).toString('base64url'),
    now: options.now ?? Date.now,
    keyWindowMs: options.keyWindowMs ?? 600_000,
    maxKeys: options.maxKeys ?? 500_000,
  });
  const bus = createLocalBus();
  return {
    log,
    bus,
    capabilities: {
      name: 'memory',
      survives: 'nothing',
      nodes: 'one',
      isLocal: true,
    },
    async close() {
      await Promise.all([log.close(), bus.close()]);
    },
  };
}
