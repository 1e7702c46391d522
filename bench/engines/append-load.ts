// One node that appends as fast as it is answered, batch after batch, either through the engine or as one would by
// hand: XADD and PUBLISH of each event, in one pipeline a batch. Prints what it did and what it cost, as JSON.
//
//   node append-load.ts millrace|plain PORT BATCH SECONDS

import { redisEngine } from '@millrace/server/redis';
import { Redis } from 'ioredis';
import { serverCpuSeconds } from './redis-process.ts';

/** Channels that a batch goes over: as many as a hub's tick would touch, and each with several events. */
const CHANNELS = 10;

const [kind, port, batchText, secondsText] = process.argv.slice(2);
const size = Number(batchText);
const client = new Redis(Number(port));
const engine = kind === 'millrace' ? redisEngine({ client }) : null;
const data = 'x'.repeat(150);
let count = 0;

function body(): string {
  count += 1;
  return `"type":"progressed","data":{"n":${count},"text":"${data}"}`;
}

async function appendPlain(): Promise<void> {
  const pipeline = client.pipeline();
  for (let index = 0; index < size; index += 1) {
    const text = body();
    const channel = `job:${index % CHANNELS}`;
    pipeline.xadd(`plain:${channel}`, '*', 'event', text);
    pipeline.publish(channel, text);
  }
  await pipeline.exec();
}

async function appendByEngine(): Promise<void> {
  const batch = Array.from({ length: size }, (_, index) => ({
    channel: `job:${index % CHANNELS}`,
    body: body(),
  }));
  await engine?.log.append(batch);
}

const append = engine === null ? appendPlain : appendByEngine;

async function during(ms: number): Promise<void> {
  const until = performance.now() + ms;
  while (performance.now() < until) await append();
}

await during(1_000);
const [nodeBefore, serverBefore, countBefore] = [
  process.cpuUsage(),
  await serverCpuSeconds(client),
  count,
];
await during(Number(secondsText) * 1_000);
const node = process.cpuUsage(nodeBefore);
const result = {
  events: count - countBefore,
  nodeCpuSeconds: (node.user + node.system) / 1e6,
  serverCpuSeconds: (await serverCpuSeconds(client)) - serverBefore,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
await engine?.close();
client.disconnect();
