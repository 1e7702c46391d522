// What does a page cost that only waits?
//
// The renderer's CPU time, all its threads, over a window in which nothing is published: what remains
// are beats (one every 2 s, as spec A's hooks ask for), timers, and the browser itself. Three pages: a
// blank one, one chat with one subscription, and Desk's whole Floor with four.

import { setTimeout as sleep } from 'node:timers/promises';
import { type Chromium, openChromium, openPageMeter } from '@millrace/tests';
import type { Page } from 'playwright-core';
import type { Bench, BenchOptions, Figure, Findings } from './lib/bench.ts';
import { allowOnly, type Carrier, untilConnected } from './lib/carriers.ts';
import { chatPage } from './lib/chat-page.ts';
import { startDesk } from './lib/desk.ts';
import { startFront } from './lib/front.ts';

/** A market that stands still and agents that say nothing by themselves. */
const quiet = { CHAT_EVERY_MS: '0', MARKET_TICK_MS: '3600000' };
const windowMs = 30_000;
/** What a page does in its first seconds is its start. */
const settleMs = 6_000;

export const idlePage: Bench = {
  name: 'idle-page',
  question: 'What does a page cost that only waits?',
  method: `CPU time of the page's process (all threads, as Chromium counts it) over ${windowMs / 1_000} s in which nothing is published; the server beats every 2 s. Frames are not recorded, since that would make the page draw.`,
  run,
};

async function run({ runs = 3 }: BenchOptions): Promise<Findings> {
  await using desk = await startDesk(quiet);
  await using front = await startFront(desk.port, await chatPage());
  await using chromium = await openChromium();
  const chat =
    (carrier: Carrier) =>
    async (page: Page): Promise<void> => {
      await allowOnly(page, carrier);
      await page.goto(`${front.url}/bench-chat`);
      await untilConnected(page, carrier);
    };
  const pages: Record<string, (page: Page) => Promise<void>> = {
    'one subscription, WebSocket': chat('websocket'),
    'one subscription, SSE': chat('sse'),
    'one subscription, long-poll': chat('poll'),
    "Desk's Floor, four subscriptions, WebSocket": async (page) => {
      await page.goto(desk.url);
      await untilConnected(page, 'websocket');
    },
    'for comparison: a blank page': async (page) => {
      await page.goto('about:blank');
    },
  };
  const shares = new Map<string, number[]>(Object.keys(pages).map((label) => [label, []]));
  for (let run = 0; run < runs; run += 1) {
    for (const [label, open] of Object.entries(pages)) {
      shares.get(label)?.push(await measure(chromium, open));
    }
  }
  return {
    figures: [...shares].map(
      ([label, values]): Figure => ({
        label,
        unit: '% CPU',
        values,
        ...(label.startsWith('for comparison') ? {} : { goal: { atMost: 1 } }),
      }),
    ),
  };
}

async function measure(chromium: Chromium, open: (page: Page) => Promise<void>): Promise<number> {
  await using test = await chromium.newPage();
  await open(test.page);
  await sleep(settleMs);
  await using meter = await openPageMeter(test.page);
  const before = await meter.read();
  await sleep(windowMs);
  return (await meter.cpuShareSince(before)) * 100;
}
