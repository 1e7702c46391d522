// A Redis master with a replica behind Sentinel under the test bed: whichever is the master is killed, or frozen for
// longer than Sentinel waits, and the other one is promoted. Owns servers and links.
//
// A master that was frozen believes for a moment that it still is one, and answers what it is asked: such an append may
// be lost. Hence a fault is over only once both servers know who is who.

import {
  type RedisServer,
  startRedis,
  startReplica,
  startSentinel,
} from '@millrace/server/testing/servers';
import { openTcpLink, type TcpLink } from '../../support/tcp-link.ts';
import { until } from '../../support/wait.ts';
import type { NatMap } from './open.ts';
import { pause } from './pause.ts';
import { APPEND_ONLY } from './redis.ts';
import {
  type EngineFault,
  HARMLESS,
  type Harm,
  type OutageTimes,
  type TestedEngine,
} from './tested-engine.ts';

/** The one that goes on is another epoch, and again when it gets its first replica. */
const FAILED_OVER: Harm = { newEpochs: 2, loses: true };

export async function testedSentinel(nodes: number, times: OutageTimes): Promise<TestedEngine> {
  const stack = new AsyncDisposableStack();
  const first = stack.use(await startRedis({ args: APPEND_ONLY }));
  const second = stack.use(await startReplica(first, APPEND_ONLY));
  const sentinel = stack.use(await startSentinel(first));
  const servers = [first, second];
  await until(async () => (await replicas()).includes(`${second.port}`), {
    label: 'Sentinel to know the replica',
    deadlineMs: 15_000,
    everyMs: 100,
  });
  const links: (readonly TcpLink[])[] = [];
  for (let node = 0; node < nodes; node += 1) {
    const own: TcpLink[] = [];
    for (const { port } of [sentinel, ...servers]) own.push(stack.use(await openTcpLink(port)));
    links.push(own);
  }

  function replicas(): Promise<string> {
    return sentinel.ask('SENTINEL REPLICAS main');
  }

  async function master(): Promise<RedisServer> {
    const told = await sentinel.ask('SENTINEL GET-MASTER-ADDR-BY-NAME main');
    return servers.find(({ port }) => told.includes(`${port}`)) ?? first;
  }

  /** Waits until another server is the master, and the one before follows it. */
  async function untilPromoted(before: RedisServer): Promise<void> {
    const other = servers.find((one) => one !== before) ?? second;
    await until(
      async () => {
        const roles = await Promise.all([other, before].map((one) => one.ask('INFO replication')));
        return (
          (await master()) === other &&
          roles[0]?.includes('role:master') &&
          roles[1]?.includes('role:slave') &&
          roles[1].includes('master_link_status:up')
        );
      },
      { label: 'the failover', deadlineMs: 40_000, everyMs: 100 },
    );
  }

  const faults: readonly EngineFault[] = [
    {
      label: 'failover, the master is killed',
      harm: FAILED_OVER,
      async run(random) {
        const before = await master();
        await before.stop('SIGKILL');
        // Sentinel takes a master that is back at once for one that was never away.
        await until(async () => (await master()) !== before, {
          label: 'another master',
          deadlineMs: 40_000,
          everyMs: 100,
        });
        await pause(random.between(...times.awayMs));
        await before.start();
        await untilPromoted(before);
      },
    },
    {
      label: 'failover, the master is frozen',
      harm: FAILED_OVER,
      async run(random) {
        const before = await master();
        before.freeze();
        await until(async () => (await master()) !== before, {
          label: 'another master',
          deadlineMs: 40_000,
          everyMs: 100,
        });
        await pause(random.between(...times.freezeMs));
        before.thaw();
        await untilPromoted(before);
      },
    },
  ];
  return {
    kind: 'sentinel',
    wordsFor: (node) => ({
      kind: 'sentinel',
      port: links[node]?.[0]?.port ?? 0,
      natMap: natMapOf(servers, links[node]?.slice(1) ?? []),
    }),
    linksOf: (node) => links[node] ?? [],
    faults,
    onNodeKill: HARMLESS,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Servers tell each other's real ports; this node reaches them through its links. */
export function natMapOf(servers: readonly RedisServer[], links: readonly TcpLink[]): NatMap {
  return Object.fromEntries(
    servers.map(({ port }, index) => [
      `127.0.0.1:${port}`,
      { host: '127.0.0.1', port: links[index]?.port ?? port },
    ]),
  );
}
