// `useChat` of both majors, ai 7's WebSocket transport and a native EventSource in a real Chromium, straight and through
// nginx: reloaded, or cut off, in the middle of an answer, the page shows the one that is stored.

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Chromium, openChromium } from '../support/chromium.ts';
import { startNginx } from '../support/nginx.ts';
import { until } from '../support/wait.ts';
import { type ChatServer, startChatServer } from './chat-server.ts';
import { bundlePage } from './page/bundle-page.ts';
import { PAGE_HTML } from './page/html.ts';
import { ANSWER, HALF } from './script.ts';

let stack: AsyncDisposableStack;
let chromium: Chromium;
let server: ChatServer;
let urls: Readonly<Record<string, string>>;

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  const [browser, body] = await Promise.all([openChromium(), bundlePage()]);
  chromium = stack.use(browser);
  const pages = {
    '/page': { type: 'text/html', body: PAGE_HTML },
    '/page.js': { type: 'text/javascript', body },
  };
  server = stack.use(await startChatServer(pages));
  const nginx = stack.use(await startNginx(server.port));
  urls = { straight: server.url, nginx: nginx.url };
});

afterAll(() => stack.disposeAsync());

async function untilShown(page: Page, text: string): Promise<void> {
  const answers = page.locator('p');
  await until(async () => (await answers.allTextContents()).join('|') === text, {
    ...{ label: `"${text}" alone on the page`, deadlineMs: 30_000, everyMs: 25 },
    details: () => server.errors.join('\n'),
  });
}

async function untilStatus(page: Page, status: string): Promise<void> {
  await page.locator(`main[data-status="${status}"]`).waitFor();
}

const CLIENTS = [
  { client: 'useChat 7', rule: 'UI-1' },
  { client: 'useChat 6', rule: 'UI-1' },
  { client: 'socket', rule: 'CHATWS-1' },
];

describe.each(['straight', 'nginx'])('in Chromium, %s', (way) => {
  test.each(CLIENTS)(
    '$rule: $client shows what is stored, once, though the page was loaded anew in the middle',
    async ({ client }) => {
      const chat = `${way}-${client.replace(' ', '-')}`;
      await using tab = await chromium.newPage();
      const { page } = tab;
      await page.goto(`${urls[way]}/page?client=${encodeURIComponent(client)}&chat=${chat}`);
      await untilStatus(page, 'ready');
      await page.getByRole('button').click();
      await untilShown(page, HALF);
      await page.reload();
      await untilShown(page, HALF);
      server.release(chat);
      await untilShown(page, ANSWER);
      await untilStatus(page, 'ready');
      expect((await server.stored(chat)).map(({ text }) => text)).toEqual([ANSWER]);
      tab.assertNoErrors({ except: [/favicon/] });
    },
  );

  test('PLAINRUN-2, PLAINRUN-4: a native EventSource comes back by itself, starts nothing, and stays away after the end', async () => {
    const chat = `${way}-events`;
    await using tab = await chromium.newPage();
    const { page } = tab;
    await page.goto(`${urls[way]}/page?client=EventSource&chat=${chat}`);
    await page.getByRole('button').click();
    await untilShown(page, HALF);
    server.cutAll();
    await untilStatus(page, 'connecting');
    await untilStatus(page, 'open');
    server.release(chat);
    await untilShown(page, ANSWER);
    await untilStatus(page, 'closed');
    expect((await server.stored(chat)).map(({ text }) => text)).toEqual([ANSWER]);
    expect(tab.pageErrors).toEqual([]);
  });
});
