// The conformance cases of engines, as data: LOG-1 … LOG-8a, LOG-10, LOG-12 … LOG-14 and BUS-1, for every engine that wants to be one.
// Refuses to own: starting an engine, and a test runner. LOG-11 (a killed process) needs a process to kill, so each
// engine proves it on its own.
//
// A runner gives each case a fresh, empty engine and closes it afterwards; a case that `needs` what the engine's
// capabilities deny is skipped by name.

import { appendCases } from './engine-cases/append-cases.ts';
import { busCases } from './engine-cases/bus-cases.ts';
import { compactCases } from './engine-cases/compact-cases.ts';
import type { EngineCase } from './engine-cases/engine-case.ts';
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
