// A reader: a real client with channels of the delivery benches, which notes how late its callback is called for each
// event. Says `ready` once it reads all of them; from a line of input on it counts, and says what came when the input
// ends, as JSON.
//
//   node callback-reader.ts URL CHANNELS

import { createInterface } from 'node:readline';
import { createClient } from '@millrace/client';
import { epochOffsetMs } from '../lib/epoch-clock.ts';
import { percentile } from '../lib/statistics.ts';
import { benchChannel } from '../servers/bench-channel.ts';
import { makeToken } from '../servers/token.ts';

export interface CallbackLatency {
  readonly events: number;
  /** What did not come once and in order. */
  readonly losses: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

const [url = '', count = '0'] = process.argv.slice(2);
const lastOf = new Map<string, number>();
const unread = new Set<string>();
let latenciesMs: number[] = [];
let losses = 0;
let offsetMs = epochOffsetMs();

const client = createClient({ url, transports: ['websocket'], token: makeToken('reader') });
for (let index = 0; index < Number(count); index += 1) {
  const channel = benchChannel.of({ id: `${index}` });
  unread.add(channel.name);
  client.subscribe(channel, {
    onEvent({ data: { n, t } }) {
      latenciesMs.push(offsetMs + performance.now() - t / 1_000);
      const last = lastOf.get(channel.name);
      if (last !== undefined && n !== last + 1) losses += 1;
      lastOf.set(channel.name, n);
    },
    onVerdict() {
      if (unread.delete(channel.name) && unread.size === 0) process.stdout.write('ready\n');
    },
  });
}

for await (const _ of createInterface({ input: process.stdin })) {
  offsetMs = epochOffsetMs();
  latenciesMs = [];
}
const result: CallbackLatency = {
  events: latenciesMs.length,
  losses,
  medianMs: percentile(latenciesMs, 0.5),
  p99Ms: percentile(latenciesMs, 0.99),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
await client.close();
process.exit();
