// Makes a page use one carrier by taking the better ones from its browser, before any of its scripts
// run. No proxy in between, which would cost time of its own.

import type { Page } from 'playwright-core';

export type Carrier = 'websocket' | 'sse' | 'poll';

export const carriers: readonly Carrier[] = ['websocket', 'sse', 'poll'];

/** How the chat of the page names the carrier. */
export const carrierLabels: Readonly<Record<Carrier, string>> = {
  websocket: 'Real-time (WebSocket)',
  sse: 'Real-time (SSE)',
  poll: 'Polling (fallback)',
};

export async function allowOnly(page: Page, carrier: Carrier): Promise<void> {
  if (carrier !== 'websocket') await page.addInitScript(blockWebSocket);
  if (carrier === 'poll') await page.addInitScript(blockSse);
}

/** Resolves once the chat of the page says that it is connected this way. */
export async function untilConnected(page: Page, carrier: Carrier): Promise<void> {
  const label = page.locator('.mr-indicator-label', { hasText: carrierLabels[carrier] });
  await label.waitFor({ timeout: 20_000 });
}

function blockWebSocket(): void {
  window.WebSocket = class extends EventTarget {
    constructor() {
      super();
      throw new DOMException('blocked for this measurement', 'SecurityError');
    }
  } as unknown as typeof WebSocket;
}

function blockSse(): void {
  const { fetch } = window;
  window.fetch = (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    return url.endsWith('/sse')
      ? Promise.reject(new TypeError('blocked for this measurement'))
      : fetch(input, init);
  };
}
