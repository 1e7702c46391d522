// The Engine seam: one factory gives both a log and a bus, and says what it promises.

import type { Bus } from './bus.ts';
import type { SqlDatabase } from './database.ts';
import type { Log } from './log.ts';

export interface EngineCapabilities {
  /** For people and logs: memory, pglite, postgres, redis. */
  readonly name: string;
  /** What an answered append survives. */
  readonly survives: 'nothing' | 'killed-process' | 'power-cut';
  /** Whether several hubs may share it. */
  readonly nodes: 'one' | 'many';
  /**
   * It lives in this process: a read costs no round trip, and what is appended is hinted, entries and all, before the
   * append is answered. A hub then keeps no second copy of the newest entries, and does not tell itself what it
   * appended. Default false, which is always right.
   */
  readonly isLocal?: boolean;
  /**
   * A log that went back to an older state (restored from a copy, a replica promoted that lagged) always comes in
   * another epoch. False where the engine may not ask its server which one it is. Default true. May change: it is known
   * once the server has answered.
   */
  readonly seesRollback?: boolean;
}

export interface Engine {
  readonly log: Log;
  readonly bus: Bus;
  readonly capabilities: EngineCapabilities;
  /** The database that it keeps its log in, if it does: a hub keeps its outbox there, unless it is given another. */
  readonly database?: SqlDatabase;
  /** Closes log and bus; idempotent. A connection that the user passed in stays the user's. */
  close(): Promise<void>;
}
