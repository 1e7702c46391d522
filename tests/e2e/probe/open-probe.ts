// Opens the probe page in Chromium and mirrors its record into the test. Owns the tab; the network
// between page and server is the test's.

import type { Page } from 'playwright-core';
import type { Chromium, TestPage } from '../../support/chromium.ts';
import { until } from '../../support/wait.ts';
import type { ProbeOptions } from './page.ts';
import type { RecordEntry } from './recorder.ts';

export interface ProbePage extends AsyncDisposable {
  readonly test: TestPage;
  readonly tab: ProbeTab;
}

export interface ProbeTab {
  readonly page: Page;
  /** Everything recorded until now. */
  entries(): Promise<readonly RecordEntry[]>;
  /** The first entry from `since` (ms since 1970) on that fits. */
  untilEntry<Kind extends RecordEntry['kind']>(
    kind: Kind,
    fits: (entry: Extract<RecordEntry, { kind: Kind }>) => boolean,
    options: { readonly label: string; readonly deadlineMs?: number; readonly since?: number },
  ): Promise<Extract<RecordEntry, { kind: Kind }>>;
  /** Waits until an event with this number has arrived. */
  untilTick(n: number): Promise<void>;
  /** When the document was asked for and when the client was made, ms since 1970. */
  times(): Promise<{ readonly navigatedAt: number; readonly startedAt: number }>;
}

/** A fresh user: nothing remembered. */
export async function openProbe(
  chromium: Chromium,
  url: string,
  options: ProbeOptions,
): Promise<ProbePage> {
  const test = await chromium.newPage();
  return {
    test,
    tab: await loadProbe(test.page, url, options),
    [Symbol.asyncDispose]: () => test.close(),
  };
}

/** Loads the probe page in a tab that exists: another tab, or the next visit, of the same user. */
export async function loadProbe(page: Page, url: string, options: ProbeOptions): Promise<ProbeTab> {
  const query = encodeURIComponent(JSON.stringify(options));
  await page.goto(`${url}/?probe=${query}`, { waitUntil: 'commit' });
  const mirror: RecordEntry[] = [];

  async function entries(): Promise<readonly RecordEntry[]> {
    const news = await page.evaluate(
      (from) => (window.probe === undefined ? [] : window.probe.recorder.entries.slice(from)),
      mirror.length,
    );
    mirror.push(...news);
    return mirror;
  }

  return {
    page,
    entries,
    untilEntry: (kind, fits, { since = 0, ...options }) =>
      until(
        async () => {
          for (const entry of await entries()) {
            if (entry.atMs >= since && isOf(entry, kind) && fits(entry)) return entry;
          }
          return undefined;
        },
        { ...options, everyMs: 20, details: () => tail(mirror) },
      ),
    async untilTick(n) {
      await until(
        async () => (await entries()).some((entry) => entry.kind === 'event' && entry.n === n),
        {
          label: `tick ${n}`,
          everyMs: 20,
          details: () => tail(mirror),
        },
      );
    },
    times: () =>
      page.evaluate(() => ({
        navigatedAt: performance.timeOrigin,
        startedAt: window.probe.startedAt,
      })),
  };
}

function isOf<Kind extends RecordEntry['kind']>(
  entry: RecordEntry,
  kind: Kind,
): entry is Extract<RecordEntry, { kind: Kind }> {
  return entry.kind === kind;
}

function tail(entries: readonly RecordEntry[]): string {
  return entries
    .slice(-25)
    .map((entry) => JSON.stringify(entry))
    .join('\n');
}
