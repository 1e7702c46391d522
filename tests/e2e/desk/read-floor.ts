// What a person reads on the Floor, from the page, and what the server has stored, to compare: the
// agents' messages and how the page says it is connected.

import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { until } from '../../support/wait.ts';

export interface ShownMessage {
  readonly type: string;
  readonly content: string;
  /** ISO 8601. */
  readonly timestamp: string;
}

export const agents = [
  { id: 'claude_arbitrage', name: 'Claude Arbitrage' },
  { id: 'chatgpt_openai', name: 'GPT-4 Momentum' },
  { id: 'gemini_grid', name: 'Gemini Grid' },
  { id: 'deepseek_ml', name: 'DeepSeek ML' },
  { id: 'buy_and_hold', name: 'Buy & Hold' },
] as const;

/** By agent's name, in the order of the page. */
export async function shownMessages(
  page: Page,
): Promise<Readonly<Record<string, readonly ShownMessage[]>>> {
  return page.evaluate(() => {
    const columns = [...document.querySelectorAll('.mr-column')];
    return Object.fromEntries(
      columns.map((column) => [
        column.querySelector('h3')?.textContent ?? '',
        [...column.querySelectorAll('article')].map((card) => ({
          type: (card.querySelector('.mr-card-head')?.firstElementChild?.textContent ?? '')
            .trim()
            .toLowerCase(),
          content: card.querySelector('p')?.textContent ?? '',
          timestamp: card.querySelector('time')?.dateTime ?? '',
        })),
      ]),
    );
  });
}

/** The newest `count` of each agent as stored, oldest first, in the page's form. */
export async function storedMessages(
  url: string,
  count: number,
): Promise<Readonly<Record<string, readonly ShownMessage[]>>> {
  const byAgent = await Promise.all(
    agents.map(async ({ id, name }) => {
      const response = await fetch(`${url}/api/chat/messages?agentId=${id}&limit=${count}`);
      const { messages } = (await response.json()) as {
        messages: (ShownMessage & { id: string })[];
      };
      const shown = messages.map(({ type, content, timestamp }) => ({ type, content, timestamp }));
      return [name, shown] as const;
    }),
  );
  return Object.fromEntries(byAgent);
}

/** Until the page shows exactly what the Desk at `url` has stored: nothing missing, nothing twice, in order. */
export async function showsWhatIsStored(
  page: Page,
  url: string,
  deadlineMs = 30_000,
): Promise<void> {
  await until(
    async () => {
      expect(await shownMessages(page)).toEqual(await storedMessages(url, 20));
      return true;
    },
    { label: 'the page to show what is stored', deadlineMs, everyMs: 250 },
  );
}

/** The chat's indicator, such as "Real-time (WebSocket)". */
export async function indicator(page: Page): Promise<string> {
  return (await page.locator('.mr-indicator-label').textContent({ timeout: 5_000 })) ?? '';
}

/** The header's pill, such as "Reconnecting…". */
export async function pill(page: Page): Promise<string> {
  return (await page.getByTestId('connection').textContent({ timeout: 5_000 })) ?? '';
}
