// How long from an agent's message being published to its being painted, on each carrier?
//
// The real Desk in a process of its own, five agents at about one message a second each, its Floor
// page in Chromium with the columns in sight. The clock starts at the message's timestamp, taken
// before it is stored with its event in one transaction, and stops when Chromium presented the frame
// that showed it. So the path measured is: database, hub, carrier, client, hook, React, layout, paint.

import { setTimeout as sleep } from 'node:timers/promises';
import { type Chromium, openChromium, until } from '@millrace/tests';
import type { Bench, BenchOptions, Figure, Findings } from './lib/bench.ts';
import { allowOnly, type Carrier, carriers, untilConnected } from './lib/carriers.ts';
import { type DeskProcess, startDesk } from './lib/desk.ts';
import { type Appearance, takeAppearances, watchPaints } from './lib/paint-watch.ts';
import { percentile } from './lib/statistics.ts';

const messagesPerRun = 200;
const viewport = { width: 1600, height: 1600 };

export const publishToScreen: Bench = {
  name: 'publish-to-screen',
  question: 'How long from an agent’s message being published to its being painted?',
  method: `Desk's Floor page in Chromium, five agents at about one message a second each, at least ${messagesPerRun} messages a run and carrier. From the message's timestamp, taken before it is stored, to the frame that showed it (Element Timing). Server, browser and clock are on one machine; better carriers are taken from the browser, no proxy is between.`,
  run,
};

async function run({ runs = 3 }: BenchOptions): Promise<Findings> {
  await using desk = await startDesk({ CHAT_EVERY_MS: '1000' });
  await using chromium = await openChromium();
  const delays = new Map<Carrier, number[][]>(carriers.map((carrier) => [carrier, []]));
  let unpainted = 0;
  // Interleaved: what else the machine does falls on all carriers alike.
  for (let run = 0; run < runs; run += 1) {
    for (const carrier of carriers) {
      const seen = await watch(desk, chromium, carrier);
      const painted = seen.flatMap((one) => (one.paintedAt === null ? [] : [delayOf(one)]));
      unpainted += seen.length - painted.length;
      delays.get(carrier)?.push(painted);
    }
  }
  return {
    figures: carriers.flatMap((carrier) => figuresOf(carrier, delays.get(carrier) ?? [])),
    notes: [
      `${[...delays.values()].flat(2).length} messages were painted and counted; ${unpainted} never were, out of sight before their frame.`,
    ],
  };
}

async function watch(
  desk: DeskProcess,
  chromium: Chromium,
  carrier: Carrier,
): Promise<readonly Appearance[]> {
  await using test = await chromium.newPage({ viewport });
  const { page } = test;
  await allowOnly(page, carrier);
  await watchPaints(page);
  await page.goto(desk.url);
  await untilConnected(page, carrier);
  // What the page begins with is history, and its first seconds are its start.
  await sleep(3_000);
  await takeAppearances(page);
  const seen: Appearance[] = [];
  await until(
    async () => {
      seen.push(...(await takeAppearances(page)));
      return seen.length >= messagesPerRun;
    },
    // The looks themselves are work on the page's main thread: rare ones.
    { label: `${messagesPerRun} messages by ${carrier}`, deadlineMs: 180_000, everyMs: 5_000 },
  );
  await untilConnected(page, carrier);
  return seen;
}

function delayOf({ publishedAt, paintedAt }: Appearance): number {
  return (paintedAt ?? Number.NaN) - publishedAt;
}

function figuresOf(carrier: Carrier, runs: readonly (readonly number[])[]): readonly Figure[] {
  const at = (share: number): number[] => runs.map((delays) => percentile(delays, share));
  return [
    { label: `${carrier}, p50`, unit: 'ms', values: at(0.5), goal: { atMost: 30 } },
    { label: `${carrier}, p99`, unit: 'ms', values: at(0.99), goal: { atMost: 100 } },
  ];
}
