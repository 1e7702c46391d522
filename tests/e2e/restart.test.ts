// A server that is killed (kill -9) and started again in the middle of messages: pages on each
// carrier notice, come back without a reload, and hold every accepted message once and in order; on
// an engine that survives nothing, they are told so before the next message.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EngineWords } from '../cluster/engines/open.ts';
import { type Chromium, openChromium } from '../support/chromium.ts';
import { createFaultyProxy } from '../support/faulty-proxy.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { expectWithin } from '../support/timing.ts';
import { tempFolder, until } from '../support/wait.ts';
import { checkRecord, type Published } from './probe/check-record.ts';
import { openProbe, type ProbePage } from './probe/open-probe.ts';
import { httpPublish, startPublisher } from './probe/publisher.ts';

let chromium: Chromium;

beforeAll(async () => {
  chromium = await openChromium();
});

afterAll(() => chromium.close());

function startProcess(engine: EngineWords): Promise<ServerProcess> {
  return startServerProcess({
    entry: join(import.meta.dirname, 'probe/main.ts'),
    env: { ENGINE: JSON.stringify(engine) },
    ready: { stdout: /listening/ },
  });
}

const refused = { mode: 'status', status: 403 } as const;

/** A page on each carrier, all on one channel. */
async function openPages(
  port: number,
  id: string,
): Promise<{ pages: readonly ProbePage[] } & AsyncDisposable> {
  const stack = new AsyncDisposableStack();
  const networks = [{}, { websocket: refused }, { websocket: refused, stream: refused }];
  const pages: ProbePage[] = [];
  for (const rules of networks) {
    const target = { host: '127.0.0.1', port };
    const network = stack.use(await createFaultyProxy({ target, rules }));
    const options = { subscriptions: [{ id, start: 'start' } as const], beatMs: 2_000 };
    pages.push(stack.use(await openProbe(chromium, network.url, options)));
  }
  return { pages, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test.concurrent('LOG-11: with a database behind it, a server that is killed, then closed, loses nothing and doubles nothing', async () => {
  await using folder = await tempFolder();
  await using server = await startProcess({ kind: 'pglite', folder: join(folder.path, 'db') });
  const url = `${server.url}/realtime`;
  await using publisher = startPublisher(httpPublish({ url, id: 'durable' }), { everyMs: 20 });
  await using opened = await openPages(server.port, 'durable');
  const { pages } = opened;
  await Promise.all(pages.map(({ tab }) => tab.untilTick(5)));

  const noticedMs: number[] = [];
  for (const [round, signal] of (['SIGKILL', 'SIGTERM'] as const).entries()) {
    const before = publisher.accepted.length;
    await until(() => publisher.accepted.length > before + 40, {
      label: 'a stream of messages',
      deadlineMs: 30_000,
    });
    const killedAt = Date.now();
    const restarting = server.restart(signal);
    for (const { tab } of pages) {
      const told = await tab.untilEntry('status', ({ status }) => status !== 'open', {
        label: `${signal}: the loss of the server in the status`,
        deadlineMs: 30_000,
        since: killedAt,
      });
      noticedMs.push(told.atMs - killedAt);
    }
    await restarting;
    const backAt = Date.now();
    for (const { tab } of pages) {
      const back = await tab.untilEntry('event', ({ sentAt }) => sentAt > backAt, {
        label: `${signal} in round ${round}: messages again`,
        deadlineMs: 50_000,
        since: backAt,
      });
      console.info(
        `${signal}: down ${backAt - killedAt} ms, messages ${Math.round(back.atMs - backAt)} ms after the start`,
      );
    }
  }

  await publisher.stop();
  const last = publisher.accepted.at(-1)?.n ?? 0;
  // A publish whose answer was lost was repeated under its key: it stands there once.
  expect(publisher.accepted.map(({ offset }) => offset)).toEqual(
    publisher.accepted.map((_, index) => index + 1),
  );
  for (const { tab, test: page } of pages) {
    await tab.untilTick(last);
    const problems = checkRecord(await tab.entries(), {
      channel: 'probe:durable',
      published: publisher.accepted,
      gaps: 'none',
      firstOffset: 1,
    });
    expect(problems).toEqual([]);
    expect(page.pageErrors).toEqual([]);
  }
  expectWithin(Math.max(...noticedMs), 5_000, 'noticing the loss');
}, 400_000);

test.concurrent('CUR-4: with memory behind it, each page is told that the channel began anew before its next message', async () => {
  await using server = await startProcess({ kind: 'memory' });
  const url = `${server.url}/realtime`;
  await using opened = await openPages(server.port, 'fleeting');
  const published: Published[] = [];
  await using before = startPublisher(httpPublish({ url, id: 'fleeting', name: 'a' }), {
    everyMs: 20,
  });
  await Promise.all(opened.pages.map(({ tab }) => tab.untilTick(20)));
  await before.stop();
  published.push(...before.accepted);
  const head = before.accepted.at(-1)?.n ?? 0;
  await Promise.all(opened.pages.map(({ tab }) => tab.untilTick(head)));

  const killedAt = Date.now();
  await server.restart('SIGKILL');
  // Fewer than before: a cursor of the dead epoch must not be taken for a place in the new one.
  await using after = startPublisher(httpPublish({ url, id: 'fleeting', name: 'b' }), {
    everyMs: 20,
    first: 10_001,
  });
  await Promise.all(
    opened.pages.map(({ tab }) =>
      tab.untilEntry('event', ({ n }) => n > 10_000, {
        label: 'the new epoch',
        deadlineMs: 50_000,
        since: killedAt,
      }),
    ),
  );
  await after.stop();
  published.push(...after.accepted);
  const last = after.accepted.at(-1)?.n ?? 0;
  for (const { tab } of opened.pages) {
    await tab.untilTick(last);
    const entries = await tab.entries();
    const channel = 'probe:fleeting';
    expect(checkRecord(entries, { channel, published, gaps: 'announced', firstOffset: 1 })).toEqual(
      [],
    );
    const gaps = entries.filter((entry) => entry.kind === 'verdict' && entry.verdict === 'gap');
    expect(gaps).toHaveLength(1);
    expect(gaps[0]).toMatchObject({ reason: 'restarted', from: null, to: null });
  }
});
