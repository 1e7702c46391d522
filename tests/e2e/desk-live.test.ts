// Desk's Floor as a person uses it, while the network changes and the server dies under it.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Chromium, openChromium, type TestPage } from '../support/chromium.ts';
import { createFaultyProxy, type FaultyProxy } from '../support/faulty-proxy.ts';
import type { Rules } from '../support/proxy/rules.ts';
import { expectWithin } from '../support/timing.ts';
import { until } from '../support/wait.ts';
import { agents, indicator, pill, shownMessages, showsWhatIsStored } from './desk/read-floor.ts';
import { type Desk, startDesk } from './desk/start-desk.ts';

const blocked = { mode: 'status', status: 403 } as const;

let desk: Desk;
let chromium: Chromium;

beforeAll(async () => {
  [desk, chromium] = await Promise.all([startDesk(), openChromium()]);
});

afterAll(async () => {
  await chromium.close();
  await desk[Symbol.asyncDispose]();
});

interface Visit extends AsyncDisposable {
  readonly network: FaultyProxy;
  readonly user: TestPage;
  readonly page: TestPage['page'];
}

async function visit(rules: Rules = {}): Promise<Visit> {
  const network = await createFaultyProxy({ target: desk.target, rules });
  const user = await chromium.newPage();
  await user.page.goto(network.url);
  return {
    network,
    user,
    page: user.page,
    async [Symbol.asyncDispose]() {
      await user.close();
      await network.close();
    },
  };
}

function generate(): Promise<Response> {
  return fetch(`${desk.url}/api/chat/generate`, { method: 'POST' });
}

async function says(page: TestPage['page'], text: string, deadlineMs = 30_000): Promise<number> {
  const begunAt = Date.now();
  await until(async () => (await indicator(page)) === text, {
    label: `the indicator to say ${text}`,
    deadlineMs,
    everyMs: 50,
  });
  return Date.now() - begunAt;
}

/** A link that has stood for a few ticks of the market: one that breaks sooner is a carrier that lets nothing through. */
async function ticksPass(page: TestPage['page'], count: number): Promise<void> {
  const clock = page.getByRole('region', { name: 'Ticker' }).locator('time').first();
  for (let n = 0; n < count; n += 1) {
    const before = await clock.getAttribute('datetime');
    await until(async () => (await clock.getAttribute('datetime')) !== before, {
      label: 'a tick of the market',
      everyMs: 50,
    });
  }
}

test('an empty floor waits and says how to get messages; "Generate now" brings ten', async () => {
  await using floor = await visit();
  const { page } = floor;
  await expect
    .poll(() => page.getByText('Waiting for agent messages…').count(), { timeout: 10_000 })
    .toBe(5);
  await says(page, 'Real-time (WebSocket)');
  await page.getByRole('button', { name: 'Generate now' }).click();
  await page.getByText('10 messages written').waitFor();
  await showsWhatIsStored(page, desk.url);
  const shown = await shownMessages(page);
  expect(Object.keys(shown)).toEqual(agents.map(({ name }) => name));
  for (const { name } of agents) expect(shown[name]).toHaveLength(2);
  floor.user.assertNoErrors();
});

test.concurrent('the indicator names the carrier as the network changes, and no message is lost or doubled', async () => {
  await using floor = await visit();
  const { page, network } = floor;
  await page.evaluate(() => Object.assign(window, { isSameDocument: true }));
  await says(page, 'Real-time (WebSocket)');
  await ticksPass(page, 3);

  network.setRules({ websocket: blocked });
  network.cut('websocket', { how: 'rst' });
  await says(page, 'Real-time (SSE)');
  await generate();
  await ticksPass(page, 3);

  network.setRules({ websocket: blocked, stream: blocked });
  network.cut('stream', { how: 'fin' });
  await says(page, 'Polling (fallback)');
  const reason = page.locator('.mr-indicator-notice');
  await until(
    async () => /blocked here; polling instead/.test((await reason.textContent()) ?? ''),
    { label: 'the reason for polling' },
  );
  await generate();
  await showsWhatIsStored(page, desk.url);

  network.setRules({});
  const backMs = await says(page, 'Real-time (WebSocket)', 80_000);
  console.info(`Desk back on WebSocket ${backMs} ms after it was let through`);
  await generate();
  await showsWhatIsStored(page, desk.url);
  expect(await page.evaluate(() => 'isSameDocument' in window)).toBe(true);
  expect(floor.user.pageErrors).toEqual([]);
});

test.concurrent('A7: a connection that sends nothing is noticed within 5 s, and polling brings the messages at once', async () => {
  await using floor = await visit();
  const { page, network } = floor;
  await says(page, 'Real-time (WebSocket)');
  network.setRules({ websocket: { mode: 'blackhole' }, stream: { mode: 'blackhole' } });
  expect(network.freeze('websocket')).toBeGreaterThan(0);
  const frozenAt = Date.now();
  await generate();
  await says(page, 'Polling (fallback)');
  const noticedMs = Date.now() - frozenAt;
  await showsWhatIsStored(page, desk.url);
  const shownMs = Date.now() - frozenAt;
  console.info(`Desk frozen: polling after ${noticedMs} ms, messages ${shownMs} ms`);
  expectWithin(noticedMs, 5_000, 'noticing the silence');
  expectWithin(shownMs - noticedMs, 2_000, 'the messages');
});

test('a killed server: the page keeps what it has, says that it reconnects, and recovers without a reload', async () => {
  await using floor = await visit();
  const { page } = floor;
  await page.evaluate(() => Object.assign(window, { isSameDocument: true }));
  await says(page, 'Real-time (WebSocket)');
  await generate();
  await showsWhatIsStored(page, desk.url);
  const before = await shownMessages(page);

  await desk.server.kill('SIGKILL');
  const killedAt = Date.now();
  await until(async () => (await pill(page)) === 'Reconnecting…', {
    label: 'the pill to say Reconnecting…',
    deadlineMs: 30_000,
  });
  const noticedMs = Date.now() - killedAt;
  expect(await indicator(page)).not.toMatch(/Real-time/);
  expect(await shownMessages(page)).toEqual(before);

  await desk.server.restart();
  const restartedAt = Date.now();
  await says(page, 'Real-time (WebSocket)', 80_000);
  console.info(`Desk restarted: real-time again ${Date.now() - restartedAt} ms after its start`);
  await generate();
  await showsWhatIsStored(page, desk.url);
  expect(await page.evaluate(() => 'isSameDocument' in window)).toBe(true);
  expect(floor.user.pageErrors).toEqual([]);
  expectWithin(noticedMs, 5_000, 'noticing the loss');
});

test('CLI-12: six tabs on SSE over HTTP/1.1: "Generate now" answers within 1 s and all show the messages', async () => {
  await using floor = await visit({ websocket: blocked });
  const { user, network } = floor;
  const tabs = [floor.page];
  for (let n = 1; n < 6; n += 1) {
    const tab = await user.openTab();
    await tab.goto(network.url);
    tabs.push(tab);
  }
  for (const tab of tabs) {
    await until(async () => /Real-time \(SSE\)|Polling/.test(await indicator(tab)), {
      label: 'a tab to be connected',
      deadlineMs: 30_000,
    });
  }
  const took: number[] = [];
  for (const tab of tabs) {
    // From the click to the words; the agents' own thinking is in it.
    const tookMs = await tab.evaluate(async () => {
      const begunAt = performance.now();
      const response = await fetch('/api/chat/generate', { method: 'POST' });
      await response.json();
      return performance.now() - begunAt;
    });
    took.push(tookMs);
  }
  for (const tab of tabs) await showsWhatIsStored(tab, desk.url);
  expect(user.pageErrors).toEqual([]);
  expectWithin(Math.max(...took), 1_000, '"Generate now"');
});
