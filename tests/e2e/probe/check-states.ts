// Compares what one client told its application of a channel with state with what was published: each state is the
// fold of all events up to its place, each event the next one, no state goes back, and the last one is the newest.
// Pure. Returns the problems in words, at most ten: after the first slip everything is wrong.

import { headOf, type Place, type Published, text } from './check-record.ts';
import { countTick, emptyTally, type Tally } from './contract.ts';
import type { RecordEntry } from './recorder.ts';

export interface StateExpectation {
  /** The channel's name. */
  readonly channel: string;
  /** Everything that was accepted; epochs in the order in which they followed each other. */
  readonly published: readonly Published[];
  readonly deliver: 'events' | 'state';
  /** A publish may have been accepted as its epoch's last and its answer lost for good: then its number is taken on trust. */
  readonly hasLostAnswers?: boolean;
}

type Told<Kind extends RecordEntry['kind']> = Extract<RecordEntry, { kind: Kind }>;

export function checkStates(
  entries: readonly RecordEntry[],
  { channel, published, deliver, hasLostAnswers = false }: StateExpectation,
): readonly string[] {
  const truth = createTruth(published, hasLostAnswers);
  const problems: string[] = [];
  /** Epochs that the reader has left: they are over. */
  const left = new Set<string>();
  /** Up to where it has been told everything, by events or by a snapshot in their place. */
  let place: Place | null = null;
  /** Of the last state. */
  let stated: Place | null = null;

  function takeVerdict(entry: Told<'verdict'>): void {
    const { verdict, epoch, offset, state } = entry;
    if (verdict !== 'snapshot' || epoch === null || offset === null || state === null) {
      problems.push(`an unexpected verdict: ${verdict} at ${epoch}.${offset} (${entry.reason})`);
      return;
    }
    const next = { epoch, offset };
    if (place?.epoch === epoch && offset <= place.offset) {
      problems.push(`a snapshot at ${text(next)}, but it had received up to ${text(place)}`);
    }
    if (left.has(epoch)) problems.push(`a snapshot at ${text(next)}, of an epoch that is over`);
    if (place !== null && place.epoch !== epoch) left.add(place.epoch);
    problems.push(...truth.ofState(next, state, 'the snapshot'));
    place = next;
  }

  function takeEvent(entry: Told<'event'>): void {
    if (deliver === 'state') problems.push(`the event ${text(entry)}, where states are delivered`);
    if (place === null) problems.push(`${text(entry)} came before any snapshot`);
    else if (entry.epoch !== place.epoch || entry.offset !== place.offset + 1) {
      problems.push(`${text(entry)} came after ${text(place)}`);
    }
    problems.push(...truth.ofEvent(entry, entry.n));
    place = { epoch: entry.epoch, offset: entry.offset };
  }

  function takeState(entry: Told<'state'>): void {
    if (place === null || text(entry) !== text(place)) {
      problems.push(`a state at ${text(entry)}, but it had received up to ${place && text(place)}`);
    }
    problems.push(...truth.ofState(entry, entry.state, 'the state'));
    stated = { epoch: entry.epoch, offset: entry.offset };
  }

  for (const entry of entries) {
    if (!('channel' in entry) || entry.channel !== channel) continue;
    if (entry.kind === 'verdict') takeVerdict(entry);
    if (entry.kind === 'event') takeEvent(entry);
    if (entry.kind === 'state') takeState(entry);
    if (problems.length >= 10) return problems;
  }
  const head = headOf(published);
  for (const [what, at] of [
    ['it', place],
    ['its state', stated],
  ] as const) {
    if (head !== null && (at === null || text(at) !== text(head))) {
      problems.push(`${what} ends at ${at && text(at)}, the channel at ${text(head)}`);
    }
  }
  return problems;
}

interface Truth {
  ofState(at: Place, told: Tally, what: string): readonly string[];
  ofEvent(at: Place, n: number): readonly string[];
}

/** What holds at each place, by folding everything that was published once. */
function createTruth(published: readonly Published[], hasLostAnswers: boolean): Truth {
  const accepted = new Map(published.map((one) => [text(one), one.n]));
  const numbers = new Set(accepted.values());
  const folds = new Map<string, Tally>();
  for (const one of published.toSorted((a, b) => a.offset - b.offset)) {
    const before = foldAt({ epoch: one.epoch, offset: one.offset - 1 });
    if (before !== undefined) folds.set(text(one), countTick(before, one.n));
  }

  function foldAt(at: Place): Tally | undefined {
    return at.offset === 0 ? emptyTally : folds.get(text(at));
  }

  /** With the one whose answer was lost, as the reader tells its number: it was published again in another epoch. */
  function foldWithLost({ epoch, offset }: Place, n: number | undefined): Tally | undefined {
    const before = foldAt({ epoch, offset: offset - 1 });
    const isLost = hasLostAnswers && before !== undefined && n !== undefined && numbers.has(n);
    return isLost ? countTick(before, n) : undefined;
  }

  return {
    ofState(at, told, what) {
      const expected = foldAt(at) ?? foldWithLost(at, told.last.at(-1));
      if (expected !== undefined && tallyText(told) === tallyText(expected)) return [];
      return [
        `${what} at ${text(at)} is ${tallyText(told)}, not ${expected && tallyText(expected)}`,
      ];
    },
    ofEvent(at, n) {
      const expected = accepted.get(text(at));
      if (n === expected) return [];
      if (expected === undefined && foldWithLost(at, n) !== undefined) return [];
      return [`${text(at)} is n=${n}, published was n=${expected}`];
    },
  };
}

function tallyText({ count, sum, last, hash }: Tally): string {
  return `${count} events, sum ${sum}, last ${last.join(' ')}, hash ${hash}`;
}
