// Does the Floor stay smooth, and its memory flat, while five agents write 20 messages a second each?
//
// The real Desk with its agents at that pace (CHAT_EVERY_MS=50), the market ticking each second, the
// whole Floor in Chromium at 60 frames a second. Each minute is one run: frame times from inside the
// page, script by sampling, all main-thread work from Chromium's counters, then the heap after a
// garbage collection.
// How many messages there really were is counted from the channel's offsets.

import { setTimeout as sleep } from 'node:timers/promises';
import { openChromium, openPageMeter, type PageMeter } from '@millrace/tests';
import type { Page } from 'playwright-core';
import type { Bench, BenchOptions, Findings } from './lib/bench.ts';
import { untilConnected } from './lib/carriers.ts';
import { type DeskProcess, startDesk } from './lib/desk.ts';
import { startScriptMeter } from './lib/script-meter.ts';
import { slope } from './lib/statistics.ts';

const minuteMs = 60_000;
/** The lists are full, the first garbage is collected, the compiler has seen the code. */
const settleMs = 20_000;
const mib = 2 ** 20;

interface Minute {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly framesPerSecond: number;
  readonly scriptPerFrameMs: number;
  readonly workPerFrameMs: number;
  readonly heapMib: number;
  readonly domNodes: number;
  readonly listeners: number;
  readonly messagesPerSecond: number;
}

export const busyPage: Bench = {
  name: 'busy-page',
  question:
    'Does the Floor stay smooth, and its memory flat, while five agents write 20 messages a second each?',
  method:
    "Desk with CHAT_EVERY_MS=50, its whole Floor page in Chromium. Each minute is a run: frame times from inside the page, script by V8's sampling profiler (with garbage collection and the layout that script forces), the heap after a garbage collection at its end. Growth is the slope over all minutes, told for ten.",
  run,
};

async function run({ minutes = 3 }: BenchOptions): Promise<Findings> {
  await using desk = await startDesk({ CHAT_EVERY_MS: '50' });
  await using chromium = await openChromium();
  await using test = await chromium.newPage({ viewport: { width: 1600, height: 1000 } });
  await test.page.goto(desk.url);
  await untilConnected(test.page, 'websocket');
  await sleep(settleMs);
  await using meter = await openPageMeter(test.page);
  const measured: Minute[] = [];
  for (let minute = 0; minute < minutes; minute += 1) {
    measured.push(await measure(desk, test.page, meter));
  }
  await untilConnected(test.page, 'websocket');
  test.assertNoErrors();

  const each = (read: (minute: Minute) => number): number[] => measured.map(read);
  const heap = each(({ heapMib }) => heapMib);
  return {
    figures: [
      { label: 'messages a second', unit: '', values: each((one) => one.messagesPerSecond) },
      { label: 'frames a second', unit: '', values: each((one) => one.framesPerSecond) },
      { label: 'frame, p50', unit: 'ms', values: each((one) => one.p50Ms) },
      { label: 'frame, p99', unit: 'ms', values: each((one) => one.p99Ms), goal: { atMost: 34 } },
      {
        label: 'script a frame',
        unit: 'ms',
        values: each((one) => one.scriptPerFrameMs),
        goal: { atMost: 8 },
      },
      {
        label: 'script, painting and all other work of the main thread but layout, a frame',
        unit: 'ms',
        values: each((one) => one.workPerFrameMs),
      },
      { label: 'heap', unit: 'MiB', values: heap },
      // Of three minutes a slope is a guess: it is judged where there are ten.
      ...(minutes < 3
        ? []
        : [
            {
              label: 'heap growth in ten minutes',
              unit: 'MiB',
              values: [slope(heap) * 10],
              ...(minutes >= 10 ? { goal: { atMost: 1 } } : {}),
            },
          ]),
      { label: 'DOM nodes', unit: '', values: each((one) => one.domNodes) },
      { label: 'event listeners', unit: '', values: each((one) => one.listeners) },
    ],
  };
}

async function measure(desk: DeskProcess, page: Page, meter: PageMeter): Promise<Minute> {
  const countBefore = await desk.messageCount();
  const begunAt = performance.now();
  const stopScript = await startScriptMeter(page);
  const stopFrames = await meter.recordFrames();
  await sleep(minuteMs);
  const frames = await stopFrames();
  const scriptMs = await stopScript();
  const seconds = (performance.now() - begunAt) / 1_000;
  const count = (await desk.messageCount()) - countBefore;
  const figures = await meter.read({ collectGarbage: true });
  return {
    p50Ms: frames.p50Ms,
    p99Ms: frames.p99Ms,
    framesPerSecond: frames.frames / seconds,
    scriptPerFrameMs: scriptMs / frames.frames,
    workPerFrameMs: frames.workPerFrameMs,
    heapMib: figures.heapUsedBytes / mib,
    domNodes: figures.domNodes,
    listeners: figures.listeners,
    messagesPerSecond: count / seconds,
  };
}
