// What Desk's Floor owes a person's eyes, keyboard and screen reader: no finding of axe, every
// state said, no sideways scrolling, and screenshots to look at.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Chromium, openChromium, screenshot } from '../support/chromium.ts';
import { createFaultyProxy } from '../support/faulty-proxy.ts';
import { until } from '../support/wait.ts';
import { axeFindings, hasNoSidewaysScroll, look } from './desk/looks.ts';
import { shownMessages, showsWhatIsStored } from './desk/read-floor.ts';
import { type Desk, startDesk } from './desk/start-desk.ts';

const widths = [1600, 390] as const;
const schemes = ['light', 'dark'] as const;
const everyLook = widths.flatMap((width) => schemes.map((colorScheme) => ({ width, colorScheme })));

let empty: Desk;
let busy: Desk;
let chromium: Chromium;

beforeAll(async () => {
  [empty, busy, chromium] = await Promise.all([startDesk(), startDesk(), openChromium()]);
  for (let n = 0; n < 3; n += 1) await fetch(`${busy.url}/api/chat/generate`, { method: 'POST' });
});

afterAll(async () => {
  await chromium.close();
  await empty[Symbol.asyncDispose]();
  await busy[Symbol.asyncDispose]();
});

describe('a floor without messages', () => {
  test.each([
    { width: 1600, colorScheme: 'light' },
    { width: 390, colorScheme: 'dark' },
  ] as const)('looks right at $width px, $colorScheme', async ({ width, colorScheme }) => {
    await using user = await chromium.newPage(look(width, colorScheme));
    const { page } = user;
    await page.goto(empty.url);
    await page.getByText('Waiting for agent messages…').first().waitFor();
    await screenshot(page, `floor-empty-${colorScheme}-${width}`);
    expect(await axeFindings(page)).toEqual([]);
    await hasNoSidewaysScroll(page);
    user.assertNoErrors();
  });
});

describe('a floor with messages', () => {
  async function open(page: Page): Promise<void> {
    await page.goto(busy.url);
    await until(async () => ((await shownMessages(page))['Buy & Hold']?.length ?? 0) >= 6, {
      label: 'the messages',
      deadlineMs: 30_000,
    });
  }

  test.each(everyLook)('looks right at $width px, $colorScheme', async ({ width, colorScheme }) => {
    await using user = await chromium.newPage(look(width, colorScheme));
    const { page } = user;
    await open(page);
    await page.getByRole('button', { name: 'Generate now' }).click();
    await page.getByText('10 messages written').waitFor();
    await screenshot(page, `floor-${colorScheme}-${width}`);
    expect(await axeFindings(page)).toEqual([]);
    await hasNoSidewaysScroll(page);
    user.assertNoErrors();
  });

  test.each(schemes)('its panels look right too, %s', async (colorScheme) => {
    await using user = await chromium.newPage(look(1600, colorScheme));
    const { page } = user;
    await open(page);
    await page.getByRole('button', { name: 'Show table' }).click();
    await page.getByRole('button', { name: /^Connection:/ }).click();
    await screenshot(page, `floor-panels-${colorScheme}-1600`);
    expect(await axeFindings(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('textbox', { name: 'Name' }).waitFor();
    await screenshot(page, `floor-sign-in-${colorScheme}-1600`);
    expect(await axeFindings(page)).toEqual([]);
  });

  test('everything can be reached and used by keyboard alone, and what has the focus shows it', async () => {
    await using user = await chromium.newPage(look(390, 'light'));
    const { page } = user;
    await open(page);
    const reached: string[] = [];
    for (let n = 0; n < 40; n += 1) {
      await page.keyboard.press('Tab');
      const focus = await page.evaluate(() => {
        const element = document.activeElement;
        if (element === null || element === document.body) return null;
        const style = getComputedStyle(element);
        const isMarked = style.outlineStyle !== 'none' || style.boxShadow !== 'none';
        const name = element.getAttribute('aria-label') ?? element.textContent ?? '';
        return { name: name.trim(), isMarked, isVisible: element.checkVisibility() };
      });
      if (focus === null) break;
      expect(focus, focus.name).toMatchObject({ isMarked: true, isVisible: true });
      reached.push(focus.name);
    }
    const all = reached.join('\n');
    expect(all).toMatch(/^Skip to the page/);
    for (const name of [
      /^Connection/m,
      /^Theme/m,
      /^Sign in/m,
      /^Show table/m,
      /^Generate now/m,
      /Claude Arbitrage/,
    ]) {
      expect(all).toMatch(name);
    }
    // Enter opens the connection panel, Escape closes it and gives the focus back.
    await page.getByRole('button', { name: /^Connection:/ }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('Round trip', { exact: true }).waitFor();
    await page.keyboard.press('Escape');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toMatch(
      /^Connection/,
    );
    // The tabs follow the arrows.
    await page.getByRole('tab', { selected: true }).focus();
    await page.keyboard.press('ArrowRight');
    expect(await page.getByRole('tab', { selected: true }).textContent()).toMatch(/GPT-4 Momentum/);
    await page.getByRole('button', { name: 'Generate now' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('10 messages written').waitFor();
  });

  test('without a network the page keeps what it has, says so, and looks right', async () => {
    await using network = await createFaultyProxy({ target: busy.target });
    await using user = await chromium.newPage(look(1600, 'light'));
    const { page } = user;
    await page.goto(network.url);
    // All of it: a page shows a channel's snapshot before what was published after it.
    await showsWhatIsStored(page, busy.url);
    const before = await shownMessages(page);
    network.setRules({ connection: 'refuse' });
    network.cutAll({ how: 'rst' });
    await page.locator('.mr-error').waitFor();
    await page.getByRole('button', { name: 'Generate now' }).click();
    await page
      .getByText(/could not be reached/)
      .first()
      .waitFor();
    await screenshot(page, 'floor-offline-light-1600');
    expect(await axeFindings(page)).toEqual([]);
    expect(await shownMessages(page)).toEqual(before);

    const again = page.locator('.mr-error').getByRole('button');
    await again.waitFor();
    network.setRules({});
    // On a busy machine the page is back by itself before anybody can click.
    await again.click({ timeout: 2_000 }).catch(() => undefined);
    await until(
      async () => /Real-time/.test((await page.locator('.mr-indicator-label').textContent()) ?? ''),
      {
        label: 'real-time again',
        deadlineMs: 30_000,
      },
    );
  });

  test('a first load that fails says what happened and tries again on a click', async () => {
    const broken = { mode: 'status', status: 503 } as const;
    await using network = await createFaultyProxy({
      target: busy.target,
      rules: { other: ({ url }) => (url === '/api/market' ? broken : { mode: 'pass' }) },
    });
    await using user = await chromium.newPage(look(1600, 'light'));
    const { page } = user;
    await page.goto(network.url);
    await page.getByText('The floor could not be loaded').waitFor();
    await screenshot(page, 'floor-failed-light-1600');
    expect(await axeFindings(page)).toEqual([]);
    network.setRules({});
    await page.getByRole('button', { name: /again/i }).click();
    await page.getByRole('heading', { name: 'Equity' }).waitFor();
  });

  test('an address that does not exist says so and leads back', async () => {
    await using user = await chromium.newPage(look(390, 'dark'));
    const { page } = user;
    await page.goto(`${busy.url}/no/such/page`);
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole('link', { name: 'Go to the floor' }).click();
    await page.getByRole('heading', { name: 'Equity' }).waitFor();
  });

  test('what streams in is told to a screen reader by one polite line, not message by message', async () => {
    await using user = await chromium.newPage(look(1600, 'light'));
    const { page } = user;
    await open(page);
    const regions = await page.evaluate(() =>
      [...document.querySelectorAll('[aria-live], [role=status], [role=alert], [role=log]')].map(
        (element) => ({
          live: element.getAttribute('aria-live') ?? element.getAttribute('role'),
          holdsMessages: element.querySelector('article') !== null,
        }),
      ),
    );
    expect(regions.some(({ holdsMessages }) => holdsMessages)).toBe(false);
    expect(regions.filter(({ live }) => live === 'assertive' || live === 'alert')).toEqual([]);
  });
});
