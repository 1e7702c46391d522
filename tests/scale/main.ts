// Reconnect storms by the numbers, as docs/scale.md tells of them:
//
//   npm run simulate                             the scenarios of that page
//   npm run simulate -- --clients 200000 --nodes 20 --killed 3 --noticed by-beat --seed 7

import { parseArgs } from 'node:util';
import { type StormOptions, simulateStorm } from './storm.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    clients: { type: 'string' },
    nodes: { type: 'string', default: '10' },
    killed: { type: 'string', default: '1' },
    noticed: { type: 'string', default: 'at-once' },
  },
});

/** One authenticated connect with five channels, in ms of CPU: `npm run bench -- resume-storm`. */
const CONNECT_CPU_MS = 0.19;

const common = {
  seed: Number(values.seed),
  restartMs: 3_000,
  connectCpuMs: CONNECT_CPU_MS,
  roundTripMs: [10, 250],
} as const;

type Scenario = Omit<StormOptions, keyof typeof common>;

const scenarios: Readonly<Record<string, Scenario>> = {
  'one of ten nodes ends': { clients: 100_000, nodes: 10, killed: 1, noticed: 'at-once' },
  'one of ten machines is cut off': { clients: 100_000, nodes: 10, killed: 1, noticed: 'by-beat' },
  'one of three nodes ends': { clients: 60_000, nodes: 3, killed: 1, noticed: 'at-once' },
  'the only node starts again': { clients: 20_000, nodes: 1, killed: 1, noticed: 'at-once' },
  'all of ten nodes start again': { clients: 200_000, nodes: 10, killed: 10, noticed: 'at-once' },
  'a tenth of a million ends': { clients: 1_000_000, nodes: 50, killed: 5, noticed: 'at-once' },
};

function report(name: string, scenario: Scenario): void {
  const found = simulateStorm({ ...common, ...scenario });
  const { half, most, all } = found.backMs;
  const s = (ms: number): string => (ms / 1_000).toFixed(1);
  console.log(
    `| ${[
      name,
      `${scenario.clients} on ${scenario.nodes}`,
      found.dropped,
      `${s(half)} / ${s(most)} / ${s(all)}`,
      found.triesEach,
      found.refused,
      found.peakConnectsPerSecond,
      found.maxLateMs,
    ].join(' | ')} |`,
  );
}

console.log(
  '| what happens | clients on nodes | dropped | half / 99 % / all back, s | links each | refused | most connects a node and second | latest loop, ms |',
);
console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
if (values.clients === undefined) {
  for (const [name, scenario] of Object.entries(scenarios)) report(name, scenario);
} else {
  const noticed = values.noticed === 'by-beat' ? 'by-beat' : 'at-once';
  const [clients, nodes, killed] = [values.clients, values.nodes, values.killed].map(Number);
  if (clients === undefined || nodes === undefined || killed === undefined)
    throw new Error('usage');
  report('as asked', { clients, nodes, killed, noticed });
}
