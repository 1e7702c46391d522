// Runs the conformance cases against real servers: one, a master with a replica behind Sentinel, a cluster of three.
// Each case gets a prefix of its own, which is what an empty server is to the engine.

import { Cluster, Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appendOne, event, readAll } from '../../testing/engine-cases/engine-case.ts';
import { by, codesOf } from '../../testing/engine-cases/producer-cases.ts';
import { engineCases, runEngineCase } from '../../testing/engine-cases.ts';
import {
  type RedisServer,
  startCluster,
  startRedis,
  startReplica,
  startSentinel,
} from '../../testing/redis-server.ts';
import { redisEngine } from './index.ts';

/** Other tests may be at work on the machine. */
const SOON = { timeout: 8_000 };

const SETUPS: readonly {
  readonly name: string;
  start(servers: RedisServer[]): Promise<Redis | Cluster>;
}[] = [
  {
    name: 'one server',
    async start(servers) {
      const server = await startRedis();
      servers.push(server);
      return new Redis(server.port);
    },
  },
  {
    name: 'a master with a replica, by Sentinel',
    async start(servers) {
      const master = await startRedis();
      servers.push(master);
      servers.push(await startReplica(master));
      const sentinel = await startSentinel(master);
      servers.push(sentinel);
      return new Redis({ sentinels: [{ host: '127.0.0.1', port: sentinel.port }], name: 'main' });
    },
  },
  {
    name: 'a cluster of three masters',
    async start(servers) {
      servers.push(...(await startCluster(3)));
      return new Cluster(servers.map(({ port }) => ({ host: '127.0.0.1', port })));
    },
  },
];

let cases = 0;
const nextPrefix = (): string => {
  cases += 1;
  return `case${cases}:`;
};

for (const { name, start } of SETUPS) {
  describe(`Redis engine on ${name}`, () => {
    const servers: RedisServer[] = [];
    let client: Redis | Cluster;
    beforeAll(async () => {
      client = await start(servers);
    });
    afterAll(async () => {
      client.disconnect();
      for (const server of servers) await server[Symbol.asyncDispose]();
    });

    for (const one of engineCases) {
      it(`${one.rule}: ${one.title}`, async (context) => {
        const engine = redisEngine({ client, prefix: nextPrefix() });
        const skipped = await runEngineCase(one, () => ({ engine }));
        if (skipped !== null) context.skip(skipped);
        expect(skipped).toBe(null);
      });
    }

    it('LOG-7: what another node appends is heard here with its entries', async () => {
      const prefix = nextPrefix();
      const [here, there] = [redisEngine({ client, prefix }), redisEngine({ client, prefix })];
      const heard: string[] = [];
      let refreshed = 0;
      here.log.watch('job:7', {
        hinted: ({ entries }) => void heard.push(...entries.map(({ text }) => text)),
        refresh: () => void (refreshed += 1),
      });
      await expect.poll(() => refreshed, SOON).toBeGreaterThan(0);
      await there.log.append([event('job:7', 'naïve "x"'), event('job:8', 'other')]);
      await there.log.append([event('job:7', '👍')]);
      await expect.poll(() => heard.length, SOON).toBe(2);
      const { entries } = await readAll(here.log, 'job:7');
      expect(heard).toEqual(entries.map(({ text }) => text));
      await Promise.all([here.close(), there.close()]);
    });

    it('LOG-5: forgets a key after its window, and a key takes no room afterwards', async () => {
      const engine = redisEngine({ client, prefix: nextPrefix(), keyWindowMs: 20 });
      await appendOne(engine.log, 'a', 1, 'k');
      expect((await appendOne(engine.log, 'a', 'again', 'k')).offset).toBe(1);
      await expect
        .poll(async () => (await appendOne(engine.log, 'a', 2, 'k')).offset, SOON)
        .toBe(2);
      await engine.close();
    });

    it('LOG-12: with no window nothing is remembered', async () => {
      const engine = redisEngine({ client, prefix: nextPrefix(), keyWindowMs: 0 });
      const outcomes = [
        ...(await engine.log.append([by(1, 1)])),
        ...(await engine.log.append([by(1, 2), by(1, 1)])),
      ];
      expect(codesOf(outcomes)).toEqual(['ok', 'publish/sequence-gap', 'ok']);
      await engine.close();
    });
  });
}

it.each([{ prefix: 'a{b}:' }, { answerWithinMs: 0 }, { waitMs: -1 }, { keyWindowMs: 0.5 }])(
  'settings/invalid: %j',
  (settings) => {
    const client = new Redis({ lazyConnect: true });
    expect(() => redisEngine({ client, ...settings })).toThrowError(
      expect.objectContaining({ code: 'settings/invalid' }),
    );
  },
);
