// One channel's log at the end against what was acknowledged: nothing that was answered after the last loss is missing,
// and there are no more epochs than there were reasons for one. Pure. Rules: LOG-2, LOG-15, REDIS-1.

import type { ChannelLog } from './fleet.ts';
import type { Acknowledged } from './publishers.ts';
import { type Truth, text } from './truth.ts';

export interface ChannelExpectation {
  readonly acknowledged: readonly Acknowledged[];
  readonly log: ChannelLog;
  readonly truth: Truth;
  /** All events are kept. */
  readonly keepsAll: boolean;
  /** When the last fault was over that may have taken something, ms since 1970; 0 when there was none. */
  readonly lossUntilMs: number;
  /** Other epochs that the faults may have brought, at most. */
  readonly newEpochs: number;
}

export function checkChannel(expectation: ChannelExpectation): readonly string[] {
  const { acknowledged, log, truth, keepsAll, lossUntilMs, newEpochs } = expectation;
  const problems: string[] = [...truth.problems];
  const kept = new Map(log.entries.map(([offset, n]) => [n, offset]));
  const first = log.entries[0]?.[0] ?? log.head + 1;
  for (const [index, [offset]] of log.entries.entries()) {
    if (offset !== first + index) problems.push(`the log has a hole before ${offset}`);
  }
  if (keepsAll && first !== 1) problems.push(`the log begins at ${first}, where all is kept`);
  if (truth.epochs.length > 1 + newEpochs) {
    problems.push(`${truth.epochs.length} epochs, where ${1 + newEpochs} have a reason`);
  }
  for (const one of acknowledged) {
    if (one.epoch !== log.epoch && one.sentAtMs <= lossUntilMs) continue;
    // Trimmed meanwhile, and told of by the readers alone.
    if (!keepsAll && one.offset < first) continue;
    const at = kept.get(one.n);
    if (at === one.offset) continue;
    problems.push(
      `n=${one.n} was acknowledged at ${text(one)}, in the log it is ${at === undefined ? 'not' : `at ${log.epoch}.${at}`}`,
    );
    if (problems.length >= 10) break;
  }
  return problems;
}
