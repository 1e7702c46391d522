// Does a page stay smooth while a long answer is written into it?
//
// `useChat` in Chromium over the hub's WebSocket: 50 stored messages, then one answer of 100,000 characters in
// windows of 30 ms, as runs write them (RUN-4), rendered as paragraphs and kept scrolled to its end. Frame times from inside
// the page, script by sampling. Run after run in pages of their own.

import { openChromium, openPageMeter, until } from '@millrace/tests';
import { type AnswerServer, startAnswerServer } from './lib/answer-server.ts';
import type { Bench, BenchOptions, Findings } from './lib/bench.ts';
import { answerPage } from './lib/chat-page.ts';
import { startScriptMeter } from './lib/script-meter.ts';

const chars = 100_000;
const windowChars = 100;
const windowMs = 30;

interface Measured {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly framesPerSecond: number;
  readonly scriptPerFrameMs: number;
  readonly workPerFrameMs: number;
}

export const answerPageBench: Bench = {
  name: 'answer-page',
  question: 'Does a page stay smooth while an answer of 100,000 characters is written into it?',
  method:
    "useChat in Chromium over the hub's WebSocket, 50 stored messages, one answer in windows of 100 characters every 30 ms, rendered as paragraphs and kept scrolled to its end. Frame times from inside the page, script by V8's sampling profiler. Hub and browser are on one machine.",
  run,
};

async function run({ runs = 3 }: BenchOptions): Promise<Findings> {
  await using server = await startAnswerServer(await answerPage());
  await using chromium = await openChromium();
  const measured: Measured[] = [];
  for (let round = 0; round < runs; round += 1) measured.push(await measure(server, chromium));
  const each = (read: (one: Measured) => number): number[] => measured.map(read);
  return {
    figures: [
      { label: 'frames a second', unit: '', values: each((one) => one.framesPerSecond) },
      { label: 'frame, p50', unit: 'ms', values: each((one) => one.p50Ms) },
      { label: 'frame, p99', unit: 'ms', values: each((one) => one.p99Ms), goal: { atMost: 34 } },
      { label: 'frame, longest', unit: 'ms', values: each((one) => one.maxMs) },
      { label: 'script a frame', unit: 'ms', values: each((one) => one.scriptPerFrameMs) },
      {
        label: 'script, painting and all other work of the main thread but layout, a frame',
        unit: 'ms',
        values: each((one) => one.workPerFrameMs),
      },
    ],
  };
}

async function measure(
  server: AnswerServer,
  chromium: Awaited<ReturnType<typeof openChromium>>,
): Promise<Measured> {
  await using test = await chromium.newPage({ viewport: { width: 1_200, height: 900 } });
  const { page } = test;
  await page.goto(server.url);
  await page.waitForFunction(() => document.querySelectorAll('article').length >= 50);
  await using meter = await openPageMeter(page);
  const runId = await server.begin();
  await page.waitForSelector('article[data-status="running"]', { state: 'attached' });
  // Compiled, and past the first layout of what is stored.
  await server.write(runId, 10 * windowChars, windowChars, windowMs);
  const begunAt = performance.now();
  const stopScript = await startScriptMeter(page);
  const stopFrames = await meter.recordFrames();
  await server.write(runId, chars, windowChars, windowMs);
  const frames = await stopFrames();
  const scriptMs = await stopScript();
  const seconds = (performance.now() - begunAt) / 1_000;
  const written = chars + 10 * windowChars;
  const shown = (): Promise<string | null> =>
    page.getAttribute('article[data-status="running"]', 'data-length');
  await until(async () => Number(await shown()) === written, { label: 'the whole answer' });
  await server.end(runId);
  test.assertNoErrors();
  return {
    ...{ p50Ms: frames.p50Ms, p99Ms: frames.p99Ms, maxMs: frames.maxMs },
    framesPerSecond: frames.frames / seconds,
    scriptPerFrameMs: scriptMs / frames.frames,
    workPerFrameMs: frames.workPerFrameMs,
  };
}
