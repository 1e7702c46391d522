// The browser harness, and what a real Chromium sees behind the faulty proxy.

import { readFile, rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Chromium, openChromium, screenshot } from './chromium.ts';
import { createFaultyProxy } from './faulty-proxy.ts';
import { openPageMeter } from './page-meter.ts';
import { startPlainServer } from './plain-server.ts';
import type { Rules } from './proxy/rules.ts';
import { until } from './wait.ts';

const html = `<!doctype html><title>plain</title><link rel="icon" href="data:,"><h1>plain</h1><script>
  window.seen = { socket: [], events: [], fetched: [] };
  const socket = new WebSocket('ws://' + location.host + '/ws');
  socket.onopen = () => seen.socket.push('open');
  socket.onmessage = (event) => seen.socket.push(event.data);
  socket.onclose = (event) => seen.socket.push('close ' + event.code);
  const events = new EventSource('/stream?by=eventsource');
  events.onopen = () => seen.events.push('open');
  events.onmessage = (event) => seen.events.push(event.lastEventId + ' ' + event.data);
  events.onerror = () => { seen.events.push('error'); events.close(); };
  fetch('/stream?by=fetch').then(async (response) => {
    seen.fetched.push('open');
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      seen.fetched.push(value);
    }
    seen.fetched.push('end');
  }).catch((error) => seen.fetched.push(error.name));
</script>`;

interface Seen {
  readonly socket: string[];
  readonly events: string[];
  readonly fetched: string[];
}

let chromium: Chromium;
beforeAll(async () => {
  chromium = await openChromium();
});
afterAll(() => chromium.close());

async function open(rules: Rules) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await startPlainServer({ page: html }));
  const target = { host: '127.0.0.1', port: server.port };
  const proxy = stack.use(await createFaultyProxy({ target, rules }));
  const tab = stack.use(await chromium.newPage());
  await tab.page.goto(proxy.url);
  const see = (what: string, isSeen: (seen: Seen) => boolean): Promise<Seen> => {
    let last: Seen | undefined;
    return until(
      async () => {
        last = await tab.page.evaluate(() => (window as unknown as { seen: Seen }).seen);
        return isSeen(last) && last;
      },
      { label: what, details: () => JSON.stringify(last) },
    );
  };
  return { server, proxy, tab, see, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const allOpen = (seen: Seen): boolean =>
  [seen.socket, seen.events, seen.fetched].every((list) => list[0] === 'open');

test('socket, EventSource and fetch stream work through the proxy, without a complaint', async () => {
  await using it = await open({});
  await it.see('three open carriers', allOpen);
  it.server.send('hello');
  const seen = await it.see('three messages', ({ socket, events, fetched }) =>
    [socket, events, fetched].every((list) => list.length === 2),
  );
  expect(seen).toEqual({
    socket: ['open', 'hello'],
    events: ['open', '1 hello'],
    fetched: ['open', 'id: 1\ndata: hello\n\n'],
  });
  it.tab.assertNoErrors();
  expect(it.proxy.stats.requests).toMatchObject({ websocket: 1, stream: 2 });
});

test('a blocked upgrade and a buffered stream look to the page as on a bad network', async () => {
  await using it = await open({
    websocket: { mode: 'status', status: 403 },
    stream: { mode: 'buffer' },
  });
  await it.see('the socket to fail', ({ socket }) => socket.includes('close 1006'));
  const seen = await it.see(
    'open streams',
    ({ events, fetched }) => events.length + fetched.length === 2,
  );
  it.server.send('held');
  await it.tab.page.evaluate(() => fetch('/fixed').then((response) => response.text()));
  expect(await it.see('the same as before', () => true)).toEqual(seen);
  expect(() => it.tab.assertNoErrors()).toThrow(/Unexpected response code: 403/);
  it.tab.assertNoErrors({ except: [/Unexpected response code: 403/] });
});

test('swallowed frames leave the socket open, a half-open one thaws complete', async () => {
  await using it = await open({ websocket: { mode: 'upgrade-then-swallow' } });
  await it.see('three open carriers', allOpen);
  it.proxy.freeze('stream');
  for (const text of ['a', 'b']) it.server.send(text);
  await it.tab.page.evaluate(() => fetch('/fixed').then((response) => response.text()));
  const frozen = await it.see('nothing new', () => true);
  expect(frozen).toEqual({ socket: ['open'], events: ['open'], fetched: ['open'] });
  it.proxy.unfreeze('all');
  const thawed = await it.see('both events', ({ events }) => events.length === 3);
  expect(thawed.events).toEqual(['open', '1 a', '2 b']);
  expect(thawed.socket).toEqual(['open']);
});

test('a cut and a torn chunk reach the page as errors', async () => {
  await using it = await open({
    stream: (request) =>
      request.url.endsWith('fetch') ? { mode: 'truncate', frame: 1 } : { mode: 'pass' },
  });
  await it.see('three open carriers', allOpen);
  it.server.send('torn');
  const torn = await it.see('the torn fetch', ({ fetched }) => fetched.includes('TypeError'));
  expect(torn.events).toEqual(['open', '1 torn']);
  it.proxy.cutAll({ how: 'rst' });
  const cut = await it.see(
    'both cuts',
    ({ socket, events }) => socket.length + events.length === 6,
  );
  expect([cut.socket, cut.events]).toEqual([
    ['open', 'torn', 'close 1006'],
    ['open', '1 torn', 'error'],
  ]);
});

test('uncaught errors and rejections of any tab are collected, contexts share nothing', async () => {
  await using server = await startPlainServer({
    page: '<title>t</title><link rel="icon" href="data:,">',
  });
  await using tab = await chromium.newPage();
  await using stranger = await chromium.newPage();
  const url = `http://127.0.0.1:${server.port}`;
  await tab.page.goto(url);
  const second = await tab.openTab();
  await second.goto(url);
  await stranger.page.goto(url);
  await tab.page.evaluate(() => {
    localStorage.setItem('k', 'v');
    setTimeout(() => {
      throw new Error('thrown in a timer');
    });
  });
  await second.evaluate(() => void Promise.reject(new Error('rejected in a tab')));
  await until(() => tab.pageErrors.length === 2, { label: 'both errors' });
  expect(tab.pageErrors.join()).toContain('thrown in a timer');
  expect(() => tab.assertNoErrors()).toThrow('rejected in a tab');
  expect(await second.evaluate(() => localStorage.getItem('k'))).toBe('v');
  expect(await stranger.page.evaluate(() => localStorage.getItem('k'))).toBeNull();
  stranger.assertNoErrors();
});

test('the meter sees work, heap and frames', async () => {
  await using tab = await chromium.newPage();
  await using meter = await openPageMeter(tab.page);
  const before = await meter.read({ collectGarbage: true });
  const stop = await meter.recordFrames();
  await tab.page.evaluate(async () => {
    const kept: number[][] = [];
    Object.assign(window, { kept });
    for (let n = 0; n < 20; n += 1) {
      await new Promise(requestAnimationFrame);
      kept.push(Array.from({ length: 50_000 }, (_, index) => index + 0.5));
      const until = performance.now() + 40;
      while (performance.now() < until);
    }
  });
  const frames = await stop();
  const after = await meter.read({ collectGarbage: true });
  expect(after.workMs - before.workMs).toBeGreaterThan(700);
  expect(await meter.cpuShareSince(before)).toBeGreaterThan(0.2);
  expect(after.heapUsedBytes - before.heapUsedBytes).toBeGreaterThan(5_000_000);
  expect(frames.frames).toBeGreaterThanOrEqual(19);
  expect(frames.p50Ms).toBeGreaterThanOrEqual(33);
  expect(frames.maxMs).toBeGreaterThanOrEqual(frames.p99Ms);
  expect(frames.workPerFrameMs).toBeGreaterThan(20);
});

test('a screenshot is a PNG of the page', async () => {
  await using tab = await chromium.newPage({ viewport: { width: 300, height: 200 } });
  await tab.page.setContent('<h1>look</h1>');
  const path = await screenshot(tab.page, 'support-chromium');
  const bytes = await readFile(path);
  expect(bytes.toString('latin1', 1, 4)).toBe('PNG');
  expect(bytes.readUInt32BE(16)).toBe(300);
  await rm(path);
});

test('closing ends the browser process', async () => {
  const own = await openChromium();
  expect(() => process.kill(own.pid, 0)).not.toThrow();
  await own.close();
  await own.close();
  await until(() => isGone(own.pid), { label: 'the process to end' });
});

test('a missing Chromium is a plain error', async () => {
  await expect(openChromium({ executablePath: '/nowhere/chromium' })).rejects.toThrow(
    'no Chromium at /nowhere/chromium: install it (Debian: apt install chromium) or set CHROMIUM_PATH',
  );
});

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}
