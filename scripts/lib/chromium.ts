// The browser of the end-to-end tests: the system's Chromium without windows and menus of its own (three files of page tests
// took 86 s in place of 119). Benches, and what you try yourself, have the whole one.
import { ensureInstalled } from './apt.ts';

export const TEST_BROWSER = '/usr/bin/chromium-headless-shell';

/** Returns what stands in the way, or `undefined` when there is a Chromium. */
export function ensureChromium(say: (line: string) => void): Promise<string | undefined> {
  return ensureInstalled({
    name: 'Chromium',
    packages: ['chromium-headless-shell', 'fonts-liberation'],
    file: TEST_BROWSER,
    say,
  });
}
