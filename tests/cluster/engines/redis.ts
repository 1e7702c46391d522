// One Redis with an append-only file under the test bed: it freezes, restarts with all it had, without the end of its
// file, or with nothing, and is emptied while it runs. Owns server and links.

import { readdir, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { type RedisServer, startRedis } from '@millrace/server/testing/servers';
import type { SeededRandom } from '../../support/seeded-random.ts';
import { openTcpLink, type TcpLink } from '../../support/tcp-link.ts';
import { pause } from './pause.ts';
import {
  type EngineFault,
  HARMLESS,
  LOSES,
  type OutageTimes,
  RESTARTED,
  type TestedEngine,
} from './tested-engine.ts';

export const APPEND_ONLY = ['--appendonly', 'yes', '--appendfsync', 'everysec'];

export async function testedRedis(nodes: number, times: OutageTimes): Promise<TestedEngine> {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await startRedis({ args: APPEND_ONLY }));
  const links: TcpLink[] = [];
  for (let node = 0; node < nodes; node += 1) {
    links.push(stack.use(await openTcpLink(server.port)));
  }

  async function restart(random: SeededRandom, meanwhile: () => Promise<void>): Promise<void> {
    await server.stop('SIGKILL');
    await meanwhile();
    await pause(random.between(...times.awayMs));
    await server.start();
  }

  const faults: readonly EngineFault[] = [
    freezeOf(server, times),
    {
      label: 'restart',
      harm: RESTARTED,
      run: (random) => restart(random, () => Promise.resolve()),
    },
    {
      label: 'restart without the end of its file',
      harm: LOSES,
      run: (random) => restart(random, () => cutTail(server, random.between(200, 20_000))),
    },
    {
      label: 'restart empty',
      harm: LOSES,
      run: (random) =>
        restart(random, () =>
          rm(join(server.folder, 'appendonlydir'), { recursive: true, force: true }),
        ),
    },
    {
      label: 'FLUSHALL',
      harm: LOSES,
      async run() {
        await server.ask('FLUSHALL');
      },
    },
  ];
  return {
    kind: 'redis',
    wordsFor: (node) => ({ kind: 'redis', port: links[node]?.port ?? 0 }),
    linksOf: (node) => links.slice(node, node + 1),
    faults,
    onNodeKill: HARMLESS,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

export function freezeOf(server: RedisServer, times: OutageTimes): EngineFault {
  return {
    label: 'freeze',
    harm: HARMLESS,
    async run(random) {
      server.freeze();
      await pause(random.between(...times.freezeMs));
      server.thaw();
    },
  };
}

/** As a power cut would: the last bytes of the newest file never reached the disk. */
async function cutTail(server: RedisServer, bytes: number): Promise<void> {
  const folder = join(server.folder, 'appendonlydir');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.incr.aof')).sort();
  const file = join(folder, names.at(-1) ?? '');
  const { size } = await stat(file);
  await truncate(file, Math.max(0, size - bytes));
}
