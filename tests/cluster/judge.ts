// What a run has come to: waits until every reader has everything, and compares all records with each other and with
// the log. Makes no trouble; what one channel and one record must hold is the checkers' to say.

import type { RecordEntry } from '../e2e/probe/recorder.ts';
import { channelOf, kindOf, type Reader } from '../soak/readers.ts';
import { until } from '../support/wait.ts';
import { checkChannel } from './check-channel.ts';
import { checkReader } from './check-reader.ts';
import type { ChannelLog, Fleet } from './fleet.ts';
import type { Acknowledged } from './publishers.ts';
import { createTruth, type Place, text } from './truth.ts';

export interface Judgement {
  readonly delivered: number;
  readonly states: number;
  /** States and snapshots that nobody could compare, for what they fold is no longer kept anywhere. */
  readonly statesOnTrust: number;
  readonly verdicts: Readonly<Record<string, number>>;
  /** The most epochs that one channel had. */
  readonly epochs: number;
  readonly problems: readonly string[];
}

type Logs = ReadonlyMap<string, ChannelLog>;

const HEADS_MS = 60_000;

/** The logs as they stay, once every reader stands at their heads; `late` names those that do not. */
export async function awaitHeads(
  fleet: Fleet,
  ids: readonly string[],
  readers: readonly Reader[],
): Promise<{ readonly logs: Logs; readonly late: readonly string[] }> {
  const [node] = fleet.nodes;
  if (node === undefined) throw new Error('a fleet has a node');
  const read = async (): Promise<Logs> =>
    new Map(
      await Promise.all(
        ids.map(async (id) => [id, await fleet.readLog(node, channelOf(id).name)] as const),
      ),
    );
  let logs: Logs = new Map();
  let late: readonly string[] = [];
  await until(
    async () => {
      // Anew each time: a request that was stuck in the network may still come.
      logs = await read();
      late = await findLate(readers, logs);
      return late.length === 0;
    },
    { label: 'every reader to have everything', deadlineMs: HEADS_MS, everyMs: 500 },
  ).catch((error: unknown) => {
    if (logs.size === 0) throw new Error('the log cannot be read', { cause: error });
  });
  return { logs, late };
}

async function findLate(readers: readonly Reader[], logs: Logs): Promise<readonly string[]> {
  const all = await Promise.all(
    readers.map(async ({ label, ids, entries }) => {
      const own = await entries();
      const status = own.findLast(({ kind }) => kind === 'status');
      return ids
        .filter((id) => !isAtHead(own, id, logs.get(id)))
        .map((id) => `${label}: ${id} is behind, ${JSON.stringify(status)}`);
    }),
  );
  return all.flat();
}

function isAtHead(
  entries: readonly RecordEntry[],
  id: string,
  log: ChannelLog | undefined,
): boolean {
  const { name } = channelOf(id);
  const isStated = kindOf(id) === 'tallied' || kindOf(id) === 'paced';
  const last = entries.findLast(
    (one) =>
      'channel' in one &&
      one.channel === name &&
      (isStated && log?.head !== 0 ? one.kind === 'state' : one.kind !== 'state'),
  );
  if (last === undefined || !('epoch' in last)) return false;
  return last.epoch === log?.epoch && last.offset === log.head;
}

export interface JudgeOptions {
  readonly ids: readonly string[];
  readonly readers: readonly Reader[];
  readonly acknowledged: readonly Acknowledged[];
  readonly logs: Logs;
  readonly lossUntilMs: number;
  readonly newEpochs: number;
  readonly mayReturn: boolean;
}

export async function judge(options: JudgeOptions): Promise<Judgement> {
  const { ids, readers, acknowledged, logs, lossUntilMs, newEpochs, mayReturn } = options;
  const problems: string[] = [];
  const verdicts: Record<string, number> = {};
  const count = { delivered: 0, states: 0, statesOnTrust: 0, epochs: 0 };
  const records = await Promise.all(
    readers.map(async (reader) => ({ reader, byChannel: byChannel(await reader.entries()) })),
  );
  for (const id of ids) {
    const { name } = channelOf(id);
    const kind = kindOf(id);
    const log = logs.get(id);
    if (log === undefined) continue;
    const own = acknowledged.filter((one) => one.id === id);
    const followers = records
      .filter(({ reader }) => reader.ids.includes(id))
      .map(({ reader, byChannel: all }) => ({ label: reader.label, entries: all.get(name) ?? [] }));
    const truth = createTruth({
      acknowledged: own,
      log,
      records: followers.map(({ entries }) => entries),
    });
    count.epochs = Math.max(count.epochs, truth.epochs.length);
    const keepsAll = kind === 'plain';
    const channel = { acknowledged: own, log, truth, keepsAll, lossUntilMs, newEpochs };
    problems.push(...checkChannel(channel).map((problem) => `${id}: ${problem}`));
    const agree = createAgreement();
    for (const { label, entries } of followers) {
      const found = checkReader(entries, {
        kind,
        truth,
        head: { epoch: log.epoch, offset: log.head },
        mayLose: lossUntilMs > 0,
        mayReturn,
        agree,
      });
      problems.push(...found.problems.map((problem) => `${label}, ${id}: ${problem}`));
      count.statesOnTrust += found.onTrust;
      for (const entry of entries) {
        if (entry.kind === 'event') count.delivered += 1;
        if (entry.kind === 'state') count.states += 1;
        if (entry.kind !== 'verdict') continue;
        const what = entry.verdict === 'gap' ? `gap (${entry.reason})` : entry.verdict;
        verdicts[what] = (verdicts[what] ?? 0) + 1;
      }
    }
  }
  return { ...count, verdicts, problems };
}

function byChannel(entries: readonly RecordEntry[]): ReadonlyMap<string, readonly RecordEntry[]> {
  const all = new Map<string, RecordEntry[]>();
  for (const entry of entries) {
    if (!('channel' in entry)) continue;
    const own = all.get(entry.channel) ?? [];
    all.set(entry.channel, own);
    own.push(entry);
  }
  return all;
}

/** One state for one place, whoever tells it. */
function createAgreement(): (place: Place, tally: string) => string | null {
  const told = new Map<string, string>();
  return (place, tally) => {
    const before = told.get(text(place));
    if (before === undefined) told.set(text(place), tally);
    return before === undefined || before === tally ? null : `to somebody else it is ${before}`;
  };
}
