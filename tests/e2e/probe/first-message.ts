// How long a page takes to its first message. Owns one visit: a fresh user or the next load of a
// known one; the network is the test's.

import type { Page } from 'playwright-core';
import type { Chromium } from '../../support/chromium.ts';
import { loadProbe, type ProbeTab } from './open-probe.ts';
import type { ProbeOptions } from './page.ts';

export interface Visit {
  /** From asking for the document to the first message in the application's hands. */
  readonly fromNavigationMs: number;
  /** From making the client. */
  readonly fromClientMs: number;
  /** The carrier that the status named when the message arrived, and its readable reason. */
  readonly transport: string | null;
  readonly notice: string | null;
}

export async function freshVisit(
  chromium: Chromium,
  url: string,
  options: ProbeOptions,
): Promise<Visit> {
  await using test = await chromium.newPage();
  const visit = await visitWith(test.page, url, options);
  // Failed loads of blocked carriers are the browser's own lines; exceptions would be ours.
  if (test.pageErrors.length > 0) throw new Error(`the page threw: ${test.pageErrors[0]}`);
  return visit;
}

export async function visitWith(page: Page, url: string, options: ProbeOptions): Promise<Visit> {
  return firstMessage(await loadProbe(page, url, options));
}

export async function firstMessage(tab: ProbeTab): Promise<Visit> {
  const event = await tab.untilEntry('event', () => true, {
    label: 'the first message',
    deadlineMs: 15_000,
  });
  const { navigatedAt, startedAt } = await tab.times();
  const before = (await tab.entries()).filter(({ atMs }) => atMs <= event.atMs);
  const status = before.findLast((entry) => entry.kind === 'status');
  return {
    fromNavigationMs: event.atMs - navigatedAt,
    fromClientMs: event.atMs - startedAt,
    transport: status?.transport ?? null,
    notice: status?.notice ?? null,
  };
}
