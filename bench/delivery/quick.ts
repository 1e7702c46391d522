// One line per server, in a few seconds, for whoever works on the path from publish to socket:
//
//   node scripts/bootstrap.mjs run bench/delivery/quick.ts ws 1000 1
//   … quick.ts sse 1000 8 --seconds 3 --rounds 2 --servers millrace-sse,sse-naive
//
// Takes the transport (ws or sse), the readers, the burst. What counts is the ratio within one round.

import { parseArgs } from 'node:util';
import { median } from '../lib/statistics.ts';
import { type ContestantName, contestants } from './contestants.ts';
import { loadArguments } from './load-arguments.ts';
import { linesOf, lossesOf, parseLoadLines } from './load-lines.ts';
import { prepare } from './prepare.ts';
import { runLoad, serve } from './serve.ts';

const { values, positionals } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '1' },
    channels: { type: 'string', default: '1' },
    servers: { type: 'string' },
  },
  allowPositionals: true,
});
const [transport = 'ws', readers = '1000', burst = '1'] = positionals;
const usual = [`limit-${transport}`, `${transport}-naive`, `millrace-${transport}`];
const wanted = (values.servers?.split(',') ?? usual).map(checkName);
const absent = prepare(wanted);
for (const [name, why] of absent) console.log(`${name}: ${why}`);
const names = wanted.filter((name) => !absent.has(name));

const perCpuS = new Map<ContestantName, number[]>(names.map((name) => [name, []]));
for (let round = 1; round <= Number(values.rounds); round += 1) {
  for (const name of names) {
    const line = await measure(name);
    perCpuS.get(name)?.push(line.perServerCpuS);
    console.log(
      [
        name.padEnd(22),
        `${(line.perServerCpuS / 1_000).toFixed(0).padStart(6)} k/CPU-s`,
        ...ratios(name, round - 1),
        `${(line.perSecond / 1_000).toFixed(0).padStart(6)} k/s`,
        `server ${line.serverCpuPercent.toFixed(0)} %`,
        `load ${line.loadCpuPercent.toFixed(0)} %`,
        `other ${line.otherCpu.toFixed(2)}`,
        `p99 ${(line.p99Us / 1_000).toFixed(1)} ms`,
        `losses ${line.losses}`,
      ].join('  '),
    );
  }
}
if (Number(values.rounds) > 1) {
  for (const name of names) console.log(`median  ${name.padEnd(22)}${medianRatios(name)}`);
}
process.exit();

async function measure(name: ContestantName) {
  await using served = await serve(name);
  const load = {
    connections: Number(readers),
    channels: Number(values.channels),
    phases: [`max:${values.seconds}:${burst}`],
    warmupSeconds: 0.7,
  };
  const lines = parseLoadLines(
    await runLoad(loadArguments(contestants[name].speech(1), load, served)),
  );
  const [line] = linesOf(lines, 'max');
  if (line === undefined) throw new Error('the load client measured nothing');
  return { ...line, losses: lossesOf(lines) };
}

/** To the naive loop and to the limit, where they were measured in the same round. */
function ratios(name: ContestantName, round: number): string[] {
  const own = perCpuS.get(name)?.[round] ?? Number.NaN;
  return [`${transport}-naive`, `limit-${transport}`].flatMap((anchor) => {
    const other = perCpuS.get(checkName(anchor))?.[round];
    return other === undefined || anchor === name
      ? []
      : [`${(own / other).toFixed(2)} × ${anchor}`];
  });
}

function medianRatios(name: ContestantName): string {
  const own = perCpuS.get(name) ?? [];
  return [`${transport}-naive`, `limit-${transport}`]
    .flatMap((anchor) => {
      const others = perCpuS.get(checkName(anchor));
      if (others === undefined || anchor === name) return [];
      const each = own.map((value, round) => value / (others[round] ?? Number.NaN));
      return [`${median(each).toFixed(2)} × ${anchor}`];
    })
    .join('  ');
}

function checkName(name: string): ContestantName {
  for (const known of Object.keys(contestants)) if (known === name) return known as ContestantName;
  throw new Error(`no server is called ${name}: ${Object.keys(contestants).join(', ')}`);
}
