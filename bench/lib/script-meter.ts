// How much of a page's main thread is script, by V8's sampling profiler: JavaScript, what it calls
// (layout that it forces, DOM methods) and garbage collection. Needed because Chromium's own
// ScriptDuration misses what runs after an `await` of a browser promise. Costs the page a few percent.

import type { Page } from 'playwright-core';

/** Samples until the returned function is called; that resolves with milliseconds of script. */
export async function startScriptMeter(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page);
  await session.send('Profiler.enable');
  await session.send('Profiler.setSamplingInterval', { interval: 1_000 });
  await session.send('Profiler.start');
  return async () => {
    const { profile } = await session.send('Profiler.stop');
    await session.detach();
    const { nodes, samples = [], timeDeltas = [] } = profile;
    const notScript = new Set(
      nodes.flatMap(({ id, callFrame }) => (isIdle(callFrame.functionName) ? [id] : [])),
    );
    let scriptUs = 0;
    for (const [n, id] of samples.entries()) {
      // A delta lies before its sample: what was seen at n lasted until n + 1.
      if (!notScript.has(id)) scriptUs += timeDeltas[n + 1] ?? 0;
    }
    return scriptUs / 1_000;
  };
}

/** V8's names for nothing to do, and for the browser's own code: style, layout, painting. */
function isIdle(functionName: string): boolean {
  return functionName === '(idle)' || functionName === '(program)' || functionName === '(root)';
}
