// What does presence cost: 10,000 people who come at once, the same people at rest, and each of them in memory?
//
// Two nodes on one engine. The people are bare WebSockets of the first one, with links that stand; the watchers, real
// clients, are at the second, so that everything they are told has gone over the bus.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@millrace/client';
import { presenceOf } from '@millrace/client/presence';
import { startServerProcess, until } from '@millrace/tests';
import type { Bench, BenchOptions, Figure, Findings } from './lib/bench.ts';
import { crowd, openCrowd } from './lib/crowd.ts';
import type { NodesUsage } from './servers/presence-nodes.ts';

const people = 10_000;
const watchers = 10;
const restSeconds = 20;

export const presence: Bench = {
  name: 'presence',
  question: 'What does it cost that 10,000 people are present in one channel?',
  method: `Two nodes in one process on the memory engine. ${people.toLocaleString('en-US')} guests with a link to the first node enter with a name at once; ${watchers} clients watch at the second one. Until all of them have been told of everybody; then ${restSeconds} s in which nothing happens; then everybody leaves. Memory is heap, garbage collected, above that of the same links without presence; both nodes hold everybody.`,
  run,
};

async function run({ runs = 5 }: BenchOptions): Promise<Findings> {
  const all: Measured[] = [];
  for (let round = 0; round < runs; round += 1) all.push(await measure());
  const figure = (
    label: string,
    unit: string,
    read: (one: Measured) => number,
    rest: Partial<Figure> = {},
  ): Figure => ({ label, unit, values: all.map(read), ...rest });
  return {
    figures: [
      figure('all have come, and every watcher knows', 's', ({ joinS }) => joinS, {
        goal: { atMost: 5 },
      }),
      figure('… CPU of the two nodes', 's', ({ joinCpuS }) => joinCpuS),
      figure('… over the bus, for each', 'bytes', ({ busBytesEach }) => busBytesEach),
      figure('… to a watcher, for each', 'bytes', ({ watcherBytesEach }) => watcherBytesEach),
      figure('all have left, and every watcher knows', 's', ({ leaveS }) => leaveS, {
        goal: { atMost: 5 },
      }),
      figure('at rest, over the bus', 'bytes/s', ({ restBytesPerS }) => restBytesPerS, {
        goal: { atMost: 200 },
      }),
      figure(
        'memory of one who is present, on each node',
        'bytes',
        ({ memoryEach }) => memoryEach,
        {
          goal: { atMost: 1_500 },
        },
      ),
    ],
  };
}

interface Measured {
  readonly joinS: number;
  readonly joinCpuS: number;
  readonly busBytesEach: number;
  readonly watcherBytesEach: number;
  readonly leaveS: number;
  readonly restBytesPerS: number;
  readonly memoryEach: number;
}

async function measure(): Promise<Measured> {
  await using server = await startServerProcess({
    entry: join(import.meta.dirname, 'servers', 'presence-nodes.ts'),
    ready: { stdout: /listening/ },
  });
  const guests = await openCrowd(server.url, '/one', people);
  // One that watches on bare sockets, for the bytes alone.
  const witness = await openCrowd(server.url, '/two', 1);
  witness.say(() => ({ type: 'presence', channels: [{ channel: 'crowd', watch: true }] }));
  const clients = Array.from({ length: watchers }, () =>
    createClient({ url: `${server.url}/two`, transports: ['websocket'] }),
  );
  const views = clients.map((client) => presenceOf(client, crowd.of()));
  for (const view of views) view.subscribe(() => undefined);
  const knowAll = (count: number): Promise<unknown> =>
    until(
      () =>
        views.every((view) => {
          const { status, members } = view.getSnapshot();
          return status === 'live' && members.length === count;
        }),
      { label: `${count} people`, deadlineMs: 60_000, everyMs: 100 },
    );
  await knowAll(0);
  await sleep(1_000);
  const before = await readUsage(server.url);
  const bytesBefore = witness.receivedBytes();

  const joinedAt = performance.now();
  guests.say((index) => {
    const data = { name: `Person ${index}` };
    return { type: 'presence', channels: [{ channel: 'crowd', data }] };
  });
  await knowAll(people);
  const joinS = (performance.now() - joinedAt) / 1_000;
  await sleep(1_000);
  const there = await readUsage(server.url);
  const witnessBytes = witness.receivedBytes() - bytesBefore;

  await sleep(restSeconds * 1_000);
  const rested = await readUsage(server.url);

  const leftAt = performance.now();
  guests.say(() => ({ type: 'presence', channels: [{ channel: 'crowd' }] }));
  await knowAll(0);
  const leaveS = (performance.now() - leftAt) / 1_000;
  await Promise.all(clients.map((client) => client.close()));
  guests.close();
  witness.close();
  return {
    joinS,
    joinCpuS: (there.cpuMs - before.cpuMs) / 1_000,
    busBytesEach: (there.busBytes - before.busBytes) / people,
    watcherBytesEach: witnessBytes / people,
    leaveS,
    restBytesPerS: (rested.busBytes - there.busBytes) / restSeconds,
    memoryEach: (rested.heapUsedBytes - before.heapUsedBytes) / people / 2,
  };
}

async function readUsage(url: string): Promise<NodesUsage> {
  const response = await fetch(`${url}/usage`);
  const usage: NodesUsage = await response.json();
  return usage;
}
