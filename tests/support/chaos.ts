// Seeded trouble on top of the faulty proxy: every open connection gets a fault at drawn times, and
// acts of the test's own (killing a node) run on their own rhythm. Owns the timers and the history;
// what to check afterwards is the test's.
//
// The draws of a connection depend on the seed and on its number only, so two runs with one seed
// give connection n the same faults, however the timers of the others fell.

import type { FaultyProxy } from './faulty-proxy.ts';
import type { CutHow, StreamFault } from './proxy/rules.ts';
import { createSeededRandom, type SeededRandom } from './seeded-random.ts';

/** From and to, in milliseconds, both included. */
export type MsRange = readonly [fromMs: number, toMs: number];

export type ChaosFault =
  | { readonly kind: 'cut'; readonly how: CutHow }
  /** Frozen, then thawed. */
  | { readonly kind: 'freeze'; readonly forMs: MsRange }
  /** Frozen for good: only `stop` ends it, by a reset. */
  | { readonly kind: 'half-open' }
  /** A running response is reshaped, for a time or for good. */
  | { readonly kind: 'impose'; readonly fault: StreamFault; readonly forMs?: MsRange };

export interface ChaosAct {
  readonly label: string;
  readonly everyMs: MsRange;
  run(random: SeededRandom): void | Promise<void>;
}

export interface ChaosRecord {
  readonly atMs: number;
  /** Absent for an act. */
  readonly connection?: number;
  readonly what: string;
}

export interface ChaosOptions {
  readonly proxy: FaultyProxy;
  readonly seed: number;
  /** Between two faults of one connection. Default 2 to 10 s. */
  readonly everyMs?: MsRange;
  /** Default: all of `allFaults`. */
  readonly faults?: readonly ChaosFault[];
  readonly acts?: readonly ChaosAct[];
}

export interface Chaos extends AsyncDisposable {
  readonly seed: number;
  readonly history: readonly ChaosRecord[];
  /**
   * No more trouble, and the network is whole: what is frozen for good is reset, all else thaws and
   * passes. Waits for acts that run; rejects with the first error of one. Idempotent.
   */
  stop(): Promise<void>;
}

/** Every fault of the recovery promise, at its sizes. */
export const allFaults: readonly ChaosFault[] = [
  { kind: 'cut', how: 'rst' },
  { kind: 'cut', how: 'fin' },
  { kind: 'half-open' },
  { kind: 'freeze', forMs: [2_000, 40_000] },
  { kind: 'impose', fault: { mode: 'drip' }, forMs: [500, 4_000] },
  { kind: 'impose', fault: { mode: 'buffer-bytes', bytes: 16 * 1024 }, forMs: [2_000, 10_000] },
  { kind: 'impose', fault: { mode: 'truncate', frame: 1, how: 'rst' } },
];

export function createChaos(options: ChaosOptions): Chaos {
  const { proxy, seed, everyMs = [2_000, 10_000], faults = allFaults, acts = [] } = options;
  const root = createSeededRandom(seed);
  const startedAt = performance.now();
  const history: ChaosRecord[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const halfOpen = new Set<number>();
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  let stopping: Promise<void> | undefined;

  function later(range: MsRange, random: SeededRandom, run: () => void): void {
    if (stopping !== undefined) return;
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        run();
      },
      random.between(...range),
    );
    timers.add(timer);
  }

  function note(what: string, connection?: number): void {
    const atMs = performance.now() - startedAt;
    history.push(connection === undefined ? { atMs, what } : { atMs, what, connection });
  }

  function trouble(connection: number, random: SeededRandom): void {
    later(everyMs, random, () => {
      if (!proxy.connections().some(({ id }) => id === connection)) return;
      const fault = random.pick(faults);
      note(describe(fault), connection);
      strike(fault, connection, random);
      trouble(connection, random);
    });
  }

  function strike(fault: ChaosFault, connection: number, random: SeededRandom): void {
    const it = ({ id }: { readonly id: number }): boolean => id === connection;
    switch (fault.kind) {
      case 'cut':
        proxy.cut(it, { how: fault.how });
        return;
      case 'half-open':
        halfOpen.add(connection);
        proxy.freeze(it);
        return;
      case 'freeze':
        proxy.freeze(it);
        later(fault.forMs, random, () => {
          if (!halfOpen.has(connection)) proxy.unfreeze(it);
        });
        return;
      case 'impose':
        proxy.impose(it, fault.fault);
        if (fault.forMs) {
          later(fault.forMs, random, () => void proxy.impose(it, { mode: 'pass' }));
        }
    }
  }

  function repeat(act: ChaosAct, random: SeededRandom): void {
    later(act.everyMs, random, () => {
      note(act.label);
      const run = (async () => act.run(random))()
        .catch((error: unknown) => void failures.push(error))
        .finally(() => {
          running.delete(run);
          repeat(act, random);
        });
      running.add(run);
    });
  }

  const unsubscribe = proxy.subscribe((event) => {
    if (event.type === 'open') trouble(event.connection, root.fork(event.connection));
  });
  for (const { id } of proxy.connections()) trouble(id, root.fork(id));
  for (const [index, act] of acts.entries()) repeat(act, root.fork(-1 - index));

  async function end(): Promise<void> {
    unsubscribe();
    for (const timer of timers) clearTimeout(timer);
    timers.clear();
    proxy.cut(({ id }) => halfOpen.has(id), { how: 'rst' });
    proxy.unfreeze('all');
    proxy.impose('all', { mode: 'pass' });
    await Promise.all(running);
    if (failures.length > 0) throw failures[0];
  }
  const stop = (): Promise<void> => {
    stopping ??= end();
    return stopping;
  };
  return { seed, history, stop, [Symbol.asyncDispose]: stop };
}

function describe(fault: ChaosFault): string {
  return fault.kind === 'impose'
    ? fault.fault.mode
    : fault.kind === 'cut'
      ? `cut ${fault.how}`
      : fault.kind;
}
