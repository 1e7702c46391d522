// A Redis cluster of three masters under the test bed. A master that is killed comes back with its slots and nothing in
// them; while it is away the whole cluster refuses. Owns servers and links.

import { startCluster } from '@millrace/server/testing/servers';
import { openTcpLink, type TcpLink } from '../../support/tcp-link.ts';
import { until } from '../../support/wait.ts';
import { pause } from './pause.ts';
import { natMapOf } from './redis-sentinel.ts';
import {
  type EngineFault,
  HARMLESS,
  LOSES,
  type OutageTimes,
  type TestedEngine,
} from './tested-engine.ts';

export async function testedCluster(nodes: number, times: OutageTimes): Promise<TestedEngine> {
  const stack = new AsyncDisposableStack();
  const servers = await startCluster(3);
  for (const server of servers) stack.use(server);
  const links: (readonly TcpLink[])[] = [];
  for (let node = 0; node < nodes; node += 1) {
    const own: TcpLink[] = [];
    for (const { port } of servers) own.push(stack.use(await openTcpLink(port)));
    links.push(own);
  }

  async function untilWhole(): Promise<void> {
    await until(
      async () => {
        const told = await Promise.all(servers.map((one) => one.ask('CLUSTER INFO')));
        return told.every((text) => text.includes('cluster_state:ok'));
      },
      { label: 'the cluster to be whole', deadlineMs: 30_000, everyMs: 100 },
    );
  }

  const faults: readonly EngineFault[] = [
    {
      label: 'a master freezes',
      harm: HARMLESS,
      async run(random) {
        const server = random.pick(servers);
        server.freeze();
        await pause(random.between(...times.freezeMs));
        server.thaw();
        await untilWhole();
      },
    },
    {
      label: 'a master is killed and comes back empty',
      harm: LOSES,
      async run(random) {
        const server = random.pick(servers);
        await server.stop('SIGKILL');
        await pause(random.between(...times.awayMs));
        await server.start();
        await untilWhole();
      },
    },
    {
      label: 'FLUSHALL of a master',
      harm: LOSES,
      async run(random) {
        await random.pick(servers).ask('FLUSHALL');
      },
    },
  ];
  return {
    kind: 'cluster',
    wordsFor: (node) => ({
      kind: 'cluster',
      ports: (links[node] ?? []).map(({ port }) => port),
      natMap: natMapOf(servers, links[node] ?? []),
    }),
    linksOf: (node) => links[node] ?? [],
    faults,
    onNodeKill: HARMLESS,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
