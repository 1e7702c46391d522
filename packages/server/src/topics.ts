// The topics in memory: loaded for the first reader of a channel, kept a moment after the last one, then dropped.
// Only they listen to their channel: what is appended to others concerns nobody here. Rules: LOG-7.

import type { Limits, MillraceError } from '@millrace/protocol';
import type { AnyContract } from './contract-set.ts';
import type { Pressure } from './hub-types.ts';
import type { Log, StoredSnapshot } from './seams/log.ts';
import type { Timers } from './seams/timers.ts';
import type { Tick } from './tick.ts';
import { Topic } from './topic.ts';

/** How long a topic outlives its last reader, ms: whoever reconnects finds it loaded. */
const LINGER_MS = 10_000;
/** How often the log is asked although no hint came, ms: a hint may get lost. */
const RECHECK_MS = 60_000;

export interface Topics {
  readonly count: number;
  /** Counts the caller as a reader until `release`. */
  acquire(name: string, contract: AnyContract): Topic;
  release(name: string): void;
  /** Runs `use` with the channel's state at its head, loading it if need be. Does nothing if it cannot be loaded. */
  withState(
    name: string,
    contract: AnyContract,
    use: (snapshot: StoredSnapshot, epoch: string) => Promise<void>,
  ): Promise<void>;
  /** Only if it is loaded. */
  find(name: string): Topic | null;
  close(): void;
}

export interface TopicsOptions {
  readonly log: Log;
  readonly isLocal: boolean;
  readonly limits: Limits;
  readonly timers: Timers;
  readonly tick: Tick;
  readonly onError: (error: MillraceError) => void;
  readonly onDelivered: (count: number) => void;
  readonly onPressure: (outcome: Pressure) => void;
  /** A channel was loaded, and holds `kept` events. */
  readonly onLoaded: (name: string, kept: number) => void;
}

interface Loaded {
  readonly topic: Topic;
  readers: number;
  cancelTimer: () => void;
}

export function createTopics(options: TopicsOptions): Topics {
  const { timers } = options;
  const loaded = new Map<string, Loaded>();

  function recheckLater(one: Loaded): void {
    one.cancelTimer();
    one.cancelTimer = timers.after(RECHECK_MS, () => {
      one.topic.refresh();
      recheckLater(one);
    });
  }

  function dropLater(name: string, one: Loaded): void {
    one.cancelTimer();
    one.cancelTimer = timers.after(LINGER_MS, () => {
      loaded.delete(name);
      one.topic.close();
    });
  }

  function acquire(name: string, contract: AnyContract): Topic {
    let one = loaded.get(name);
    if (one === undefined) {
      const topic = new Topic({ ...options, name, contract });
      one = { topic, readers: 0, cancelTimer: () => undefined };
      loaded.set(name, one);
    }
    one.readers += 1;
    if (one.readers === 1) recheckLater(one);
    return one.topic;
  }

  function release(name: string): void {
    const one = loaded.get(name);
    if (one === undefined) return;
    one.readers -= 1;
    if (one.readers === 0) dropLater(name, one);
  }

  return {
    get count() {
      return loaded.size;
    },
    acquire,
    release,
    async withState(name, contract, use) {
      const topic = acquire(name, contract);
      try {
        await topic.loaded();
        const view = topic.view();
        const snapshot = topic.storedState();
        if (view !== null && snapshot !== null) await use(snapshot, view.epoch);
      } finally {
        release(name);
      }
    },
    find: (name) => loaded.get(name)?.topic ?? null,
    close() {
      for (const one of loaded.values()) {
        one.cancelTimer();
        one.topic.close();
      }
      loaded.clear();
    },
  };
}
