// The conformance cases of engines, as data: LOG-1 … LOG-8a, LOG-10, LOG-12 … LOG-14a, BUS-1 and BUS-2, for every engine that wants to be one.
// Refuses to own: starting an engine, and a test runner. LOG-11 (a killed process) needs a process to kill, so each
// engine proves it on its own.
//
// No case depends on another, and none on what comes after: each may run alone, and in any order.

import { appendCases } from './engine-cases/append-cases.ts';
import { busCases } from './engine-cases/bus-cases.ts';
import { compactCases } from './engine-cases/compact-cases.ts';
import type { EngineCase, EngineSubject } from './engine-cases/engine-case.ts';
import { expectCases } from './engine-cases/expect-cases.ts';
import { forgetCases } from './engine-cases/forget-cases.ts';
import { keyCases } from './engine-cases/key-cases.ts';
import { producerCases } from './engine-cases/producer-cases.ts';
import { readCases } from './engine-cases/read-cases.ts';
import { retryCases } from './engine-cases/retry-cases.ts';
import { watchCases } from './engine-cases/watch-cases.ts';

export type { EngineCase, EngineSubject } from './engine-cases/engine-case.ts';

export const engineCases: readonly EngineCase[] = [
  ...appendCases,
  ...readCases,
  ...keyCases,
  ...producerCases,
  ...expectCases,
  ...retryCases,
  ...forgetCases,
  ...watchCases,
  ...compactCases,
  ...busCases,
];

/**
 * Runs one case on a subject of its own, in any test runner, and cleans up whether the case held or not: it closes the
 * engine (twice closed is fine), then disposes of the subject. Rejects with what did not hold. Resolves with null, or
 * with the reason where the engine's capabilities lack what the case needs: give it to your runner's skip.
 */
export async function runEngineCase(
  { needs, run }: EngineCase,
  open: () => EngineSubject | Promise<EngineSubject>,
): Promise<string | null> {
  const subject = await open();
  const { engine } = subject;
  try {
    if (needs !== undefined && engine.capabilities[needs] !== true) {
      return `capability ${needs}: ${engine.capabilities.name} does not declare it`;
    }
    await run({ engine });
    return null;
  } finally {
    await engine.close();
    await subject[Symbol.asyncDispose]?.();
  }
}
