// Entry of `npm test`: runs the steps one after the other, shows the output of those that failed,
// and ends with the sum on a line of its own.
//
//   npm test                          everything
//   npm test -- --only unit,lint      the steps whose names contain one of these words
//   npm test -- --only check         all but the tests
//   npm test -- --only unit hub       and of their tests those in files whose path contains "hub"
import { parseArgs } from 'node:util';
import type { Outcome, Step } from './lib/step.ts';
import { verdict } from './lib/step.ts';
import type { SkippedTest } from './lib/vitest-report.ts';
import { listSteps } from './steps.ts';

/** CI gives a run 15 minutes; what is not done by then is a failure that says so. */
const totalMs = 14.5 * 60_000;
const shownLines = 200;
/** Tests that were only slow at first. A shared machine has a few; more are something that became slow. */
const mostRepeated = 8;
const isCi = process.env['CI'] !== undefined && process.env['CI'] !== 'false';

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { only: { type: 'string', multiple: true } },
    allowPositionals: true,
  });
  const words = values.only?.flatMap((word) => word.split(',')) ?? [];
  const say = (line: string): void => console.log(`\n  ${line}`);
  const steps = listSteps(positionals, say).filter(
    ({ name, kind }) =>
      words.length === 0 || words.some((word) => kind === word || name.includes(word)),
  );
  if (steps.length === 0) throw new Error(`no step is called ${words.join(' or ')}`);

  const deadline = Date.now() + totalMs;
  const sum = { passed: 0, failed: 0 };
  for (const step of steps) {
    const { passed, failed } = await runStep(step, deadline);
    sum.passed += passed;
    sum.failed += failed;
  }
  console.log(`\n${sum.passed} passed, ${sum.failed} failed`);
  process.exitCode = sum.failed === 0 ? 0 : 1;
}

async function runStep(step: Step, deadline: number): Promise<{ passed: number; failed: number }> {
  const began = Date.now();
  process.stdout.write(`${step.name.padEnd(30)} `);
  const outcome = await attempt(step, deadline - began);
  const unexcused = isCi ? outcome.skipped.filter((test) => !isExcused(test)) : [];
  const isSlow = isCi && outcome.repeated.length > mostRepeated;
  const failed = outcome.failed + unexcused.length + (isSlow ? 1 : 0);
  const seconds = `${((Date.now() - began) / 1000).toFixed(1)} s`.padStart(8);
  console.log(`${seconds}  ${describe(outcome, failed)}`);
  for (const test of outcome.skipped) {
    console.log(`  SKIPPED ${test.title}: ${test.reason ?? 'it gives no reason'}`);
  }
  for (const title of outcome.repeated) console.log(`  SLOW AT FIRST ${title}`);
  if (isSlow)
    console.log(`\nMore than ${mostRepeated} tests were slow at first: that is one failure.`);
  if (outcome.failed > 0) console.log(`\n${shorten(outcome.output.trim())}\n`);
  return { passed: outcome.passed, failed };
}

async function attempt(step: Step, remainingMs: number): Promise<Outcome> {
  if (remainingMs <= 0) return verdict(false, 'not run: the time for all steps is used up');
  try {
    return await step.run(Math.min(step.timeoutMs, remainingMs));
  } catch (error) {
    return verdict(false, error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}

/** A missing file upstream can make thousands of lines downstream; both ends tell the most. */
function shorten(output: string): string {
  const lines = output.split('\n');
  if (lines.length <= 2 * shownLines) return output;
  const left = `… ${lines.length - 2 * shownLines} lines left out …`;
  return [...lines.slice(0, shownLines), left, ...lines.slice(-shownLines)].join('\n');
}

/** Only what an implementation declares not to have excuses a skip; what could be installed does not. */
function isExcused({ reason }: SkippedTest): boolean {
  return reason !== undefined && /^capability [\w-]+: /.test(reason);
}

function describe({ passed, skipped }: Outcome, failed: number): string {
  const parts = [failed > 0 ? `${failed} FAILED` : 'fine'];
  if (passed + failed > 1) parts.push(`${passed} passed`);
  if (skipped.length > 0) parts.push(`${skipped.length} skipped`);
  return parts.join(', ');
}

await main();
