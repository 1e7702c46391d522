// What the page has measured of its own network, over entries as a browser gives them.

import { afterEach, expect, test, vi } from 'vitest';
import { defaultEnvironment } from './environment.ts';

const origin = 'https://app.example';

function entry(name: string, times: Readonly<Record<string, number>>): unknown {
  const none = { connectStart: 0, connectEnd: 0, requestStart: 0, responseStart: 0 };
  return { name: `${origin}${name}`, nextHopProtocol: 'h2', transferSize: 300, ...none, ...times };
}

function pageWith(navigation: unknown, ...resources: readonly unknown[]): void {
  vi.stubGlobal('performance', {
    getEntriesByType: (type: string) => (type === 'navigation' ? [navigation] : resources),
  });
}

afterEach(() => void vi.unstubAllGlobals());

test('CLI-2: the round trip is the least that was measured: a slow page is not a far one', () => {
  const slow = entry('/', { requestStart: 10, responseStart: 660 });
  pageWith(slow);
  expect(defaultEnvironment().roundTripMs()).toBe(650);
  pageWith(slow, entry('/app.js', { requestStart: 700, responseStart: 740 }));
  expect(defaultEnvironment().roundTripMs()).toBe(40);
});

test('CLI-2: what a cache or another site answered says nothing of the way to the server', () => {
  const page = entry('/', {
    connectStart: 5,
    connectEnd: 205,
    requestStart: 205,
    responseStart: 505,
  });
  const cached = {
    ...(entry('/a.js', { requestStart: 1, responseStart: 2 }) as object),
    transferSize: 0,
  };
  const foreign = {
    ...(entry('', { requestStart: 1, responseStart: 9 }) as object),
    name: 'https://cdn.example/x.js',
  };
  pageWith(page, cached, foreign);
  expect(defaultEnvironment().roundTripMs()).toBe(200);
});

test('CLI-2: outside of a page nothing is known', () => {
  expect(defaultEnvironment().roundTripMs()).toBeNull();
});
