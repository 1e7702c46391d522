import { expect, test } from 'vitest';
import { type ChaosFault, createChaos } from './chaos.ts';
import { createFaultyProxy } from './faulty-proxy.ts';
import { startPlainServer } from './plain-server.ts';
import { openRawSse, type RawSse } from './raw-sse.ts';
import { until } from './wait.ts';

test('one seed gives each connection the same faults in the same order', async () => {
  const plan = async (seed: number): Promise<string[][]> => {
    await using server = await startPlainServer({});
    await using proxy = await createFaultyProxy({
      target: { host: '127.0.0.1', port: server.port },
    });
    const faults: ChaosFault[] = [
      { kind: 'freeze', forMs: [1, 3] },
      { kind: 'impose', fault: { mode: 'drip', everyMs: 1 }, forMs: [1, 3] },
      { kind: 'impose', fault: { mode: 'buffer-bytes', bytes: 100 } },
    ];
    await using chaos = createChaos({ proxy, seed, everyMs: [2, 8], faults });
    const streams: RawSse[] = [];
    for (let n = 0; n < 3; n += 1) streams.push(await openRawSse(`${proxy.url}/stream`));
    const of = (id: number): string[] =>
      chaos.history.filter(({ connection }) => connection === id).map(({ what }) => what);
    await until(() => [1, 2, 3].every((id) => of(id).length >= 8), { label: 'eight faults each' });
    await chaos.stop();
    for (const stream of streams) stream.close();
    return [1, 2, 3].map((id) => of(id).slice(0, 8));
  };
  const first = await plan(11);
  expect(await plan(11)).toEqual(first);
  expect(await plan(12)).not.toEqual(first);
  expect(first[0]).not.toEqual(first[1]);
});

test('under faults that lose nothing, the transcript after stop is complete and in order', async () => {
  await using server = await startPlainServer({});
  await using proxy = await createFaultyProxy({ target: { host: '127.0.0.1', port: server.port } });
  await using sse = await openRawSse(`${proxy.url}/stream`);
  const faults: ChaosFault[] = [
    { kind: 'freeze', forMs: [5, 40] },
    { kind: 'impose', fault: { mode: 'drip', everyMs: 1 }, forMs: [5, 40] },
    { kind: 'impose', fault: { mode: 'buffer-bytes', bytes: 2_000 } },
    { kind: 'impose', fault: { mode: 'pass', latencyMs: 5 } },
  ];
  await using chaos = createChaos({ proxy, seed: 3, everyMs: [5, 25], faults });
  let sent = 0;
  await until(
    () => {
      sent += 1;
      server.send(`number ${sent}`);
      return chaos.history.length >= 20;
    },
    { label: 'twenty faults' },
  );
  await chaos.stop();
  await sse.untilEvents(sent);
  expect(sse.events.map(({ data }) => data)).toEqual(
    Array.from({ length: sent }, (_, index) => `number ${index + 1}`),
  );
});

test('cuts end connections, a reconnecting client gets the next fault, and stop heals', async () => {
  await using server = await startPlainServer({});
  await using proxy = await createFaultyProxy({ target: { host: '127.0.0.1', port: server.port } });
  const faults: ChaosFault[] = [
    { kind: 'cut', how: 'rst' },
    { kind: 'cut', how: 'fin' },
  ];
  await using chaos = createChaos({ proxy, seed: 9, everyMs: [5, 15], faults });
  const ends: string[] = [];
  await until(
    async () => {
      // On a busy machine one may be cut before the head of its answer has come.
      await using sse = await openRawSse(`${proxy.url}/stream`).catch(() => null);
      if (sse !== null) ends.push(await sse.ended);
      return ends.length === 5;
    },
    { label: 'five streams to be cut' },
  );
  expect(new Set(ends)).toEqual(new Set(['broken']));
  await chaos.stop();
  await using healed = await openRawSse(`${proxy.url}/stream`);
  server.send('well');
  expect(await healed.untilEvents(1)).toMatchObject([{ data: 'well' }]);
});

test('stop resets what was half-open, so its client learns of it', async () => {
  await using server = await startPlainServer({});
  await using proxy = await createFaultyProxy({ target: { host: '127.0.0.1', port: server.port } });
  await using sse = await openRawSse(`${proxy.url}/stream`);
  const chaos = createChaos({ proxy, seed: 1, everyMs: [5, 15], faults: [{ kind: 'half-open' }] });
  await until(() => proxy.connections().some(({ isFrozen }) => isFrozen), { label: 'the freeze' });
  server.send('never seen');
  await chaos.stop();
  expect(await sse.ended).toBe('broken');
  expect(sse.events).toEqual([]);
});

test('acts repeat on their own rhythm, and their failure fails stop', async () => {
  await using server = await startPlainServer({});
  await using proxy = await createFaultyProxy({ target: { host: '127.0.0.1', port: server.port } });
  let runs = 0;
  const chaos = createChaos({
    proxy,
    seed: 1,
    acts: [
      {
        label: 'kill a node',
        everyMs: [2, 5],
        run() {
          runs += 1;
          if (runs === 3) throw new Error('it would not die');
        },
      },
    ],
  });
  await until(() => runs >= 4, { label: 'four runs' });
  await expect(chaos.stop()).rejects.toThrow('it would not die');
  expect(chaos.history.filter(({ what }) => what === 'kill a node').length).toBe(runs);
});
