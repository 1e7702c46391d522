// Runs a load against several servers in interleaved rounds: what the machine does meanwhile then falls on all
// of them, and a ratio within a round is worth something where the figures alone are not.

import { type ContestantName, contestants } from './contestants.ts';
import { type Load, loadArguments } from './load-arguments.ts';
import { type LoadLine, lossesOf, parseLoadLines } from './load-lines.ts';
import { prepare } from './prepare.ts';
import { runLoad, serve } from './serve.ts';

/** For each server what was printed in each round. */
export type Lines = ReadonlyMap<ContestantName, readonly (readonly LoadLine[])[]>;

export interface Measured {
  readonly lines: Lines;
  /** Who could not take part and why, what was lost, how busy the machine was otherwise. */
  readonly notes: readonly string[];
}

export interface Rounds {
  readonly names: readonly ContestantName[];
  readonly rounds: number;
  readonly load: Load;
}

export async function measureRounds({ names, rounds, load }: Rounds): Promise<Measured> {
  const absent = prepare(names);
  const present = names.filter((name) => !absent.has(name));
  const lines = new Map<ContestantName, LoadLine[][]>(present.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const name of present) lines.get(name)?.push(await measureOne(name, load));
  }
  return {
    lines,
    notes: [
      ...[...absent].map(([name, why]) => `${contestants[name].label} did not take part: ${why}.`),
      ...notesOf([...lines.values()].flat(2)),
    ],
  };
}

async function measureOne(name: ContestantName, load: Load): Promise<LoadLine[]> {
  await using served = await serve(name);
  const speech = contestants[name].speech(load.channelsEach ?? 1);
  return parseLoadLines(await runLoad(loadArguments(speech, load, served)));
}

function notesOf(lines: readonly LoadLine[]): string[] {
  const windows = lines.filter((line) => 'otherCpu' in line);
  const others = windows.map(({ otherCpu }) => otherCpu);
  const deliveries = windows.reduce((sum, line) => sum + line.deliveries, 0);
  const counted =
    windows.length === 0
      ? []
      : [
          `${windows.length} windows, ${(deliveries / 1e6).toFixed(0)} million deliveries; others used up to ${Math.max(...others).toFixed(2)} cores during one.`,
        ];
  const losses = lossesOf(lines);
  return losses === 0
    ? counted
    : [...counted, `Gaps, duplicates, reorderings and closed connections, all servers: ${losses}.`];
}
