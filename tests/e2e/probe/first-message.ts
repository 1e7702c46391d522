// How long a page takes to its first message, and on which carrier it settles. Owns one visit: a
// fresh user or the next load of a known one; the network is the test's.

import type { Page } from 'playwright-core';
import type { Chromium } from '../../support/chromium.ts';
import { expectWithin } from '../../support/timing.ts';
import { loadProbe, type ProbeTab } from './open-probe.ts';
import type { ProbeOptions } from './page.ts';
import type { RecordEntry } from './recorder.ts';

export interface Visit {
  /** From asking for the document to the first message in the application's hands. */
  readonly fromNavigationMs: number;
  /** From making the client. */
  readonly fromClientMs: number;
  /** The readable reason in the status on that carrier. */
  readonly notice: string | null;
}

export interface Visited {
  /**
   * What the status must name at the latest half a second after the first message. (A proxy that
   * lets a held stream go when it is closed may bring the message just before.)
   */
  readonly settlesOn: 'websocket' | 'sse' | 'poll';
}

const settleWithinMs = 500;

export async function freshVisit(
  chromium: Chromium,
  url: string,
  options: ProbeOptions & Visited,
): Promise<Visit> {
  await using test = await chromium.newPage();
  const visit = await visitWith(test.page, url, options);
  // Failed loads of blocked carriers are the browser's own lines; exceptions would be ours.
  if (test.pageErrors.length > 0) throw new Error(`the page threw: ${test.pageErrors[0]}`);
  return visit;
}

export async function visitWith(
  page: Page,
  url: string,
  { settlesOn, ...options }: ProbeOptions & Visited,
): Promise<Visit> {
  const tab = await loadProbe(page, url, options);
  const event = await tab.untilEntry('event', () => true, {
    label: 'the first message',
    deadlineMs: 30_000,
  });
  const status = await tab.untilEntry('status', ({ transport }) => transport === settlesOn, {
    label: `${settlesOn} in the status`,
  });
  let newest = await newestStatus(tab);
  if (newest?.error === 'link/replaced') {
    // The rung below had its turn already when this one answered, and the server took its link for the newer one.
    await tab.untilEntry('status', ({ transport }) => transport === settlesOn, {
      label: `${settlesOn} in the status again`,
      since: newest.atMs,
    });
    newest = await newestStatus(tab);
  }
  if (newest?.transport !== settlesOn) {
    throw new Error(`${settlesOn} did not last: ${JSON.stringify(newest)}`);
  }
  expectWithin(status.atMs - event.atMs, settleWithinMs, `${settlesOn} after a message`);
  const { navigatedAt, startedAt } = await tab.times();
  return {
    fromNavigationMs: event.atMs - navigatedAt,
    fromClientMs: event.atMs - startedAt,
    notice: newest.notice,
  };
}

type Status = Extract<RecordEntry, { kind: 'status' }>;

async function newestStatus(tab: ProbeTab): Promise<Status | undefined> {
  return (await tab.entries()).findLast((entry) => entry.kind === 'status');
}
