// How long does a fresh page wait for its first message, on networks of several kinds?
//
// A new browser context each time (nothing cached, nothing remembered), the probe page of the
// end-to-end tests behind a proxy that spoils one carrier or two, and one message waiting in the
// channel. From the navigation to the message in the application's hands, page load included.

import {
  type Chromium,
  createFaultyProxy,
  freshVisit,
  openChromium,
  startProbeServer,
  streamBlocks,
  websocketBlocks,
} from '@millrace/tests';
import type { Bench, BenchOptions, Figure, Findings } from './lib/bench.ts';
import { percentile } from './lib/statistics.ts';

type Rules = NonNullable<Parameters<typeof createFaultyProxy>[0]['rules']>;

interface Network {
  readonly label: string;
  readonly rules: Rules;
  readonly carrier: 'websocket' | 'sse' | 'poll';
}

const follow = { subscriptions: [{ id: 'first', start: { last: 1 } }], beatMs: 2_000 } as const;
const pagesPerNetwork = 20;
const goals = { websocket: null, sse: 1_500, poll: 2_000 } as const;

/** With WebSocket blocked in the way that takes longest to notice, each way in which a stream fails. */
const silent = websocketBlocks['open but swallowing frames'] ?? { mode: 'blackhole' };
const networks: readonly Network[] = [
  { label: 'nothing blocked', rules: {}, carrier: 'websocket' },
  ...Object.entries(websocketBlocks).map(([how, websocket]): Network => {
    return { label: `WebSocket ${how}`, rules: { websocket }, carrier: 'sse' };
  }),
  ...Object.entries(streamBlocks).map(([how, stream]): Network => {
    const rules = { websocket: silent, stream };
    return { label: `WebSocket open but swallowing frames, SSE ${how}`, rules, carrier: 'poll' };
  }),
];

export const firstMessage: Bench = {
  name: 'first-message',
  question: 'How long does a fresh page wait for its first message, on networks of several kinds?',
  method: `${pagesPerNetwork} fresh pages for each kind of network in a run, through a proxy on the same machine, one message waiting in the channel. From navigation to the message in the application's hands; the page load is in it. The goal is for the 95th percentile of all networks with as many rungs blocked.`,
  run,
};

async function run({ runs = 1 }: BenchOptions): Promise<Findings> {
  await using server = await startProbeServer();
  await using chromium = await openChromium();
  await server.publish('first', 1);
  // The first page of a browser pays for starting its processes: it is nobody's figure.
  await measure(chromium, server.port, networks[0], 2);
  const times = new Map<Network, number[][]>();
  for (let run = 0; run < runs; run += 1) {
    for (const network of networks) {
      const measured = await measure(chromium, server.port, network, pagesPerNetwork);
      times.set(network, [...(times.get(network) ?? []), measured]);
    }
  }
  const of = (carrier: Network['carrier']): number[][] => {
    const chosen = [...times].filter(([network]) => network.carrier === carrier);
    return Array.from({ length: runs }, (_, run) => chosen.flatMap(([, all]) => all[run] ?? []));
  };
  return {
    figures: [
      ...summary('nothing blocked', of('websocket'), goals.websocket),
      ...summary('one rung blocked', of('sse'), goals.sse),
      ...summary('two rungs blocked', of('poll'), goals.poll),
      ...[...times].slice(1).map(([{ label }, all]): Figure => {
        return {
          label: `${label}, p95`,
          unit: 'ms',
          values: all.map((one) => percentile(one, 0.95)),
        };
      }),
    ],
  };
}

async function measure(
  chromium: Chromium,
  port: number,
  network: Network | undefined,
  pages: number,
): Promise<number[]> {
  if (network === undefined) throw new Error('there is no such network');
  const { rules, carrier } = network;
  await using proxy = await createFaultyProxy({ target: { host: '127.0.0.1', port }, rules });
  const times: number[] = [];
  for (let n = 0; n < pages; n += 1) {
    const visit = await freshVisit(chromium, proxy.url, { ...follow, settlesOn: carrier });
    times.push(visit.fromNavigationMs);
  }
  return times;
}

function summary(
  label: string,
  runs: readonly (readonly number[])[],
  goal: number | null,
): Figure[] {
  const at = (share: number): number[] => runs.map((times) => percentile(times, share));
  return [
    { label: `${label}, p50`, unit: 'ms', values: at(0.5) },
    {
      label: `${label}, p95`,
      unit: 'ms',
      values: at(0.95),
      ...(goal === null ? {} : { goal: { atMost: goal } }),
    },
    { label: `${label}, p99`, unit: 'ms', values: at(0.99) },
  ];
}
