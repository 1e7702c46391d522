// Publishing from a page whose network loses answers: what `publish` resolved with stands in the
// channel once, in the order in which the page awaited it.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Chromium, openChromium } from '../support/chromium.ts';
import { createFaultyProxy } from '../support/faulty-proxy.ts';
import type { Rules } from '../support/proxy/rules.ts';
import { checkRecord } from './probe/check-record.ts';
import { probes } from './probe/contract.ts';
import { openProbe } from './probe/open-probe.ts';
import { type ProbeServer, startProbeServer } from './probe/server.ts';

const count = 40;
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

const refused = { mode: 'status', status: 403 } as const;

const networks: Readonly<Record<string, Rules>> = {
  'WebSocket that is cut again and again': {},
  'SSE, every third POST accepted and its answer lost': {
    websocket: refused,
    other: ({ url, ordinal }) =>
      url.endsWith('/publish') && ordinal % 3 === 0 ? { mode: 'lose-response' } : { mode: 'pass' },
  },
  'polling, every third POST refused by a proxy': {
    websocket: refused,
    stream: refused,
    other: ({ url, ordinal }) =>
      url.endsWith('/publish') && ordinal % 3 === 0 ? { mode: 'refuse' } : { mode: 'pass' },
  },
};

test.concurrent.each(Object.entries(networks))(
  'CLI-13: over %s each publish stands once',
  async (label, rules) => {
    const id = `pub-${Object.keys(networks).indexOf(label)}`;
    const target = { host: '127.0.0.1', port: server.port };
    await using network = await createFaultyProxy({ target, rules });
    await using probe = await openProbe(chromium, network.url, {
      subscriptions: [{ id, start: 'start' }],
      beatMs: 2_000,
    });
    const { tab } = probe;
    await tab.untilEntry('status', ({ status }) => status === 'open', { label: 'open' });
    // Cut after its frame has reached the server, before the answer has reached the page, now and then.
    const cutting = setInterval(() => network.cut('websocket', { how: 'rst' }), 250);
    for (let n = 1; n <= count; n += 1) {
      await tab.page.evaluate(([channel, number]) => window.probe.publish(channel, number), [
        id,
        n,
      ] as const);
    }
    clearInterval(cutting);

    const { events } = await server.hub.history(probes.of({ id }), {
      last: count * 2,
      limit: count * 2,
    });
    expect(events.map(({ data }) => data.n)).toEqual(
      Array.from({ length: count }, (_, n) => n + 1),
    );
    const { epoch } = await server.publish(id, count + 1);
    await tab.untilTick(count + 1);
    const published = Array.from({ length: count + 1 }, (_, n) => ({
      n: n + 1,
      epoch,
      offset: n + 1,
    }));
    const entries = await tab.entries();
    expect(
      checkRecord(entries, { channel: `probe:${id}`, published, gaps: 'none', firstOffset: 1 }),
    ).toEqual([]);
  },
);
