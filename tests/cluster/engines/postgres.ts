// PostgreSQL under the test bed: one server and a standby that follows it. Promoting the standby is a failover by a
// virtual address, after which the links of all nodes lead there. Owns servers and links.

import { type PostgresServer, startPostgres } from '@millrace/server/testing/servers';
import type { SeededRandom } from '../../support/seeded-random.ts';
import { openTcpLink, type TcpLink } from '../../support/tcp-link.ts';
import { pause } from './pause.ts';
import {
  type EngineFault,
  HARMLESS,
  LOSES,
  type OutageTimes,
  type TestedEngine,
} from './tested-engine.ts';

export async function testedPostgres(nodes: number, times: OutageTimes): Promise<TestedEngine> {
  const stack = new AsyncDisposableStack();
  let primary = stack.use(await startPostgres());
  const links: TcpLink[] = [];
  for (let node = 0; node < nodes; node += 1) {
    links.push(stack.use(await openTcpLink(primary.port)));
  }

  async function restart(how: 'fast' | 'immediate' | 'kill', random: SeededRandom): Promise<void> {
    await primary.stop(how);
    await pause(random.between(...times.awayMs));
    await primary.start();
  }

  async function promote(): Promise<void> {
    const standby = stack.use(await primary.standby());
    await primary.stop('kill');
    await ask(standby, 'select pg_promote()');
    primary = standby;
    for (const link of links) link.leadTo(standby.port);
  }

  const faults: readonly EngineFault[] = [
    {
      label: 'freeze',
      harm: HARMLESS,
      async run(random) {
        primary.freeze();
        await pause(random.between(...times.freezeMs));
        primary.thaw();
      },
    },
    { label: 'restart', harm: HARMLESS, run: (random) => restart('fast', random) },
    { label: 'crash', harm: HARMLESS, run: (random) => restart('immediate', random) },
    { label: 'kill', harm: HARMLESS, run: (random) => restart('kill', random) },
    { label: 'promote a standby', harm: LOSES, run: promote },
  ];
  return {
    kind: 'postgres',
    wordsFor: (node) => ({ kind: 'postgres', port: links[node]?.port ?? 0 }),
    linksOf: (node) => links.slice(node, node + 1),
    faults,
    onNodeKill: HARMLESS,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function ask(server: PostgresServer, sql: string): Promise<string> {
  return server.run('psql', '-d', 'postgres', '-tAc', sql);
}
