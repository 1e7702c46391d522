// Our server and the load client together, short and small: whether the bench measures what it says.

import { execFileSync } from 'node:child_process';
import { describe, expect, type TestContext, test } from 'vitest';
import { findCompiler } from './compile.ts';
import { type ContestantName, contestants } from './contestants.ts';
import { type Load, loadArguments } from './load-arguments.ts';
import { type LoadLine, linesOf, lossesOf, parseLoadLines } from './load-lines.ts';
import { runLoad, serve } from './serve.ts';

function needs(context: TestContext): void {
  if (process.platform !== 'linux') context.skip('capability epoll: the load client needs Linux');
  if (findCompiler() === null) context.skip('capability compiler: there is no cc, gcc or clang');
  try {
    execFileSync('taskset', ['-c', '0,1', 'true']);
  } catch {
    context.skip('capability cores: there are not two to pin to');
  }
}

async function measure(name: ContestantName, load: Load): Promise<LoadLine[]> {
  await using served = await serve(name);
  const speech = contestants[name].speech(load.channelsEach ?? 1);
  return parseLoadLines(await runLoad(loadArguments(speech, load, served)));
}

describe('the load client', () => {
  test.for(['millrace-ws', 'millrace-sse', 'millrace-plain', 'limit-ws'] as const)(
    'reads all that %s delivers',
    async (name, context) => {
      needs(context);
      const lines = await measure(name, {
        connections: 20,
        warmupSeconds: 0.2,
        phases: ['rate:200:0.5', 'max:0.5:8'],
      });
      expect(linesOf(lines, 'connect')).toMatchObject([{ live: 20 }]);
      expect(linesOf(lines, 'rate')[0]?.deliveries).toBeGreaterThan(500);
      expect(linesOf(lines, 'max')[0]?.deliveries).toBeGreaterThan(500);
      expect(lossesOf(lines)).toBe(0);
    },
  );

  test('answers a wave of polls and parks them again', async (context) => {
    needs(context);
    const lines = await measure('millrace-poll', { connections: 20, phases: ['wave', 'wave'] });
    expect(linesOf(lines, 'wave').map(({ answered }) => answered)).toEqual([20, 20]);
    expect(lossesOf(lines)).toBe(0);
  });

  test('comes back after a cut with all that was missed', async (context) => {
    needs(context);
    const lines = await measure('millrace-ws', {
      connections: 20,
      channels: 3,
      channelsEach: 3,
      missed: 2,
      phases: ['storm', 'storm'],
    });
    expect(linesOf(lines, 'storm').map(({ caughtUp }) => caughtUp)).toEqual([120, 120]);
    expect(linesOf(lines, 'storm').map(({ toldGaps }) => toldGaps)).toEqual([0, 0]);
    expect(lossesOf(lines)).toBe(0);
  });
});
