// Failures in the middle of a stream of messages, on each carrier: noticed in time, told, gone
// around, healed, and back on the WebSocket once it is let through; nothing lost or doubled.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Chromium, openChromium } from '../support/chromium.ts';
import { createFaultyProxy, type FaultyProxy } from '../support/faulty-proxy.ts';
import type { Rules } from '../support/proxy/rules.ts';
import { expectWithin } from '../support/timing.ts';
import { until } from '../support/wait.ts';
import { checkRecord } from './probe/check-record.ts';
import { openProbe, type ProbePage, type ProbeTab } from './probe/open-probe.ts';
import { type Publisher, startPublisher } from './probe/publisher.ts';
import { type ProbeServer, startProbeServer } from './probe/server.ts';

type Carrier = 'websocket' | 'sse' | 'poll';

/** What makes a page land on the carrier. */
const networks: Readonly<Record<Carrier, Rules>> = {
  websocket: {},
  sse: { websocket: { mode: 'status', status: 403 } },
  poll: { websocket: { mode: 'status', status: 403 }, stream: { mode: 'status', status: 403 } },
};
const classes = { websocket: 'websocket', sse: 'stream', poll: 'poll' } as const;

// Each scene mostly waits; each has a network of its own.
vi.setConfig({ maxConcurrency: 8 });

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

interface Scene extends AsyncDisposable {
  readonly network: FaultyProxy;
  readonly probe: ProbePage;
  readonly tab: ProbeTab;
  readonly publisher: Publisher;
  /** Stops publishing, waits for the last message and compares. */
  conclude(): Promise<void>;
}

let scenes = 0;

async function openScene(name: string, rules: Rules, carrier: Carrier): Promise<Scene> {
  // A test that was only slow is run again, on a channel that nobody has written to.
  scenes += 1;
  const id = `${name}-${scenes}`;
  const target = { host: '127.0.0.1', port: server.port };
  await using stack = new AsyncDisposableStack();
  const network = stack.use(await createFaultyProxy({ target, rules }));
  const publisher = stack.use(startPublisher((n) => server.publish(id, n), { everyMs: 50 }));
  const probe = stack.use(await openOn(carrier, network, id));
  const opened = stack.move();
  const { tab } = probe;
  return {
    network,
    probe,
    tab,
    publisher,
    async conclude() {
      await publisher.stop();
      const last = publisher.accepted.at(-1)?.n ?? 0;
      await tab.untilTick(last);
      const problems = checkRecord(await tab.entries(), {
        channel: `probe:${id}`,
        published: publisher.accepted,
        gaps: 'none',
        firstOffset: 1,
      });
      expect(problems).toEqual([]);
      expect(probe.test.pageErrors).toEqual([]);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** A page whose link stands on the carrier. On a busy machine a race may end elsewhere: then anew. */
async function openOn(carrier: Carrier, network: FaultyProxy, id: string): Promise<ProbePage> {
  for (let attempt = 1; ; attempt += 1) {
    const options = { subscriptions: [{ id, start: 'start' } as const], beatMs: 2_000 };
    await using stack = new AsyncDisposableStack();
    const probe = stack.use(await openProbe(chromium, network.url, options));
    const { tab } = probe;
    await tab.untilEntry('event', ({ n }) => n >= 3, { label: 'three ticks' });
    const openedAt = Date.now();
    await tab.untilEntry('event', () => true, {
      label: 'a further tick',
      since: openedAt + 250,
    });
    const newest = (await tab.entries()).findLast((entry) => entry.kind === 'status');
    if (newest?.transport === carrier) {
      stack.move();
      return probe;
    }
    if (attempt === 6) throw new Error(`no link over ${carrier}: ${JSON.stringify(newest)}`);
  }
}

/** Waits until the status no longer claims the carrier that broke; resolves with how long that took, ms. */
async function noticed(tab: ProbeTab, broken: Carrier, faultAt: number): Promise<number> {
  const told = await tab.untilEntry(
    'status',
    ({ status, transport }) => status !== 'open' || transport !== broken,
    { label: 'the failure in the status', since: faultAt },
  );
  return told.atMs - faultAt;
}

async function nextTick(tab: ProbeTab, since: number): Promise<void> {
  await tab.untilEntry('event', ({ sentAt }) => sentAt > since, {
    label: 'a message published after the failure',
    since,
  });
}

async function backOnWebSocket(tab: ProbeTab, since: number): Promise<number> {
  const entry = await tab.untilEntry('status', ({ transport }) => transport === 'websocket', {
    label: 'WebSocket again',
    deadlineMs: 30_000,
    since,
  });
  expect(entry.notice).toBeNull();
  return entry.atMs - since;
}

describe.concurrent('CLI-9: a proxy that begins to hold the stream back', () => {
  test('for ever: the page polls within 5 s and says why', async () => {
    await using scene = await openScene('held-sse', networks.sse, 'sse');
    const { network, tab } = scene;
    network.setRules({ ...networks.sse, stream: { mode: 'buffer' } });
    expect(network.impose('stream', { mode: 'buffer' })).toBe(1);
    const faultAt = Date.now();
    const noticedMs = await noticed(tab, 'sse', faultAt);
    const polling = await tab.untilEntry('status', ({ transport }) => transport === 'poll', {
      label: 'polling',
      deadlineMs: 30_000,
      since: faultAt,
    });
    expect(polling.notice).toMatch(/poll/i);
    expect(polling.isRealtime).toBe(false);
    await scene.conclude();
    expectWithin(noticedMs, 5_000, 'noticing');
    expectWithin(polling.atMs - faultAt, 10_000, 'polling');
  });

  test('by 4 KiB: the page polls with a reason, and the next tries of SSE hold nothing up', async () => {
    await using scene = await openScene('bunched-sse', networks.sse, 'sse');
    const { network, tab, publisher } = scene;
    const held = { mode: 'buffer-bytes', bytes: 4_096 } as const;
    network.setRules({ ...networks.sse, stream: held });
    expect(network.impose('stream', held)).toBe(1);
    const faultAt = Date.now();
    // A quiet hour: messages in plenty would push each other through.
    publisher.pace(1_200);
    const polling = await tab.untilEntry('status', ({ transport }) => transport === 'poll', {
      label: 'polling',
      deadlineMs: 30_000,
      since: faultAt,
    });
    expect(polling.notice).toMatch(/polling/);
    const tried = network.stats.requests.stream;
    await until(() => network.stats.requests.stream > tried || Date.now() > faultAt + 20_000, {
      label: 'a background try of SSE',
      deadlineMs: 50_000,
    });
    const since = publisher.accepted.length;
    await until(() => publisher.accepted.length > since + 3, {
      label: 'messages around that try',
      deadlineMs: 30_000,
    });
    await scene.conclude();
    const delays = (await tab.entries()).flatMap((entry) =>
      entry.kind === 'event' && entry.sentAt > polling.atMs ? entry.atMs - entry.sentAt : [],
    );
    console.info(
      `polling beside a held stream: slowest message ${Math.round(Math.max(...delays))} ms`,
    );
    expectWithin(Math.max(...delays), 2_500, 'the slowest message');
  });
});

describe.concurrent.each(['websocket', 'sse', 'poll'] as const)('a link over %s', (carrier) => {
  const kind = classes[carrier];

  test('LINK-6: a half-open connection is noticed within 5 s and gone around', async () => {
    const id = `freeze-${carrier}`;
    await using scene = await openScene(id, networks[carrier], carrier);
    const { network, tab } = scene;
    // What froze stays blocked, and what was blocked stays so: the page must find what is left.
    const blocked = { mode: 'blackhole' } as const;
    network.setRules(
      carrier === 'poll' ? networks.poll : { ...networks[carrier], [kind]: blocked },
    );
    expect(network.freeze(kind)).toBeGreaterThan(0);
    const faultAt = Date.now();
    const noticedMs = await noticed(tab, carrier, faultAt);
    await nextTick(tab, faultAt);
    const movedMs = Date.now() - faultAt;
    const liftedAt = Date.now();
    network.setRules({});
    const backMs = carrier === 'websocket' ? await backOnWebSocket(tab, liftedAt) : null;
    console.info(
      `${carrier} frozen: noticed after ${Math.round(noticedMs)} ms, messages again after ${movedMs} ms` +
        (backMs === null ? '' : `, WebSocket ${Math.round(backMs)} ms after it was let through`),
    );
    await scene.conclude();
    expectWithin(noticedMs, 5_000, 'noticing');
    expectWithin(movedMs, 12_000, 'going around');
    expectWithin(backMs ?? 0, 15_000, 'the way back to the WebSocket');
  });

  test.each(['rst', 'fin'] as const)(
    'CLI-6: a connection cut by %s is back at once',
    async (how) => {
      const id = `cut-${how}-${carrier}`;
      await using scene = await openScene(id, networks[carrier], carrier);
      const { network, tab } = scene;
      // A poll is cut while it is out; between two of them there is nothing to cut.
      const faultAt = await until(
        () =>
          network.cut(({ class: one, isBusy }) => one === kind && isBusy, { how }) > 0
            ? Date.now()
            : 0,
        { label: `a ${carrier} to cut` },
      );
      await nextTick(tab, faultAt);
      const outMs = Date.now() - faultAt;
      console.info(`${carrier} cut by ${how}: messages again after ${outMs} ms`);
      await scene.conclude();
      expectWithin(outMs, 2_500, 'coming back');
    },
  );
});

describe.concurrent('CLI-5: back on the better carrier by itself', () => {
  test.each(['sse', 'poll'] as const)('from %s', async (carrier) => {
    await using scene = await openScene(`upgrade-${carrier}`, networks[carrier], carrier);
    const { network, tab } = scene;
    const liftedAt = Date.now();
    network.setRules({});
    const backMs = await backOnWebSocket(tab, liftedAt);
    console.info(`from ${carrier}: WebSocket ${Math.round(backMs)} ms after it was let through`);
    await scene.conclude();
    expectWithin(backMs, 6_500, 'the way back to the WebSocket');
  });
});

describe.concurrent('CLI-10: a sign of life from the page', () => {
  test('a network that returns replaces a dead link within 2.5 s', async () => {
    await using scene = await openScene('wake-websocket', networks.websocket, 'websocket');
    const { network, tab, probe } = scene;
    expect(network.freeze('websocket')).toBe(1);
    const frozenAt = Date.now();
    // Shorter ago than any beat could tell, long enough that the last bytes prove nothing.
    await until(() => Date.now() - frozenAt > 1_500, { label: 'silence' });
    await probe.test.page.evaluate(() => dispatchEvent(new Event('online')));
    const wokeAt = Date.now();
    await nextTick(tab, wokeAt);
    const backMs = Date.now() - wokeAt;
    console.info(`woken on a dead link: messages again after ${backMs} ms`);
    await scene.conclude();
    expectWithin(backMs, 2_500, 'coming back');
  });
});

describe.concurrent('CLI-10: a browser that goes offline and online again', () => {
  test.each(['websocket', 'sse', 'poll'] as const)(
    'over %s: told in time, back at once',
    async (carrier) => {
      await using scene = await openScene(`offline-${carrier}`, networks[carrier], carrier);
      const { tab, probe } = scene;
      const offlineAt = Date.now();
      await probe.test.context.setOffline(true);
      // Chromium's emulation leaves open WebSockets alone: a network that is gone does not.
      scene.network.freeze('all');
      const noticedMs = await noticed(tab, carrier, offlineAt);
      scene.network.cutAll({ how: 'rst' });
      const onlineAt = Date.now();
      await probe.test.context.setOffline(false);
      await nextTick(tab, onlineAt);
      const backMs = Date.now() - onlineAt;
      console.info(`${carrier} online again: messages after ${backMs} ms`);
      await scene.conclude();
      expectWithin(noticedMs, 5_000, 'noticing');
      expectWithin(backMs, 2_500, 'coming back');
    },
  );
});

test('EVT-1: a reader who comes back too late is told what it missed before the next message', async () => {
  const target = { host: '127.0.0.1', port: server.port };
  await using network = await createFaultyProxy({ target });
  for (let n = 1; n <= 3; n += 1) await server.publishShort('late', n);
  await using probe = await openProbe(chromium, network.url, {
    subscriptions: [{ id: 'late', start: 'start', kind: 'short' }],
    beatMs: 2_000,
  });
  const { tab } = probe;
  await tab.untilTick(3);
  network.setRules({ connection: 'refuse' });
  network.cutAll({ how: 'rst' });
  const published: { n: number; epoch: string; offset: number }[] = [];
  for (let n = 4; n <= 600; n += 1) {
    const { epoch, offset } = await server.publishShort('late', n);
    published.push({ n, epoch, offset });
  }
  // The hub would do it in its own time; the reader may come back before or after.
  await server.engine.log.compact('short_probe:late', { size: 5, maxAgeMs: 60_000 });
  network.setRules({});
  await tab.untilTick(600);
  const entries = await tab.entries();
  const gap = entries.find((entry) => entry.kind === 'verdict' && entry.verdict === 'gap');
  expect(gap).toMatchObject({ reason: 'trimmed', from: 4 });
  const first = [1, 2, 3].map((n) => ({ n, epoch: published[0]?.epoch ?? '', offset: n }));
  const problems = checkRecord(entries, {
    channel: 'short_probe:late',
    published: [...first, ...published],
    gaps: 'announced',
  });
  expect(problems).toEqual([]);
});
