// What a chaos run has come to: waits until every reader has everything, and compares each record with what was
// published. Makes no trouble; what a single record must hold is the probes' checkers' to say.

import { checkRecord, type Published, text } from '../e2e/probe/check-record.ts';
import { checkStates } from '../e2e/probe/check-states.ts';
import type { Publisher } from '../e2e/probe/publisher.ts';
import type { RecordEntry } from '../e2e/probe/recorder.ts';
import { until } from '../support/wait.ts';
import { channelOf, kindOf, type Reader } from './readers.ts';

export interface ChannelPublisher {
  readonly id: string;
  readonly publisher: Publisher;
}

export interface Judgement {
  readonly delivered: number;
  /** Told by channels that deliver states. */
  readonly states: number;
  /** Changes of carrier that the readers' statuses told. */
  readonly switches: number;
  /** Holes that were told before the next event, as they must be: of short channels and of dead memory. */
  readonly gaps: number;
  /** States told by channels that deliver events after them: to begin with, and in place of what was missed. */
  readonly snapshots: number;
  /** Those of them in place of what was missed: the gaps of channels with state. */
  readonly snapshotsForGaps: number;
  /** Empty when the promise held. */
  readonly problems: readonly string[];
}

const hasState = (id: string): boolean => kindOf(id) === 'tallied' || kindOf(id) === 'paced';

/** Problems in words once it has waited long enough. */
export async function awaitHeads(
  readers: readonly Reader[],
  publishers: readonly ChannelPublisher[],
): Promise<readonly string[]> {
  const missing = async (): Promise<readonly string[]> => {
    const all = await Promise.all(
      readers.map(async (reader) => {
        const entries = await reader.entries();
        const behind = publishers.filter(
          (one) => reader.ids.includes(one.id) && !isAtHead(entries, one),
        );
        const status = entries.findLast((one) => one.kind === 'status');
        return behind.map(
          ({ id }) => `${reader.label}: ${id} is behind, ${JSON.stringify(status)}`,
        );
      }),
    );
    return all.flat();
  };
  const deadlineAt = Date.now() + 45_000;
  await until(async () => Date.now() > deadlineAt || (await missing()).length === 0, {
    label: 'every reader to have everything',
    deadlineMs: 60_000,
    everyMs: 200,
  });
  return missing();
}

function isAtHead(entries: readonly RecordEntry[], { id, publisher }: ChannelPublisher): boolean {
  const { name } = channelOf(id);
  const kind = hasState(id) ? 'state' : 'event';
  const head = publisher.accepted.at(-1);
  const last = entries.findLast(
    (one): one is Extract<RecordEntry, { kind: 'event' | 'state' }> =>
      one.kind === kind && 'channel' in one && one.channel === name,
  );
  return last?.offset === head?.offset && last?.epoch === head?.epoch;
}

export async function judge(
  readers: readonly Reader[],
  publishers: readonly ChannelPublisher[],
  engine: 'memory' | 'pglite',
): Promise<Judgement> {
  const problems = publishers.flatMap(checkPublished);
  const count = {
    delivered: 0,
    states: 0,
    switches: 0,
    gaps: 0,
    snapshots: 0,
    snapshotsForGaps: 0,
  };
  for (const reader of readers) {
    const entries = await reader.entries();
    count.switches += countSwitches(entries);
    for (const { id, publisher } of publishers) {
      if (!reader.ids.includes(id)) continue;
      const { name } = channelOf(id);
      const own = entries.filter((one) => 'channel' in one && one.channel === name);
      const found = checkChannel(own, id, publisher.accepted, engine);
      problems.push(...found.map((problem) => `${reader.label}, ${id}: ${problem}`));
      const told = (verdict: string): number =>
        own.filter((one) => one.kind === 'verdict' && one.verdict === verdict).length;
      count.delivered += own.filter(({ kind }) => kind === 'event').length;
      count.gaps += told('gap');
      if (kindOf(id) === 'paced') count.states += told('snapshot');
      if (kindOf(id) !== 'tallied') continue;
      count.snapshots += told('snapshot');
      count.snapshotsForGaps += Math.max(0, told('snapshot') - 1);
    }
  }
  return { ...count, problems };
}

function checkChannel(
  entries: readonly RecordEntry[],
  id: string,
  published: readonly Published[],
  engine: 'memory' | 'pglite',
): readonly string[] {
  const channel = channelOf(id).name;
  const hasLostAnswers = engine === 'memory';
  const common = { channel, published, hasLostAnswers };
  switch (kindOf(id)) {
    case 'plain':
      return checkRecord(entries, {
        ...common,
        gaps: engine === 'memory' ? 'announced' : 'none',
        firstOffset: 1,
      });
    case 'short':
      return checkRecord(entries, { ...common, gaps: 'announced' });
    case 'tallied':
      return checkStates(entries, { ...common, deliver: 'events' });
    case 'paced':
      return checkStates(entries, { ...common, deliver: 'state' });
  }
}

/** PUB-3: what was repeated under its key stands there once, in the epoch that took it. */
function checkPublished({ id, publisher }: ChannelPublisher): readonly string[] {
  const { accepted } = publisher;
  const places = new Set(accepted.map(text));
  const epochs = new Set(accepted.map(({ epoch }) => epoch)).size;
  const last = accepted.at(-1)?.offset ?? 0;
  if (places.size === accepted.length && (epochs > 1 || last === accepted.length)) return [];
  return [`${id}: ${accepted.length} publishes accepted, at ${places.size} places up to ${last}`];
}

function countSwitches(entries: readonly RecordEntry[]): number {
  const carriers = entries.flatMap((one) => (one.kind === 'status' ? (one.transport ?? []) : []));
  return carriers.filter((carrier, n) => n > 0 && carrier !== carriers[n - 1]).length;
}
