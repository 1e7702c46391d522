// When each agent's message was painted, by the browser's own record (Element Timing: the time at
// which the frame that first showed the text was presented), and when it was published, by the
// timestamp that the server gave it before it was stored. Both are clocks of one machine.
// Only what is within the window gets painted: the page must be large enough to show the newest.

import type { Page } from 'playwright-core';

/** Milliseconds since 1970. */
export interface Appearance {
  /** Whole milliseconds, rounded down: a delay is told up to 1 ms too long, never too short. */
  readonly publishedAt: number;
  /** Null: the element never got painted, being outside the window. */
  readonly paintedAt: number | null;
  /** When the element stood in the document. */
  readonly insertedAt: number;
}

declare global {
  interface Window {
    millraceAppearances?: {
      publishedAt: number;
      insertedAt: number;
      paintedAt: number | null;
    }[];
  }
}

/** Call before the page loads. */
export async function watchPaints(page: Page): Promise<void> {
  await page.addInitScript(startWatching);
}

/** All messages that appeared since the last call, but for the last second: they may yet be painted. */
export async function takeAppearances(page: Page): Promise<Appearance[]> {
  return page.evaluate(() => {
    const all = window.millraceAppearances ?? [];
    const recent = all.findIndex(({ insertedAt }) => insertedAt > Date.now() - 1_000);
    return all.splice(0, recent < 0 ? all.length : recent);
  });
}

function startWatching(): void {
  const seen: { publishedAt: number; insertedAt: number; paintedAt: number | null }[] = [];
  const waiting = new Map<string, (typeof seen)[number]>();
  window.millraceAppearances = seen;
  let count = 0;

  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (!('renderTime' in entry) || !('identifier' in entry)) continue;
      const { renderTime, identifier } = entry;
      const one = waiting.get(String(identifier));
      if (one === undefined || typeof renderTime !== 'number') continue;
      waiting.delete(String(identifier));
      // By the wall clock of now: `timeOrigin` drifts from it while a page is open.
      one.paintedAt = Date.now() - (performance.now() - renderTime);
    }
  }).observe({ type: 'element', buffered: true });

  const note = (card: Element): void => {
    const time = card.querySelector('time');
    const text = card.querySelector('.mr-card-text');
    if (time === null || text === null) return;
    const one = {
      publishedAt: Date.parse(time.dateTime),
      insertedAt: Date.now(),
      paintedAt: null,
    };
    seen.push(one);
    count += 1;
    waiting.set(`m${count}`, one);
    text.setAttribute('elementtiming', `m${count}`);
  };
  new MutationObserver((records) => {
    for (const { addedNodes } of records) {
      for (const node of addedNodes) {
        if (!(node instanceof Element)) continue;
        if (node.matches('.mr-card')) note(node);
        for (const card of node.querySelectorAll('.mr-card')) note(card);
      }
    }
  }).observe(document, { childList: true, subtree: true });
}
