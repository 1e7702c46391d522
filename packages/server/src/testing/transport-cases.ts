// Conformance cases of the carriers, as data: each gets a fresh running hub of the test contracts and opens links to it.
// No test runner is imported; a runner registers `title` and calls `run`. Every carrier passes every case, but for
// those that `needs` a link that takes frames after `connect`.

import { deliveryCases } from './transport-cases/delivery-cases.ts';
import { linkCases } from './transport-cases/link-cases.ts';
import type { TransportCase } from './transport-cases/transport-case.ts';

export const transportCases: readonly TransportCase[] = [...linkCases, ...deliveryCases];

/** For a runner that skips: why this carrier does not run this case, or null when it does. */
export function skipReason(one: TransportCase, carrier: string): string | null {
  if (one.needs !== 'frames' || carrier === 'websocket') return null;
  return `${one.rule}: ${carrier} takes no frames after \`connect\``;
}
