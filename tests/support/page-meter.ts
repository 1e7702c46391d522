// Figures of a page from outside (Chromium's own counters by CDP) and its frame times from inside.
// Owns the CDP session; judges nothing. Recording frames makes the page draw every frame, so CPU of
// an idle page is read without it.

import type { Page } from 'playwright-core';

export interface PageFigures {
  /** The browser's monotonic clock. */
  readonly atMs: number;
  /** CPU time of the renderer process, all threads, so far; other tabs of one site may share it. */
  readonly processMs: number;
  /**
   * Main-thread time so far without layout, style and test commands: script and a little more.
   * Chromium's own ScriptDuration is no use here: it misses everything that runs after an `await`
   * of a browser promise, such as all that follows `reader.read()` of a fetch stream.
   */
  readonly workMs: number;
  readonly layoutMs: number;
  readonly heapUsedBytes: number;
  readonly domNodes: number;
  readonly listeners: number;
}

export interface FrameFigures {
  readonly frames: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** `workMs` divided by frames: an upper bound of script time. */
  readonly workPerFrameMs: number;
}

export interface PageMeter extends AsyncDisposable {
  /** `collectGarbage` first makes heap figures comparable; it costs the page some 10 ms. */
  read(options?: { readonly collectGarbage?: boolean }): Promise<PageFigures>;
  /** Cores that the page's process used from `before` until now; 0.01 = 1 % of one core. */
  cpuShareSince(before: PageFigures): Promise<number>;
  /** Records until the returned function is called. One recording at a time. */
  recordFrames(): Promise<() => Promise<FrameFigures>>;
}

declare global {
  interface Window {
    millraceFrames?: { deltas: number[]; isStopped: boolean };
  }
}

export async function openPageMeter(page: Page): Promise<PageMeter> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'timeTicks' });

  async function read(options: { readonly collectGarbage?: boolean } = {}): Promise<PageFigures> {
    if (options.collectGarbage === true) await session.send('HeapProfiler.collectGarbage');
    const { metrics } = await session.send('Performance.getMetrics');
    const byName = new Map(metrics.map(({ name, value }) => [name, value]));
    const get = (name: string): number => {
      const value = byName.get(name);
      if (value === undefined) throw new Error(`Chromium has no figure ${name}`);
      return value;
    };
    const layoutMs = (get('LayoutDuration') + get('RecalcStyleDuration')) * 1_000;
    return {
      atMs: get('Timestamp') * 1_000,
      processMs: get('ProcessTime') * 1_000,
      workMs: get('TaskDuration') * 1_000 - layoutMs - get('DevToolsCommandDuration') * 1_000,
      layoutMs,
      heapUsedBytes: get('JSHeapUsedSize'),
      domNodes: get('Nodes'),
      listeners: get('JSEventListeners'),
    };
  }

  return {
    read,
    async cpuShareSince(before) {
      const now = await read();
      return (now.processMs - before.processMs) / (now.atMs - before.atMs);
    },
    async recordFrames() {
      const before = await read();
      await page.evaluate(startRecording);
      return async () => {
        const deltas = await page.evaluate(stopRecording);
        const after = await read();
        return frameFigures(deltas, after.workMs - before.workMs);
      };
    },
    [Symbol.asyncDispose]: () => session.detach(),
  };
}

function startRecording(): void {
  const recording = { deltas: [] as number[], isStopped: false };
  window.millraceFrames = recording;
  let lastMs: number | undefined;
  const onFrame = (nowMs: number): void => {
    if (lastMs !== undefined) recording.deltas.push(nowMs - lastMs);
    lastMs = nowMs;
    if (!recording.isStopped) requestAnimationFrame(onFrame);
  };
  requestAnimationFrame(onFrame);
}

function stopRecording(): number[] {
  const recording = window.millraceFrames;
  if (recording === undefined) throw new Error('the page was reloaded while frames were recorded');
  recording.isStopped = true;
  return recording.deltas;
}

function frameFigures(deltas: readonly number[], workMs: number): FrameFigures {
  const sorted = deltas.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return {
    frames: sorted.length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
    workPerFrameMs: workMs / sorted.length,
  };
}
