// Surroundings for the tests of this folder: a server in memory, a clock moved by hand, a page.

import type { PageChange } from '../environment.ts';
import { createFakeStreams, type FakeStreams } from '../testing/fake-streams.ts';
import { createManualClock, type ManualClock } from '../testing/manual-clock.ts';
import type { SSEEnvironment } from './sse-options.ts';

export interface SseBed extends FakeStreams {
  readonly environment: Partial<SSEEnvironment>;
  readonly clock: ManualClock;
  /** When each request was made, ms since the beginning. */
  readonly askedAtMs: readonly number[];
  /** What nobody wanted to hear of. */
  readonly reported: readonly string[];
  readonly network: { isOnline: boolean; random: number };
  page(change: PageChange): void;
}

export function createSseBed(): SseBed {
  const clock = createManualClock();
  const startedAt = clock.now();
  const streams = createFakeStreams();
  const askedAtMs: number[] = [];
  const reported: string[] = [];
  const network = { isOnline: true, random: 0.5 };
  const watchers = new Set<(change: PageChange) => void>();
  let ids = 0;
  const environment: Partial<SSEEnvironment> = {
    ...clock,
    baseUrl: 'http://desk.test/page',
    random: () => network.random,
    randomId: () => `key-${++ids}`,
    isOnline: () => network.isOnline,
    report: (error) => void reported.push(error.message),
    watchPage(listener) {
      watchers.add(listener);
      return () => void watchers.delete(listener);
    },
    fetch(url, init) {
      askedAtMs.push(clock.now() - startedAt);
      return streams.fetch(url, init);
    },
  };
  return {
    ...streams,
    environment,
    clock,
    askedAtMs,
    reported,
    network,
    page(change) {
      for (const watcher of [...watchers]) watcher(change);
    },
  };
}
