// One run of promise T7: a crowd that is cut off at once, several times over, while its channels go on. On several nodes
// nothing sticks: who comes back finds any of them, and in every third round one of them is killed in that moment. Owns
// the run; the verdict is a list of problems and the times of each round.

import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient } from '@millrace/client';
import { checkRecord, type Published } from '../e2e/probe/check-record.ts';
import { probes } from '../e2e/probe/contract.ts';
import { httpPublish, startPublisher } from '../e2e/probe/publisher.ts';
import { createRecorder, type Recorder } from '../e2e/probe/recorder.ts';
import { createFaultyProxy } from '../support/faulty-proxy.ts';
import { until } from '../support/wait.ts';
import { type ProbeNodesOptions, startProbeNodes } from './probe-nodes.ts';

export interface StormOptions extends Pick<ProbeNodesOptions, 'cluster'> {
  readonly clients: number;
  readonly rounds: number;
  /** Each client follows this many of ten channels. */
  readonly channelsEach: number;
  readonly publishEveryMs: number;
  /** Between two rounds. Under 10 s a client takes the next cut for one more failure, and waits longer. */
  readonly restMs: number;
}

export interface StormReport {
  readonly clients: number;
  readonly published: number;
  readonly nodes: number;
  readonly kills: number;
  /** From the cut until every client has what was published after it, ms, for each round. */
  readonly resumedMs: readonly number[];
  readonly problems: readonly string[];
}

const CHANNELS = 10;

export async function runStorm(options: StormOptions): Promise<StormReport> {
  const { clients, rounds, channelsEach, publishEveryMs, restMs, cluster } = options;
  await using servers = await startProbeNodes({ cluster });
  const [server, ...others] = servers.nodes;
  const addressOf = ({ port }: { port: number }) => ({ host: '127.0.0.1', port });
  await using network = await createFaultyProxy({ target: servers.nodes.map(addressOf) });
  const ids = Array.from({ length: CHANNELS }, (_, n) => `s${n}`);
  const publishers = ids.map((id) =>
    startPublisher(httpPublish({ url: `${server.url}/realtime`, id }), { everyMs: publishEveryMs }),
  );
  const crowd: Member[] = Array.from({ length: clients }, (_, n) => {
    const own = Array.from({ length: channelsEach }, (_, k) => ids[(n + k) % CHANNELS] ?? '');
    return openMember(`${network.url}/realtime`, own);
  });
  await using closing = new AsyncDisposableStack();
  closing.defer(async () => {
    await Promise.all(crowd.map(({ client }) => client.close()));
  });

  const allHave = (heads: ReadonlyMap<string, Published | undefined>): Promise<boolean> =>
    until(() => crowd.every((member) => member.has(heads)), {
      label: 'every client to be up to date',
      deadlineMs: 60_000,
      everyMs: 20,
    });
  const headsNow = () => new Map(ids.map((id, n) => [id, publishers[n]?.accepted.at(-1)]));

  await until(() => publishers.every(({ accepted }) => accepted.length > 0), { label: 'a first' });
  await allHave(headsNow());
  const resumedMs: number[] = [];
  let kills = 0;
  for (let round = 0; round < rounds; round += 1) {
    await sleep(restMs);
    const victim = round % 3 === 2 ? others[kills % others.length] : undefined;
    const cutAt = performance.now();
    if (victim !== undefined) {
      kills += 1;
      network.setTarget(servers.nodes.filter((node) => node !== victim).map(addressOf));
      await victim.kill('SIGKILL');
    }
    network.cutAll({ how: round % 2 === 0 ? 'rst' : 'fin' });
    // One more of each channel, published after the cut.
    const counts = publishers.map(({ accepted }) => accepted.length);
    await until(
      () => publishers.every(({ accepted }, n) => accepted.length > (counts[n] ?? 0) + 1),
      { label: 'events after the cut' },
    );
    await allHave(headsNow());
    resumedMs.push(Math.round(performance.now() - cutAt));
    await victim?.restart();
    network.setTarget(servers.nodes.map(addressOf));
  }
  await Promise.all(publishers.map((one) => one.stop()));
  await allHave(headsNow());
  const problems = crowd.flatMap(({ recorder, ids: own }, n) =>
    own.flatMap((id) =>
      checkRecord(recorder.entries, {
        channel: probes.of({ id }).name,
        published: publishers[ids.indexOf(id)]?.accepted ?? [],
        gaps: 'none',
        firstOffset: 1,
      }).map((problem) => `client ${n}, ${id}: ${problem}`),
    ),
  );
  const published = publishers.reduce((sum, { accepted }) => sum + accepted.length, 0);
  return { clients, published, nodes: servers.nodes.length, kills, resumedMs, problems };
}

interface Member {
  readonly client: Client;
  readonly recorder: Recorder;
  readonly ids: readonly string[];
  has(heads: ReadonlyMap<string, Published | undefined>): boolean;
}

function openMember(url: string, ids: readonly string[]): Member {
  const recorder = createRecorder();
  const client = createClient({
    url,
    onError: ({ code, message }) =>
      recorder.entries.push({ kind: 'error', atMs: recorder.now(), code, message }),
  });
  const offsets = new Map<string, number>();
  for (const id of ids) recorder.follow(client, { id, start: 'start' });
  let seen = 0;
  return {
    client,
    recorder,
    ids,
    has(heads) {
      for (; seen < recorder.entries.length; seen += 1) {
        const entry = recorder.entries[seen];
        if (entry?.kind === 'event') offsets.set(entry.channel, entry.offset);
      }
      return ids.every((id) => {
        const head = heads.get(id)?.offset ?? 0;
        return (offsets.get(probes.of({ id }).name) ?? 0) >= head;
      });
    },
  };
}
