// Gets ready what some servers of a bench need, and tells which cannot take part and why: a bench without Bun or
// nginx is still a bench.

import { type ContestantName, contestants } from './contestants.ts';
import { prepareNchan } from './nchan.ts';
import { installPeers, missingBun } from './peer-packages.ts';
import { checkPinning } from './serve.ts';

/** The project itself has `ws`. */
const needsPackages: readonly ContestantName[] = ['socketio', 'better-sse', 'bun'];

/** Name and reason of those that are absent. */
export function prepare(names: readonly ContestantName[]): Map<ContestantName, string> {
  checkPinning();
  if (names.some((name) => needsPackages.includes(name))) installPeers();
  const absent = new Map<ContestantName, string>();
  const reasons = new Map<string, string | null>();
  for (const name of names) {
    const { by } = contestants[name].runs;
    if (by !== 'bun' && by !== 'nchan') continue;
    const known = reasons.get(by);
    const reason = known === undefined ? (by === 'bun' ? missingBun() : prepareNchan()) : known;
    reasons.set(by, reason);
    if (reason !== null) absent.set(name, reason);
  }
  return absent;
}
