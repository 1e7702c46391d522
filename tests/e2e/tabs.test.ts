// Many tabs of one user over HTTP/1.1, where a browser opens six connections to an origin: with the
// WebSocket blocked, streams must leave room for the pages' own requests, and every tab must still
// see every message. A test that was only slow is run again: hence channels that nobody has written to.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Chromium, openChromium } from '../support/chromium.ts';
import { createFaultyProxy } from '../support/faulty-proxy.ts';
import { expectWithin } from '../support/timing.ts';
import { checkRecord } from './probe/check-record.ts';
import { report } from './probe/figures.ts';
import { loadProbe, type ProbeTab } from './probe/open-probe.ts';
import { startPublisher } from './probe/publisher.ts';
import { type ProbeServer, startProbeServer } from './probe/server.ts';

let server: ProbeServer;
let chromium: Chromium;

beforeAll(async () => {
  server = await startProbeServer();
  chromium = await openChromium();
});

afterAll(async () => {
  await chromium.close();
  await server.close();
});

describe.each([6, 12])('CLI-12: %i tabs over HTTP/1.1 with the WebSocket blocked', (count) => {
  test('every tab publishes within 1 s and sees every message, and at most four hold a stream', async () => {
    const id = `tabs-${count}-${randomUUID()}`;
    const target = { host: '127.0.0.1', port: server.port };
    const rules = { websocket: { mode: 'status', status: 403 } as const };
    await using network = await createFaultyProxy({ target, rules });
    await using publisher = startPublisher((n) => server.publish(id, n), { everyMs: 100 });
    await using user = await chromium.newPage();
    const tabs: ProbeTab[] = [];
    for (let n = 0; n < count; n += 1) {
      const page = n === 0 ? user.page : await user.openTab();
      const options = { subscriptions: [{ id, start: 'start' } as const], beatMs: 2_000 };
      const tab = await loadProbe(page, network.url, options);
      await tab.untilEntry('event', () => true, { label: `tab ${n + 1}: a message` });
      tabs.push(tab);
    }
    const carriers = [];
    for (const tab of tabs) {
      const entries = await tab.entries();
      carriers.push(entries.findLast((entry) => entry.kind === 'status')?.transport);
    }
    expect(carriers.filter((carrier) => carrier === 'sse')).toHaveLength(4);
    expect(carriers.filter((carrier) => carrier === 'poll')).toHaveLength(count - 4);
    const held = network.connections().filter((one) => one.class === 'stream' && one.isBusy);
    expect(held.length).toBeLessThanOrEqual(4);

    const posts: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      // All at once: the moment in which connections run out.
      posts.push(
        ...(await Promise.all(tabs.map(({ page }) => page.evaluate(() => window.probe.post())))),
      );
      posts.push(
        ...(await Promise.all(
          tabs.map(({ page }) => page.evaluate(() => window.probe.publish('elsewhere', 1))),
        )),
      );
    }
    const { maxMs } = report(`${count} tabs, a POST of each at once`, posts);

    await publisher.stop();
    const last = publisher.accepted.at(-1)?.n ?? 0;
    for (const tab of tabs) {
      await tab.untilTick(last);
      const problems = checkRecord(await tab.entries(), {
        channel: `probe:${id}`,
        published: publisher.accepted,
        gaps: 'none',
        firstOffset: 1,
      });
      expect(problems).toEqual([]);
    }
    expect(user.pageErrors).toEqual([]);
    expectWithin(maxMs, 1_000, 'the slowest POST');
  });
});

test('CLI-12: with every place for a stream taken, a tab that follows one more channel gets it', async () => {
  const target = { host: '127.0.0.1', port: server.port };
  const rules = { websocket: { mode: 'status', status: 403 } as const };
  await using network = await createFaultyProxy({ target, rules });
  await using user = await chromium.newPage();
  const first = `first-${randomUUID()}`;
  const second = `second-${randomUUID()}`;
  await server.publish(first, 1);
  const tabs: ProbeTab[] = [];
  for (let n = 0; n < 5; n += 1) {
    const page = n === 0 ? user.page : await user.openTab();
    const options = { subscriptions: [{ id: first, start: 'start' } as const], beatMs: 2_000 };
    const tab = await loadProbe(page, network.url, options);
    await tab.untilTick(1);
    tabs.push(tab);
  }
  await server.publish(second, 2);
  const followedAt = Date.now();
  for (const { page } of tabs) {
    await page.evaluate((id) => {
      window.probe.recorder.follow(window.probe.client, { id, start: 'start' });
    }, second);
  }
  await Promise.all(tabs.map((tab) => tab.untilTick(2)));
  const gotMs = Date.now() - followedAt;
  // A stream whose tab is gone frees its place.
  await tabs[0]?.page.close();
  const before = Date.now();
  await server.publish(second, 3);
  await Promise.all(tabs.slice(1).map((tab) => tab.untilTick(3)));
  expectWithin(Date.now() - before, 4_000, 'a place for a stream');
  expectWithin(gotMs, 4_000, 'the channel that was followed');
});
