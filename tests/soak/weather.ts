// What the network of a chaos run does, by its seed: which carriers it lets through for a while, and the faults of single
// connections at their sizes. Owns the lists; when they strike is the run's.

import { allFaults, type ChaosFault } from '../support/chaos.ts';
import type { FaultyProxy } from '../support/faulty-proxy.ts';
import type { Rules } from '../support/proxy/rules.ts';
import type { SeededRandom } from '../support/seeded-random.ts';

const refused = { mode: 'status', status: 403 } as const;

/** What the network lets through, changed every few seconds; what is no longer let through is cut. */
const weathers: readonly Rules[] = [
  {},
  {},
  { websocket: refused },
  { websocket: { mode: 'upgrade-then-swallow' } },
  { websocket: { mode: 'blackhole' }, stream: { mode: 'buffer' } },
  {
    websocket: { mode: 'close-after-frames', frames: 2 },
    stream: { mode: 'buffer-bytes', bytes: 4_096 },
  },
  { stream: { mode: 'blackhole' }, poll: { mode: 'lose-response' } },
  { websocket: refused, stream: refused },
];

/** A reader that takes 250 bytes a second for a while: it leaves the tail and must find its way back. */
const slow: ChaosFault = { kind: 'impose', fault: { mode: 'drip' }, forMs: [4_000, 15_000] };

/** From here on a run has room for the promise's own times. */
export const LONG_MS = 120_000;

/** Those of the promise; in a run of half a minute with freezes that fit into it. */
export function faultsOf(durationMs: number): readonly ChaosFault[] {
  if (durationMs >= LONG_MS) return [...allFaults, slow];
  return allFaults.map((fault) =>
    fault.kind === 'freeze' ? { kind: 'freeze', forMs: [1_000, 8_000] } : fault,
  );
}

/** One of the answers to a POST gets lost in ten: what it asked for has been done. */
const losesResponses: Rules = {
  other: (_request, random) => ({ mode: random() < 0.1 ? 'lose-response' : 'pass' }),
};

export function changeWeather(
  network: FaultyProxy,
  draw: SeededRandom,
  options: { readonly losesResponses?: boolean } = {},
): void {
  const rules = draw.pick(weathers);
  network.setRules(options.losesResponses === true ? { ...losesResponses, ...rules } : rules);
  const how = draw.pick(['rst', 'fin'] as const);
  if (rules.websocket !== undefined) network.cut('websocket', { how });
  if (rules.stream !== undefined) network.cut('stream', { how });
}
