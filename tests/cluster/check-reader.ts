// One reader's record of one channel against the truth: each event the next one, each hole told before it, each state
// the fold of what stands before it, and at the end the head. Pure. Rules: EVT-1, SUB-2 … SUB-5a, CUR-4.

import type { ProbeKind, Tally } from '../e2e/probe/contract.ts';
import type { RecordEntry } from '../e2e/probe/recorder.ts';
import { type Place, type Truth, text } from './truth.ts';

export interface ReaderExpectation {
  readonly kind: ProbeKind;
  readonly truth: Truth;
  /** Where the channel stands at the end. */
  readonly head: Place;
  /** Some fault may have taken what was acknowledged. */
  readonly mayLose: boolean;
  /** Two servers may both have believed to be the master: a reader may be told of the one before once more. */
  readonly mayReturn: boolean;
  /** Told at each state, so that readers can be compared: returns what is wrong with it. */
  readonly agree: (place: Place, tally: string) => string | null;
}

export interface ReaderFindings {
  readonly problems: readonly string[];
  /** States that nobody could compare. */
  readonly onTrust: number;
}

type Told<Kind extends RecordEntry['kind']> = Extract<RecordEntry, { kind: Kind }>;

export function checkReader(
  entries: readonly RecordEntry[],
  { kind, truth, head, mayLose, mayReturn, agree }: ReaderExpectation,
): ReaderFindings {
  const hasState = kind === 'tallied' || kind === 'paced';
  const problems: string[] = [];
  const left = new Set<string>();
  let onTrust = 0;
  let place: Place | null = null;
  let stated: Place | null = null;

  function move(next: Place): void {
    if (place !== null && place.epoch !== next.epoch) {
      left.add(place.epoch);
      if (left.has(next.epoch) && !mayReturn)
        problems.push(`${text(next)} is of an epoch that is over`);
    }
    place = next;
  }

  function checkTally(at: Place, told: Tally, what: string): void {
    const words = tallyText(told);
    const disagreement = agree(at, words);
    if (disagreement !== null) problems.push(`${what} at ${text(at)} is ${words}, ${disagreement}`);
    const fold = truth.fold(at);
    if (fold !== undefined && tallyText(fold.tally) === words) return;
    if (fold === undefined || (fold.isInherited && mayLose)) onTrust += 1;
    else problems.push(`${what} at ${text(at)} is ${words}, not ${tallyText(fold.tally)}`);
  }

  function takeVerdict(entry: Told<'verdict'>): void {
    const { verdict, epoch, offset, reason, state } = entry;
    if (epoch === null || offset === null) {
      problems.push(`refused: ${verdict} (${reason})`);
      return;
    }
    const next = { epoch, offset };
    if (verdict === 'exact') {
      if (place === null) {
        if (hasState) problems.push(`exact at ${text(next)} to begin with, where there is state`);
        move(next);
      } else if (epoch !== place.epoch || offset > place.offset) {
        problems.push(`exact at ${text(next)}, but it had received up to ${text(place)}`);
        move(next);
      }
      // A link that was opened while the old one still delivered is answered at an older place.
      return;
    }
    if (verdict === 'snapshot') {
      if (!hasState || state === null) problems.push(`a snapshot at ${text(next)}, without state`);
      else checkTally(next, state, 'the snapshot');
    } else if (hasState) {
      problems.push(`a gap at ${text(next)}, where there is state`);
    } else if (reason === 'trimmed' && kind !== 'short') {
      problems.push(`trimmed at ${text(next)}, where all is kept`);
    } else if (reason !== 'trimmed' && kind === 'plain' && offset !== 0) {
      problems.push(`${reason}, but it goes on at ${text(next)} and not with what is kept`);
    }
    if (place !== null && epoch === place.epoch) {
      if (offset <= place.offset && (verdict === 'snapshot' || reason === 'trimmed')) {
        problems.push(`${verdict} at ${text(next)}, but it had received up to ${text(place)}`);
      }
      if (reason === 'restarted') problems.push(`restarted at ${text(next)}, in the same epoch`);
    }
    move(next);
  }

  function takeEvent(entry: Told<'event'>): void {
    if (kind === 'paced') problems.push(`the event ${text(entry)}, where states are delivered`);
    if (place === null) problems.push(`${text(entry)} came before any verdict`);
    else if (entry.epoch !== place.epoch || entry.offset !== place.offset + 1) {
      problems.push(`${text(entry)} came after ${text(place)}`);
    }
    move({ epoch: entry.epoch, offset: entry.offset });
  }

  for (const entry of entries) {
    if (entry.kind === 'verdict') takeVerdict(entry);
    if (entry.kind === 'event') takeEvent(entry);
    if (entry.kind === 'state') {
      if (place === null || text(entry) !== text(place)) {
        problems.push(`a state at ${text(entry)}, but it had received up to ${told(place)}`);
      }
      checkTally(entry, entry.state, 'the state');
      stated = { epoch: entry.epoch, offset: entry.offset };
    }
    if (problems.length >= 10) return { problems, onTrust };
  }
  if (told(place) !== text(head)) {
    problems.push(`it ends at ${told(place)}, the channel at ${text(head)}`);
  }
  if (hasState && head.offset > 0 && told(stated) !== text(head)) {
    problems.push(`its state ends at ${told(stated)}, the channel at ${text(head)}`);
  }
  return { problems, onTrust };
}

function told(place: Place | null): string {
  return place === null ? 'nothing' : text(place);
}

function tallyText({ count, sum, last, hash }: Tally): string {
  return `${count} events, sum ${sum}, last ${last.join(' ')}, hash ${hash}`;
}
