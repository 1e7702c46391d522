// Runs the checks one after the other and gathers what they found. Refuses to own: printing (main.ts).

import type { Check, CheckedOutcome, Examination } from './check.ts';
import { fail } from './check.ts';
import { crossOrigin } from './checks/cross-origin.ts';
import { liveTransport } from './checks/live-transport.ts';
import { messageGeneration } from './checks/message-generation.ts';
import { messagePolling } from './checks/message-polling.ts';
import { reachable } from './checks/reachable.ts';
import { sseConnection } from './checks/sse-connection.ts';
import { whyNot } from './request.ts';

export const CHECKS: readonly Check[] = [
  reachable,
  sseConnection,
  liveTransport('websocket'),
  liveTransport('sse'),
  liveTransport('poll'),
  messagePolling,
  messageGeneration,
  crossOrigin,
];

/** Stops after the first check when nothing answers at all: the rest would say the same eight times. */
export async function examine(
  examination: Examination,
  checks: readonly Check[] = CHECKS,
): Promise<readonly CheckedOutcome[]> {
  const outcomes: CheckedOutcome[] = [];
  for (const check of checks) {
    const outcome = await runOne(check, examination);
    outcomes.push({ name: check.name, outcome });
    if (check === reachable && outcome.result === 'FAIL') break;
  }
  return outcomes;
}

async function runOne(check: Check, examination: Examination): Promise<CheckedOutcome['outcome']> {
  try {
    return await check.run(examination);
  } catch (error) {
    return fail(
      `The check itself failed: ${whyNot(error)}.`,
      'Run it again; if it stays, report it.',
    );
  }
}

/** `PASS | SSE Connection`, with what to do under a FAIL. */
export function summarize(outcomes: readonly CheckedOutcome[]): string {
  return outcomes
    .map(({ name, outcome }) => {
      switch (outcome.result) {
        case 'PASS':
          return `PASS | ${name} (${outcome.note})`;
        case 'SKIP':
          return `SKIP | ${name} (${outcome.why})`;
        case 'FAIL':
          return `FAIL | ${name}\n       ${outcome.problem}\n       What to do: ${outcome.fix}`;
      }
    })
    .join('\n');
}
