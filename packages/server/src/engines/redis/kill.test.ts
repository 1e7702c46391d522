// Kills (SIGKILL) a node in the middle of appending: what it was answered is there, once, in the same epoch.

import { join } from 'node:path';
import type { Cursor } from '@millrace/protocol';
import { encodeEvent } from '@millrace/protocol/wire';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { appendUntilKilled } from '../../testing/append-until-killed.ts';
import { dataOf, offsetsOf, range, readAll } from '../../testing/engine-cases/engine-case.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { redisEngine } from './index.ts';

/** Appends until it is killed, and says on stdout what was answered. */
const VICTIM = `
  import { Redis } from 'ioredis';
  import { redisEngine } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))};

  const [port, generation] = process.argv.slice(1);
  const { log } = redisEngine({ client: new Redis(Number(port)) });
  for (let step = 0; ; step += 1) {
    const requests = Array.from({ length: 20 }, (_, index) => {
      const sequence = step * 20 + index + 1;
      const body = '"type":"said","data":"' + generation + '/' + sequence + '"';
      return { channel: 'main', body, producer: { id: 'p', epoch: Number(generation), sequence } };
    });
    const outcomes = await log.append(requests);
    const answered = requests.map((request, index) => ({ ...request, ...outcomes[index] }));
    process.stdout.write(JSON.stringify(answered) + '\\n');
  }
`;

interface Answered {
  readonly body: string;
  readonly cursor: Cursor;
  readonly at: string;
}

it('LOG-11, LOG-12: what a killed node was answered is there in its epoch, and its repeats are there once', async () => {
  await using server = await startRedis();
  const client = new Redis(server.port);
  const { log, close } = redisEngine({ client });
  const answered: Answered[] = [];
  for (const generation of [1, 2]) {
    answered.push(
      ...(await appendUntilKilled<Answered>({
        source: VICTIM,
        args: [`${server.port}`, `${generation}`],
        folder: import.meta.dirname,
      })),
    );
    const page = await readAll(log, 'main');
    expect(offsetsOf(page)).toEqual(range(1, page.head));
    const kept = new Map(page.entries.map(({ offset, text }) => [offset, text]));
    for (const { cursor, at, body } of answered) {
      expect(cursor.epoch).toBe(page.epoch);
      expect(kept.get(cursor.offset)).toBe(encodeEvent(cursor.offset, at, body));
    }
    // It knows what was answered, not what was accepted: from there on it repeats, and goes on.
    const own = answered.filter(({ body }) => body.includes(`"${generation}/`)).length;
    for (const sequence of range(own + 1, own + 60)) {
      const producer = { id: 'p', epoch: generation, sequence };
      const body = `"type":"said","data":"${generation}/${sequence}"`;
      const [outcome] = await log.append([{ channel: 'main', body, producer }]);
      expect(outcome).toHaveProperty('cursor');
    }
    const said = dataOf(await readAll(log, 'main')).map(String);
    expect(said.filter((text) => text.startsWith(`${generation}/`))).toEqual(
      range(1, own + 60).map((sequence) => `${generation}/${sequence}`),
    );
  }
  await close();
  client.disconnect();
});
