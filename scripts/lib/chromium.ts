// The browser of the end-to-end tests: the system's Chromium.
import { ensureInstalled } from './apt.ts';

/** Returns what stands in the way, or `undefined` when there is a Chromium. */
export function ensureChromium(say: (line: string) => void): Promise<string | undefined> {
  return ensureInstalled({
    name: 'Chromium',
    packages: ['chromium', 'fonts-liberation'],
    file: '/usr/bin/chromium',
    say,
  });
}
