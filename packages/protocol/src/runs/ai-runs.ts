// The contract of AI runs.

import { type Contract, defineChannel } from '../contract.ts';
import { foldRun } from './fold-run.ts';
import { type RunEventSchemas, runEvents } from './run-events.ts';
import { EMPTY_RUN, type RunState } from './run-state.ts';

/**
 * The channel `ai_run:<runId>` of one AI run. Its only producer is who owns the run; its state is the whole message,
 * so a late viewer gets that and the tail. Ended behind `run-end`; kept for a day, the message itself is the database's.
 */
export const aiRuns: Contract<'runId', RunEventSchemas, RunState> = defineChannel({
  type: 'ai_run',
  params: ['runId'],
  events: runEvents,
  state: { initial: EMPTY_RUN, reduce: foldRun },
  history: { size: 2_000, maxAgeMs: 24 * 60 * 60 * 1_000 },
});
