// Another node: watches channels and notes how long each event was under way, by the clock that all processes of a
// machine share. Says `ready` once it hears, and its figures as JSON when its input ends.
//
//   node hint-listener.ts PORT CHANNELS

import { once } from 'node:events';
import { redisEngine } from '@millrace/server/redis';
import { Redis } from 'ioredis';
import { percentile } from '../lib/statistics.ts';

const [port, channels] = process.argv.slice(2).map(Number);
const client = new Redis(port ?? 0);
const { log, close } = redisEngine({ client });
const latenciesMs: number[] = [];
let confirmed = 0;

for (let index = 0; index < (channels ?? 0); index += 1) {
  log.watch(`job:${index}`, {
    hinted({ entries }) {
      const now = process.hrtime.bigint();
      for (const { text } of entries) {
        const sentAt = /"t":"(\d+)"/.exec(text)?.[1];
        if (sentAt !== undefined) latenciesMs.push(Number(now - BigInt(sentAt)) / 1e6);
      }
    },
    refresh() {
      confirmed += 1;
      if (confirmed === channels) process.stdout.write('ready\n');
    },
  });
}

process.stdin.resume();
await once(process.stdin, 'end');
const result = {
  events: latenciesMs.length,
  medianMs: percentile(latenciesMs, 0.5),
  p99Ms: percentile(latenciesMs, 0.99),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
await close();
client.disconnect();
