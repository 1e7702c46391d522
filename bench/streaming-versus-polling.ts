// What does streaming give and cost beside polling every 45 s? (The comparison of spec A10.)
//
// One Desk at its default pace, about 25 messages a minute. Part 1: two pages of the same chat in
// Chromium side by side, one streaming, one polling at 45 s, both in real time, each through a server of
// its own that counts bytes; a third reader polls without a cursor, asking for all that it shows each time.
// Part 2: the server's CPU with nobody, with many streaming and with as many polling viewers. Part 3:
// memory of idle links (lib/link-memory.ts). Nothing is compressed in time.

import { openChromium } from '@millrace/tests';
import type { Bench, BenchOptions, Figure, Findings } from './lib/bench.ts';
import { chatPage } from './lib/chat-page.ts';
import { startDesk } from './lib/desk.ts';
import { startFront } from './lib/front.ts';
import { measureLinkMemory } from './lib/link-memory.ts';
import { median, percentile } from './lib/statistics.ts';
import { type Viewing, watchBoth } from './lib/two-viewers.ts';
import { measureViewers, type Watching } from './lib/viewer-load.ts';

const pollMs = 45_000;
const viewers = 200;
const idleLinks = 1_000;

export const streamingVersusPolling: Bench = {
  name: 'streaming-versus-polling',
  question: 'What does streaming give and cost beside polling every 45 s?',
  method: `One Desk at its default pace. (1) Two pages of the same chat in Chromium at the same time, streaming and polling, for the minutes given: from a message's timestamp to its painting; bytes counted on the socket, both directions, after the page was loaded; CPU of the page's process. (2) The server's CPU with ${viewers} viewers in Node, windows of 60 s in turn. (3) ${idleLinks.toLocaleString('en-US')} idle subscriptions on a hub alone in its process: growth of its memory, garbage collected. Real time throughout.`,
  run,
};

async function run({ minutes = 6, runs = 3 }: BenchOptions): Promise<Findings> {
  const pages = await comparePages(minutes);
  const server = await compareServer(runs);
  const memory = await compareMemory(runs);
  return { figures: [...pages.figures, ...server, ...memory], notes: pages.notes };
}

async function comparePages(minutes: number): Promise<Findings & { readonly notes: string[] }> {
  await using desk = await startDesk();
  await using chromium = await openChromium();
  await using streamed = await startFront(desk.port, await chatPage());
  await using polled = await startFront(desk.port, await chatPage());
  await using whole = await startFront(desk.port, await chatPage());
  const { streaming, polling, asking } = await watchBoth(chromium, {
    ...{ streamed, polled, whole, pollMs },
    durationMs: minutes * 60_000,
  });
  const p50 = (one: Viewing): number => percentile(one.delaysMs, 0.5);
  const bytes = (one: { bytes: number; messages: number }): number => one.bytes / one.messages;
  const figures: Figure[] = [
    single('publish to screen, streaming, p50', 'ms', p50(streaming)),
    single('publish to screen, polling, p50', 'ms', p50(polling)),
    {
      ...single(
        'polling ÷ streaming, p50 of publish to screen',
        '×',
        p50(polling) / p50(streaming),
      ),
      expected: 'some 450 ×',
    },
    single('bytes a message, streaming', 'bytes', bytes(streaming)),
    single('bytes a message, polling with a cursor', 'bytes', bytes(polling)),
    single('bytes a message, polling for all that is shown', 'bytes', bytes(asking)),
    {
      ...single('bytes, polling for all ÷ streaming', '×', bytes(asking) / bytes(streaming)),
      expected: 'some 50 ×',
    },
    single('bytes of a message alone (its JSON)', 'bytes', asking.bytesOfOne),
    single('page CPU, streaming', '%', streaming.cpuPercent),
    single('page CPU, polling', '%', polling.cpuPercent),
    {
      ...single(
        'page CPU, streaming against polling',
        '%',
        change(streaming.cpuPercent, polling.cpuPercent),
      ),
      expected: 'some −50 %',
    },
  ];
  return {
    figures,
    notes: [
      `${streaming.messages} messages arrived by streaming and ${polling.messages} by polling in ${minutes} minutes. Streaming's bytes hold a beat every 2 s, which is what makes a dead connection known within 5 s; polling has nothing of the kind.`,
    ],
  };
}

async function compareServer(runs: number): Promise<readonly Figure[]> {
  await using desk = await startDesk();
  const found: Record<Watching, number[]> = { nobody: [], streaming: [], polling: [] };
  for (let run = 0; run < runs; run += 1) {
    for (const watching of ['nobody', 'streaming', 'polling'] as const) {
      const options = { viewers, pollMs, windowMs: 60_000 };
      const { cpuPercent } = await measureViewers(desk, watching, options);
      found[watching].push(cpuPercent);
    }
  }
  const { nobody, streaming, polling } = found;
  return [
    { label: 'server CPU, nobody watches', unit: '%', values: nobody },
    { label: `server CPU, ${viewers} streaming`, unit: '%', values: streaming },
    { label: `server CPU, ${viewers} polling`, unit: '%', values: polling },
    {
      label: 'server CPU, streaming against polling',
      unit: '%',
      values: [change(median(streaming), median(polling))],
      expected: 'some −30 %',
    },
  ];
}

async function compareMemory(runs: number): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const carrier of ['websocket', 'sse'] as const) {
    const measured = [];
    for (let run = 0; run < runs; run += 1)
      measured.push(await measureLinkMemory(carrier, idleLinks));
    figures.push({
      label: `memory of an idle subscription, ${carrier} (RSS)`,
      unit: 'KiB',
      values: measured.map((one) => one.rssKibPerLink),
      goal: { atMost: 50 },
    });
    figures.push({
      label: `of which on the heap, ${carrier}`,
      unit: 'KiB',
      values: measured.map((one) => one.heapKibPerLink),
    });
  }
  return figures;
}

function single(label: string, unit: string, value: number): Figure {
  return { label, unit, values: [value] };
}

/** −30 where the first is 30 % below the second. */
function change(value: number, against: number): number {
  return (value / against - 1) * 100;
}
