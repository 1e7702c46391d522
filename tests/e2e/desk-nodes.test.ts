// Desk on three nodes, as `npm start -- --nodes 3` runs it: whatever node a reader is on and whichever dies (kill -9), it
// has each message once and in the same order, the market goes on within 10 s, and the end leaves no process behind.

import { expect, test } from 'vitest';
import { expectWithin } from '../support/timing.ts';
import { until } from '../support/wait.ts';
import { type Carrier, type FloorReader, openFloorReader } from './desk/floor-reader.ts';
import { type DeskNodes, running, startNodes } from './desk/start-nodes.ts';

const NODES = 3;
const CARRIERS: readonly Carrier[] = ['websocket', 'sse', 'poll'];
const TAKEOVER_MS = 10_000;

/** Makes every agent write, on whichever node takes the connection. Tries again what a dying node did not answer. */
async function post(desk: DeskNodes): Promise<readonly string[]> {
  return until(
    async () => {
      const headers = { connection: 'close' };
      const response = await fetch(`${desk.url}/api/chat/generate`, { method: 'POST', headers });
      if (!response.ok) return null;
      const { messages } = (await response.json()) as { messages: { id: string }[] };
      return messages.map(({ id }) => id);
    },
    { label: 'messages to be generated', deadlineMs: 40_000 },
  );
}

/** Readers of each carrier until each node has one of each kind that stays on its node. */
async function readersEverywhere(
  desk: DeskNodes,
  readers: AsyncDisposableStack,
): Promise<readonly FloorReader[]> {
  const opened: FloorReader[] = [];
  const nodesWith = async (transport: Carrier): Promise<number> => {
    const lines = (await desk.log('link opened')).filter((line) => line['transport'] === transport);
    return new Set(lines.map(({ node }) => node)).size;
  };
  for (const carrier of CARRIERS) {
    for (let count = 0; count < 9; count += 1) {
      // A poll is on another node each time.
      const isDone = carrier === 'poll' ? count === NODES : (await nodesWith(carrier)) === NODES;
      if (isDone) break;
      opened.push(readers.use(await openFloorReader(desk.url, carrier)));
    }
  }
  expect(await Promise.all([nodesWith('websocket'), nodesWith('sse')])).toEqual([NODES, NODES]);
  return opened;
}

async function has(readers: readonly FloorReader[], ids: readonly string[]): Promise<void> {
  for (const { carrier, messages, troubles } of readers) {
    await until(() => ids.every((id) => messages.some((message) => message.id === id)), {
      label: `a reader over ${carrier} to have what was posted`,
      deadlineMs: 30_000,
      details: () => troubles.join('\n'),
    });
  }
}

function between({ messages }: FloorReader, from: number, to: number) {
  return messages.filter(({ offset }) => offset >= from && offset <= to);
}

async function kill(desk: DeskNodes, node: number): Promise<void> {
  const pid = (await desk.pids()).get(node);
  if (pid === undefined) throw new Error(`there is no node ${node}`);
  process.kill(pid, 'SIGKILL');
}

test('three nodes: every reader has each message once and in one order, through kills of the leading node and of another', async () => {
  await using desk = await startNodes(NODES, {
    CHAT_EVERY_MS: '1000',
    MARKET_TICK_MS: '100',
    MARKET_WARM_UP_TICKS: '20',
  });
  await using closing = new AsyncDisposableStack();
  const readers = await readersEverywhere(desk, closing);
  const posted = [...(await post(desk)), ...(await post(desk)), ...(await post(desk))];
  await has(readers, posted);

  const first = await desk.leader();
  const killedAt = performance.now();
  await kill(desk, first.node);
  posted.push(...(await post(desk)));
  await until(async () => (await desk.leader()).fence > first.fence, {
    label: 'another node to lead the market',
    deadlineMs: 3 * TAKEOVER_MS,
  });
  const seen = readers.map(({ ticks }) => ticks.length);
  await until(() => readers.every(({ ticks }, n) => ticks.length > (seen[n] ?? 0)), {
    label: 'every reader to see the market go on',
    deadlineMs: 3 * TAKEOVER_MS,
  });
  const takenOverMs = Math.round(performance.now() - killedAt);

  const leader = await desk.leader();
  const following = [1, 2, 3].find((node) => node !== leader.node && node !== first.node) ?? 0;
  await kill(desk, following);
  posted.push(...(await post(desk)));
  await has(readers, posted);

  // Both are there again.
  await until(async () => (await desk.log('node is open')).length === NODES + 2, {
    label: 'the nodes that died to be open again',
    deadlineMs: 40_000,
  });
  expect(await desk.leader()).toEqual(leader);
  const last = await post(desk);
  posted.push(...last);
  await has(readers, posted);

  const from = Math.max(...readers.map(({ messages }) => messages[0]?.offset ?? Infinity));
  const to = Math.min(...readers.map(({ messages }) => messages.at(-1)?.offset ?? 0));
  const [expected] = readers.map((reader) => between(reader, from, to));
  expect(expected?.map(({ offset }) => offset)).toEqual(
    Array.from({ length: to - from + 1 }, (_, n) => from + n),
  );
  for (const reader of readers) {
    expect(between(reader, from, to)).toEqual(expected);
    expect(new Set(reader.messages.map(({ id }) => id)).size).toBe(reader.messages.length);
    expect(reader.ticks).toEqual(reader.ticks.map((_, n) => (reader.ticks[0] ?? 0) + n));
    expect([...reader.verdicts]).toEqual(['exact']);
  }

  const family = await desk.family();
  expect(family.length).toBeGreaterThan(NODES + 2);
  expect(await desk.server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  expect(await running(family)).toEqual([]);
  expect((await desk.log('market kept'))[0]?.node).toBe(leader.node);
  console.info(
    `three nodes: ${to - from + 1} messages on ${readers.length} readers, taken over in ${takenOverMs} ms`,
  );
  expectWithin(takenOverMs, TAKEOVER_MS, 'the takeover');
}, 400_000);
