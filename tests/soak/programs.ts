// The programs of `npm run soak`, each a promise's test in its long form. Owns their sizes; what they check is theirs.

import fc from 'fast-check';
import { openChromium } from '../support/chromium.ts';
import { createSeededRandom } from '../support/seeded-random.ts';
import { runAnswers } from './answers.ts';
import { runChaos } from './chaos-run.ts';
import { runChurn } from './churn.ts';
import { runFuzz } from './fuzz.ts';
import { runPresence } from './presence.ts';
import type { RunResult } from './report.ts';
import { runSlowReaders } from './slow-readers.ts';
import { readAsClient, readInChromium } from './sse-differential.ts';
import { anyStream, encodedStream, hasUnreadIds } from './sse-streams.ts';
import { runStorm, type StormOptions } from './storm.ts';
import { runSwitches } from './switches.ts';

export const SOAK_ENGINES = ['memory', 'pglite', 'redis', 'postgres', 'drawn'] as const;
export type SoakEngine = (typeof SOAK_ENGINES)[number];

export interface ProgramOptions {
  readonly seed: number;
  readonly engine: SoakEngine;
  readonly minutes: number;
  readonly clients: number;
  readonly channels: number;
  readonly killsPerMinute: number;
  readonly publishEveryMs: number;
  readonly hasPage: boolean;
  say(line: string): void;
}

type Program = (options: ProgramOptions) => Promise<RunResult>;

export const programs: Readonly<Record<string, Program>> = {
  chaos,
  switches: async ({ seed }) => ({
    ...(await runSwitches({ seed, switches: 10_000, clients: 30, eventsPerSecond: 500 })),
  }),
  slow: async ({ seed, minutes, clients, engine }) => ({
    seed,
    engine: clusterOf(engine)?.engine ?? 'memory',
    ...(await runSlowReaders({
      cluster: clusterOf(engine),
      stalled: clients,
      healthy: 12,
      eventBytes: 2_048,
      eventsPerSecond: 200,
      stalledMs: minutes * 60_000,
      // Each reads all of it: more of them than one process can be in a minute tell of that process.
      resuming: Math.min(clients, 30),
      slowAfterMs: 30_000,
    })),
  }),
  churn: async ({ seed }) => ({ seed, ...(await runChurn({ links: 80_000 })) }),
  storm: async ({ seed, clients, engine }) => ({
    seed,
    engine: clusterOf(engine)?.engine ?? 'memory',
    ...(await runStorm({
      cluster: clusterOf(engine),
      clients,
      rounds: 10,
      channelsEach: 5,
      publishEveryMs: 400,
      restMs: 10_500,
    })),
  }),
  fuzz,
  answers,
  presence: async ({ seed, engine, minutes, killsPerMinute, say }) => ({
    ...(await runPresence({
      seed,
      engine: serverOf(engine, seed),
      minutes,
      users: 500,
      killsPerMinute,
      say,
    })),
  }),
  sse,
};

/** Three nodes where the engine is one that they can share; else one node, in memory. */
function clusterOf(engine: SoakEngine): StormOptions['cluster'] {
  return engine === 'redis' || engine === 'postgres' ? { engine, nodes: 3 } : undefined;
}

function serverOf(engine: SoakEngine, seed: number): 'redis' | 'postgres' {
  if (engine === 'redis' || engine === 'postgres') return engine;
  return createSeededRandom(seed).pick(['redis', 'postgres'] as const);
}

async function chaos(options: ProgramOptions): Promise<RunResult> {
  const { seed, minutes, clients, channels, publishEveryMs, killsPerMinute, say } = options;
  const engine =
    options.engine === 'memory' || options.engine === 'pglite'
      ? options.engine
      : createSeededRandom(seed).pick(['memory', 'pglite'] as const);
  const chromium = options.hasPage ? await openChromium() : undefined;
  try {
    return {
      ...(await runChaos({
        seed,
        engine,
        durationMs: minutes * 60_000,
        clients,
        channels,
        publishEveryMs,
        kills: Math.round(minutes * killsPerMinute),
        onProgress: say,
        ...(chromium === undefined ? {} : { chromium }),
      })),
    };
  } finally {
    await chromium?.close();
  }
}

async function answers({ seed, engine, hasPage, say }: ProgramOptions): Promise<RunResult> {
  const chromium = hasPage ? await openChromium() : null;
  try {
    return { ...(await runAnswers({ seed, engine: serverOf(engine, seed), chromium, say })) };
  } finally {
    await chromium?.close();
  }
}

/** Until the time is up, each round with the next seed. */
async function fuzz({ seed, minutes, say }: ProgramOptions): Promise<RunResult> {
  const endsAt = Date.now() + minutes * 60_000;
  let sent = 0;
  for (let round = 0; Date.now() < endsAt; round += 1) {
    try {
      const report = await runFuzz({ seed: seed + round, runs: 1_000 });
      sent += report.sent;
      say(JSON.stringify(report));
    } catch (thrown) {
      return { seed: seed + round, sent, problems: [String(thrown)] };
    }
  }
  return { seed, sent, problems: [] };
}

async function sse({ seed }: ProgramOptions): Promise<RunResult> {
  const count = 10_000;
  const any = fc.sample(anyStream, { numRuns: count, seed });
  const encoded = fc.sample(encodedStream, { numRuns: count, seed });
  const chromium = await openChromium();
  const problems: string[] = [];
  const compare = (what: string, left: unknown, right: unknown): void => {
    if (JSON.stringify(left) !== JSON.stringify(right)) problems.push(what);
  };
  const told = await readInChromium(chromium, any);
  for (const [index, chunks] of any.entries()) {
    if (hasUnreadIds(chunks)) continue;
    compare(`seed ${seed}, any stream ${index}`, readAsClient(chunks), told[index]);
  }
  const chunks = encoded.map((one) => one.chunks);
  const read = await readInChromium(chromium, chunks);
  for (const [index, { means }] of encoded.entries()) {
    compare(`seed ${seed}, encoded stream ${index}`, read[index], means);
  }
  await chromium.close();
  return { seed, streams: count * 2, problems };
}
