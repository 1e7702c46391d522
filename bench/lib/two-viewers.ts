// Two pages of the same chat at the same time, one streaming and one polling, and a reader that polls
// without a cursor: what each of them got, when, and for how many bytes. Owns no server.

import { setTimeout as sleep } from 'node:timers/promises';
import { type Chromium, openPageMeter } from '@millrace/tests';
import type { Page } from 'playwright-core';
import { untilConnected } from './carriers.ts';
import type { Front } from './front.ts';
import { takeAppearances, watchPaints } from './paint-watch.ts';

export interface Viewing {
  readonly delaysMs: readonly number[];
  readonly messages: number;
  /** Both directions, on the socket. */
  readonly bytes: number;
  /** Of the page's process, of one core. */
  readonly cpuPercent: number;
}

export interface Asking {
  /** Those that the answer before had not held. */
  readonly messages: number;
  readonly bytes: number;
  /** Mean size of a message's own JSON. */
  readonly bytesOfOne: number;
}

export interface ViewersOptions {
  readonly streamed: Front;
  readonly polled: Front;
  readonly whole: Front;
  readonly pollMs: number;
  readonly durationMs: number;
}

export async function watchBoth(
  chromium: Chromium,
  options: ViewersOptions,
): Promise<{ readonly streaming: Viewing; readonly polling: Viewing; readonly asking: Asking }> {
  const viewport = { width: 1600, height: 1200 };
  await using one = await chromium.newPage({ viewport });
  await using other = await chromium.newPage({ viewport });
  for (const { page } of [one, other]) await watchPaints(page);
  await one.page.goto(`${options.streamed.url}/bench-chat`);
  await other.page.goto(`${options.polled.url}/bench-chat?streaming=no`);
  await untilConnected(one.page, 'websocket');
  // Loading, the first history, and the first seconds of two new processes are not the question.
  await sleep(8_000);
  for (const { page } of [one, other]) await takeAppearances(page);
  const [streaming, polling, asking] = await Promise.all([
    watch(one.page, options.streamed, options.durationMs),
    watch(other.page, options.polled, options.durationMs),
    ask(options.whole, options),
  ]);
  return { streaming, polling, asking };
}

async function watch(page: Page, front: Front, durationMs: number): Promise<Viewing> {
  await using meter = await openPageMeter(page);
  const before = await meter.read();
  const bytesBefore = front.bytes();
  await sleep(durationMs);
  const cpuPercent = (await meter.cpuShareSince(before)) * 100;
  const bytes = front.bytes() - bytesBefore;
  const seen = await takeAppearances(page);
  return {
    // In the document where the browser presented no frame of its own: 45 s leave no doubt either way.
    delaysMs: seen.map((each) => (each.paintedAt ?? each.insertedAt) - each.publishedAt),
    messages: seen.length,
    bytes,
    cpuPercent,
  };
}

/** As pages did it before there were cursors: the newest hundred, every time. */
async function ask(front: Front, options: ViewersOptions): Promise<Asking> {
  const known = new Set<string>();
  const askOnce = async (): Promise<readonly { id: string }[]> => {
    const response = await fetch(`${front.url}/api/chat/messages?limit=100`);
    const { messages }: { messages: { id: string }[] } = await response.json();
    const fresh = messages.filter(({ id }) => !known.has(id));
    for (const { id } of fresh) known.add(id);
    return fresh;
  };
  await askOnce();
  const bytesBefore = front.bytes();
  const news: { id: string }[] = [];
  const endAt = performance.now() + options.durationMs;
  while (performance.now() + options.pollMs <= endAt) {
    await sleep(options.pollMs);
    news.push(...(await askOnce()));
  }
  const bytes = front.bytes() - bytesBefore;
  const own = news.reduce((sum, each) => sum + Buffer.byteLength(JSON.stringify(each)), 0);
  return { messages: news.length, bytes, bytesOfOne: own / news.length };
}
