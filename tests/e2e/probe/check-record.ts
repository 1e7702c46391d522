// Compares what one client told its application with what was published: every event once, in
// order, unchanged, to the last one, and no hole that a verdict did not announce. Pure. Returns the
// problems in words, at most ten: after the first slip everything is wrong.

import type { RecordEntry } from './recorder.ts';

export interface Published {
  readonly n: number;
  readonly epoch: string;
  readonly offset: number;
}

export interface Expectation {
  /** The channel's name. */
  readonly channel: string;
  /** Everything that was accepted; epochs in the order in which they followed each other. */
  readonly published: readonly Published[];
  /** `none`: a gap is a failure even if it was announced. `announced`: EVT-1 as it stands. */
  readonly gaps: 'none' | 'announced';
  /** The first event's offset; unset where it depends on timing. */
  readonly firstOffset?: number;
  /** A publish may have been accepted and its answer lost for good: its event is nobody's to compare. */
  readonly hasLostAnswers?: boolean;
}

export interface Place {
  readonly epoch: string;
  readonly offset: number;
}

export function checkRecord(
  entries: readonly RecordEntry[],
  expectation: Expectation,
): readonly string[] {
  const { channel, published, gaps, firstOffset, hasLostAnswers = false } = expectation;
  const numbers = new Map(published.map((one) => [text(one), one.n]));
  const problems: string[] = [];
  let position: Place | null = null;
  let events = 0;

  for (const entry of entries) {
    if (!('channel' in entry) || entry.channel !== channel) continue;
    if (entry.kind === 'verdict') position = checkVerdict(entry, position, gaps, problems);
    if (entry.kind === 'event') {
      events += 1;
      if (events === 1 && firstOffset !== undefined && entry.offset !== firstOffset) {
        problems.push(`the first event is ${text(entry)}, not offset ${firstOffset}`);
      }
      if (position === null) problems.push(`${text(entry)} came before any verdict`);
      else if (entry.epoch !== position.epoch || entry.offset !== position.offset + 1) {
        problems.push(`${text(entry)} came after ${text(position)}`);
      }
      const n = numbers.get(text(entry));
      if (n !== entry.n && !(hasLostAnswers && n === undefined))
        problems.push(`${text(entry)} is n=${entry.n}, published was n=${n}`);
      position = { epoch: entry.epoch, offset: entry.offset };
    }
    if (problems.length >= 10) break;
  }
  const last = headOf(published);
  if (last !== null && (position === null || text(position) !== text(last))) {
    problems.push(`it ends at ${position && text(position)}, the channel at ${text(last)}`);
  }
  return problems;
}

function checkVerdict(
  entry: Extract<RecordEntry, { kind: 'verdict' }>,
  position: Place | null,
  gaps: Expectation['gaps'],
  problems: string[],
): Place | null {
  const { verdict, epoch, offset } = entry;
  if (epoch === null || offset === null || verdict === 'snapshot') {
    problems.push(`an unexpected verdict: ${verdict} (${entry.reason})`);
    return position;
  }
  const place = { epoch, offset };
  if (verdict === 'exact') {
    if (position === null) return place;
    // A link that was opened while the old one still delivered is answered at an older place.
    if (epoch === position.epoch && offset <= position.offset) return position;
    problems.push(`exact at ${text(place)}, but it had received up to ${text(position)}`);
    return place;
  }
  if (gaps === 'none') problems.push(`a gap at ${text(place)} (${entry.reason})`);
  if (position !== null && epoch === position.epoch && offset <= position.offset) {
    problems.push(`a gap to ${text(place)}, but it had received up to ${text(position)}`);
  }
  return place;
}

/** The last published event of the last epoch. */
export function headOf(published: readonly Published[]): Place | null {
  const own = published.filter(({ epoch }) => epoch === published.at(-1)?.epoch);
  return own.reduce<Place | null>(
    (head, one) => (head === null || one.offset > head.offset ? one : head),
    null,
  );
}

export function text({ epoch, offset }: Place): string {
  return `${epoch}.${offset}`;
}
