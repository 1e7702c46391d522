// What every page owes a person's eyes, keyboard and screen reader, as checks: no finding of axe, no sideways scrolling.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { PageOptions } from '../../support/chromium.ts';

const axeFile = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** Motion reduced, so that a screenshot is not one of a transition. */
export function look(width: number, colorScheme: 'light' | 'dark'): PageOptions {
  return {
    viewport: { width, height: width > 800 ? 1000 : 844 },
    colorScheme,
    reducedMotion: 'reduce',
  };
}

export async function axeFindings(page: Page): Promise<readonly string[]> {
  // Evaluated, not as a script of the page's: its content security policy lets no such script run.
  await page.evaluate(await readFile(axeFile, 'utf8'));
  const results = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(options: object): Promise<AxeResults> } };
    // Only what is wrong is told: on a page full of messages all that is right takes longer to tell than to find.
    return axe.run({ resultTypes: ['violations'] });
  });
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
  );
}

export async function hasNoSidewaysScroll(page: Page): Promise<void> {
  const { wide, inner } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth,
    inner: innerWidth,
  }));
  expect(wide).toBeLessThanOrEqual(inner);
}
