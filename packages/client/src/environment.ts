// The client's surroundings, as one small object that can be replaced: clock, chance, timers, network, page.
// The only file that touches window, document, navigator, storage or locks. Works where some of them are missing.

import type { MillraceError } from '@millrace/protocol';
import { createTabSlots } from './slots.ts';
import type { TransportHost } from './transports/transport.ts';

/** What happens to the page. `wake`: seen again, restored from a cache, or resumed after a freeze. */
export type PageChange = 'online' | 'offline' | 'hidden' | 'wake';

export interface Environment extends TransportHost {
  /** 0 (inclusive) to 1 (exclusive), for jitter only. */
  random(): number;
  /** 128 random bits as hex; secret, so from a strong source. */
  randomId(): string;
  /** Address that a relative `url` is resolved against; undefined outside a page. */
  readonly baseUrl: string | undefined;
  /** The page's own measured round trip, ms; null when unknown. */
  roundTripMs(): number | null;
  isOnline(): boolean;
  /** Calls `listener` with each change; returns the function that ends it. */
  watchPage(listener: (change: PageChange) => void): () => void;
  /** What was stored under the key, or null. Never throws. */
  load(key: string): string | null;
  store(key: string, text: string): void;
  /** Where errors go that nobody asked to hear of. */
  report(error: MillraceError): void;
}

export function defaultEnvironment(): Environment {
  const scope: Partial<typeof globalThis> = globalThis;
  return {
    now: () => Date.now(),
    random: () => Math.random(),
    randomId,
    setTimer(callback, ms) {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
    fetch: (url, init) => fetch(url, init),
    WebSocket: scope.WebSocket,
    baseUrl: scope.location?.href,
    roundTripMs,
    isOnline: () => scope.navigator?.onLine !== false,
    watchPage,
    load(key) {
      return withStorage((storage) => storage.getItem(key));
    },
    store(key, text) {
      withStorage((storage) => storage.setItem(key, text));
    },
    report(error) {
      // oxlint-disable-next-line no-console -- the last resort, for an application without `onError`
      console.error(`millrace ${error.code}: ${error.message}`, error.cause ?? '');
    },
    // Node has locks too, but no limit of connections that its clients would share.
    acquireSlot: createTabSlots(
      scope.location === undefined ? undefined : scope.navigator?.locks,
      isMultiplexed,
    ),
  };
}

function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function navigation(): PerformanceNavigationTiming | undefined {
  // Node has the method too, and no such entry.
  const [entry] = globalThis.performance?.getEntriesByType?.('navigation') ?? [];
  return entry !== undefined && 'nextHopProtocol' in entry
    ? (entry as PerformanceNavigationTiming)
    : undefined;
}

/** The least of what the page has measured: every handshake and answer holds a round trip, and some hold more. */
function roundTripMs(): number | null {
  const page = navigation();
  if (page === undefined) return null;
  const { origin } = new URL(page.name);
  const own = performance
    .getEntriesByType('resource')
    .filter((one): one is PerformanceResourceTiming => isOwnTrip(one, `${origin}/`));
  const times = [page, ...own]
    .flatMap((one) => [one.connectEnd - one.connectStart, one.responseStart - one.requestStart])
    .filter((ms) => ms > 0);
  return times.length > 0 ? Math.min(...times) : null;
}

/** What came from a cache made no trip, and another site's tells nothing of the way to this one. */
function isOwnTrip(one: PerformanceEntry, origin: string): boolean {
  return 'transferSize' in one && one.transferSize !== 0 && one.name.startsWith(origin);
}

/** Over HTTP/2 and 3 streams share one connection, and nothing starves. */
function isMultiplexed(): boolean {
  return /^h[23]/.test(navigation()?.nextHopProtocol ?? '');
}

function watchPage(listener: (change: PageChange) => void): () => void {
  if (typeof document === 'undefined') return () => undefined;
  const ended = new AbortController();
  const { signal } = ended;
  const on = (target: EventTarget, name: string, change: () => PageChange): void => {
    target.addEventListener(name, () => listener(change()), { signal });
  };
  on(window, 'online', () => 'online');
  on(window, 'offline', () => 'offline');
  on(window, 'pageshow', () => 'wake');
  on(document, 'resume', () => 'wake');
  on(document, 'visibilitychange', () => (document.hidden ? 'hidden' : 'wake'));
  return () => ended.abort();
}

function withStorage<Value>(use: (storage: Storage) => Value): Value | null {
  try {
    // Node offers the property and warns when it is touched without a file; only pages have one to use.
    return typeof document === 'undefined' ? null : use(localStorage);
  } catch {
    // Forbidden or full: remembering the carrier is a convenience, and the race works without it.
    return null;
  }
}
