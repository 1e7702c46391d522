// A PostgreSQL that freezes or is killed, and a node that is killed (SIGKILL): calls fail in time, nothing spins, and
// afterwards everything is there once. Rules: LOG-5, LOG-11, LOG-12, LOG-16.

import { join } from 'node:path';
import { type Cursor, toMillraceError } from '@millrace/protocol';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { appendUntilKilled } from '../../testing/append-until-killed.ts';
import { eventually } from '../../testing/check.ts';
import {
  dataOf,
  event,
  offsetsOf,
  range,
  readAll,
} from '../../testing/engine-cases/engine-case.ts';
import { openPostgresNode } from '../../testing/postgres-node.ts';
import { type PostgresServer, startPostgres } from '../../testing/postgres-server.ts';
import { on, runCore, textsOf, verdictsOf } from '../../testing/run-core.ts';
import { openNotes } from '../../testing/test-channels.ts';
import { waitUntil } from '../../testing/waiting.ts';
import type { PgPool } from './pool.ts';

let server: PostgresServer;

beforeAll(async () => {
  // Writes reach the disk: these tests are about what survives.
  server = await startPostgres({ isDurable: true });
});
afterAll(() => server.close());

/** A pool that counts how often it is asked for a connection. */
function countingPool(): PgPool & { end(): Promise<void>; asked: number } {
  const pool = new pg.Pool({ connectionString: server.url() });
  const counting = {
    asked: 0,
    connect() {
      counting.asked += 1;
      return pool.connect();
    },
    on: (...args: Parameters<pg.Pool['on']>) => pool.on(...args),
    end: () => pool.end(),
  };
  return counting;
}

test('LOG-16: while the server is frozen publishing fails in time, nothing spins, and readers catch up exactly', async () => {
  const pools = [countingPool(), countingPool()] as const;
  const options = { answerWithinMs: 400, reconcileMs: 1_000 };
  await using here = openPostgresNode(pools[0], options);
  await using there = openPostgresNode(pools[1], options);
  await using left = runCore({ engine: here.engine });
  await using right = runCore({ engine: there.engine });
  const channel = openNotes.of({ id: 'frozen' });
  const links = [left.open(on(channel, 'start')), right.open(on(channel, 'start'))];
  for (const link of links) await link.next('verdict');
  await left.publish(channel, 'before');
  await waitUntil('both readers', () => links.every((link) => textsOf(link).length === 1));

  server.freeze();
  const frozenAt = performance.now();
  const askedBefore = pools[0].asked + pools[1].asked;
  const waits: number[] = [];
  while (performance.now() - frozenAt < 2_000) {
    const startedAt = performance.now();
    const refused = left.publish(channel, 'refused');
    await expect(refused).rejects.toMatchObject({ code: 'engine/unavailable', retryable: true });
    waits.push(performance.now() - startedAt);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(Math.max(...waits)).toBeLessThan(900);
  // Most are told at once: only one at a time finds out.
  expect(waits.filter((ms) => ms < 20).length).toBeGreaterThan(waits.length / 2);
  expect(pools[0].asked + pools[1].asked - askedBefore).toBeLessThan(40);
  server.thaw();

  await untilDone(() => left.publish(channel, 'after'));
  // What was refused without an answer may have been accepted all the same; it is the same for everybody.
  const { entries } = await readAll(here.engine.log, channel.name);
  for (const link of links) {
    await waitUntil('all of it', () => textsOf(link).length === entries.length);
    expect(textsOf(link)).toEqual(
      dataOf({ entries }).map((data) => (data as { text: string }).text),
    );
    expect(verdictsOf(link)).toEqual(['exact']);
  }
});

async function untilDone(work: () => Promise<unknown>): Promise<void> {
  const isDone = (): Promise<boolean> =>
    work().then(
      () => true,
      () => false,
    );
  await eventually(isDone, 'it answers', 15_000);
}

test('LOG-5, LOG-12: a server that is killed between append and answer, twice, has each event once, in order', async () => {
  await using node = openPostgresNode(new pg.Pool({ connectionString: server.url() }));
  const { log } = node.engine;
  const { epoch } = await readAll(log, 'keyed');
  const count = 120;
  let answered = 0;
  let failed = 0;
  const untilAnswered = async (append: () => Promise<unknown>): Promise<void> => {
    for (;;) {
      try {
        await append();
        answered += 1;
        return;
      } catch (error) {
        if (!toMillraceError(error).retryable) throw error;
        failed += 1;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  };
  const keyed = (async () => {
    for (const n of range(1, count)) {
      await untilAnswered(() => log.append([event('keyed', n, `k${n}`)]));
    }
  })();
  const produced = (async () => {
    for (const sequence of range(1, count)) {
      const producer = { id: 'p', epoch: 1, sequence };
      await untilAnswered(() => log.append([{ ...event('produced', sequence), producer }]));
    }
  })();
  for (const round of [1, 2]) {
    await waitUntil('some answers', () => answered > (round * count) / 2, 20_000);
    await server.stop('kill');
    await server.start();
  }
  await Promise.all([keyed, produced]);
  expect(failed).toBeGreaterThan(0);
  for (const channel of ['keyed', 'produced']) {
    const page = await readAll(log, channel);
    expect(dataOf(page)).toEqual(range(1, count));
    expect(page.epoch).toBe(epoch);
  }
});

test('LOG-16: a database that cannot be reached is told as such from the first call on, and is found when it comes', async () => {
  await server.stop('fast');
  const pool = countingPool();
  await using node = openPostgresNode(pool, { answerWithinMs: 500 });
  const refused = { code: 'engine/unavailable', retryable: true };
  for (let n = 0; n < 50; n += 1) {
    await expect(node.engine.log.append([event('late', n)])).rejects.toMatchObject(refused);
  }
  await expect(node.engine.bus.publish('x', 'y')).rejects.toMatchObject(refused);
  expect(pool.asked).toBeLessThan(20);
  await server.start();
  await untilDone(() => node.engine.log.append([event('late', 'found')]));
  expect(dataOf(await readAll(node.engine.log, 'late'))).toEqual(['found']);
});

/** Appends as a producer until it is killed, and says on stdout what was answered. */
const VICTIM = `
  import pg from 'pg';
  import { postgresDatabase, postgresEngine } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))};

  const [url, generation] = process.argv.slice(1);
  const { log } = postgresEngine({ database: postgresDatabase({ pool: new pg.Pool({ connectionString: url }) }) });
  for (let step = 0; ; step += 1) {
    const requests = Array.from({ length: 20 }, (_, index) => {
      const sequence = step * 20 + index + 1;
      const body = '"type":"said","data":"' + generation + '/' + sequence + '"';
      return { channel: 'main', body, producer: { id: 'p', epoch: Number(generation), sequence } };
    });
    const outcomes = await log.append(requests);
    process.stdout.write(JSON.stringify(outcomes.map(({ cursor }) => cursor)) + '\\n');
  }
`;

test('LOG-11, LOG-12: a node that was killed between append and answer, twice, leaves each event once, where it was answered', async () => {
  await using node = openPostgresNode(new pg.Pool({ connectionString: server.url() }));
  const { log } = node.engine;
  for (const generation of [1, 2]) {
    const answered = await appendUntilKilled<Cursor>({
      source: VICTIM,
      args: [server.url(), `${generation}`],
      folder: import.meta.dirname,
    });
    const page = await readAll(log, 'main');
    expect(new Set(answered.map(({ epoch }) => epoch))).toEqual(new Set([page.epoch]));
    expect(offsetsOf(page)).toEqual(range(1, page.head));
    const texts = dataOf(page).map(String);
    expect(answered.map(({ offset }) => texts[offset - 1])).toEqual(
      range(1, answered.length).map((sequence) => `${generation}/${sequence}`),
    );
    // It knows what was answered, not what was accepted: from there on it repeats, and goes on.
    const upTo = answered.length + 60;
    for (const sequence of range(answered.length + 1, upTo)) {
      const producer = { id: 'p', epoch: generation, sequence };
      const body = `"type":"said","data":"${generation}/${sequence}"`;
      const [outcome] = await log.append([{ channel: 'main', body, producer }]);
      expect(outcome).toHaveProperty('cursor');
    }
    const own = dataOf(await readAll(log, 'main'))
      .map(String)
      .filter((text) => text.startsWith(`${generation}/`));
    expect(own).toEqual(range(1, upTo).map((sequence) => `${generation}/${sequence}`));
  }
});
