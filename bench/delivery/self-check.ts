// Shows that the load client is not the bottleneck of the delivery benches, and that it sees what goes wrong:
//
//   node scripts/bootstrap.mjs run bench/delivery/self-check.ts
//
// (1) What it can take: the kernel-limit server sends it bursts, which cost that server next to nothing. It must
//     take at least twice what the fastest window of the benches brings.
// (2) Whether its figure is the server's: with half of the server's readers, and so half of its own work, a
//     delivery must cost the server the same.
// (3) What it sees: of faults made on purpose it must count each one.
//
// Exits with 1 when one of them does not hold.

import { contestants } from './contestants.ts';
import { type Load, loadArguments } from './load-arguments.ts';
import { type DeliveryLine, linesOf, parseLoadLines } from './load-lines.ts';
import { runLoad, serve } from './serve.ts';

/** Deliveries a second; the fastest server of the benches stays below half of it. */
const mustTake = 2_500_000;
const faultEvery = 1_000;

const big = await measure({ connections: 1_000, phases: ['max:3:64'] });
console.log(
  `takes ${text(big.perSecond)} deliveries a second, joined 64 to a write; ${text(big.perLoadCpuS)} for a second of its CPU`,
);

const many = await measure({ connections: 1_000, phases: ['max:3:1'] });
const few = await measure({ connections: 500, phases: ['max:3:1'] });
const change = few.perServerCpuS / many.perServerCpuS;
console.log(
  `single messages: ${text(many.perServerCpuS)} for a second of the server's CPU with 1,000 readers, ${text(few.perServerCpuS)} with 500 (× ${change.toFixed(2)}); the client reads ${many.messagesPerRead.toFixed(2)} at a time and takes ${text(many.perLoadCpuS)} for a second of its own`,
);

const faulty = await measure({ connections: 10, phases: ['max:2:8'] }, faultEvery);
const expected = faulty.deliveries / faultEvery;
const seen = [faulty.gaps, faulty.duplicates, faulty.reordered];
console.log(`made ${text(expected)} faults of each kind, saw ${seen.map(text).join(', ')}`);

const problems = [
  ...(big.perSecond >= mustTake ? [] : ['it takes too little']),
  ...(change > 0.75 && change < 1.35 ? [] : ['its own load changes the figure of the server']),
  // Counting goes on for a moment after the window.
  ...(seen.every((count) => count >= expected * 0.9) ? [] : ['it overlooks faults']),
];
for (const problem of problems) console.error(`The load client fails its check: ${problem}.`);
process.exit(problems.length === 0 ? 0 : 1);

async function measure(load: Load, faults?: number): Promise<DeliveryLine> {
  await using served = await serve('limit-ws');
  const args = loadArguments(contestants['limit-ws'].speech(1), load, served);
  const printed = await runLoad(faults === undefined ? args : [...args, '--faults', `${faults}`]);
  const [line] = linesOf(parseLoadLines(printed), 'max');
  if (line === undefined) throw new Error('the load client measured nothing');
  return line;
}

function text(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
