// Kills (SIGKILL) a node in the middle of appending to a PostgreSQL server, twice. Rules: LOG-11, LOG-12.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Cursor } from '@millrace/protocol';
import pg from 'pg';
import { expect, it } from 'vitest';
import { dataOf, offsetsOf, range, readAll } from '../../testing/engine-cases/engine-case.ts';
import { openPostgresNode } from '../../testing/postgres-node.ts';
import { startPostgres } from '../../testing/postgres-server.ts';

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

it('LOG-11, LOG-12: a node that was killed between append and answer, twice, leaves each event once, where it was answered', async () => {
  await using server = await startPostgres({ isDurable: true });
  await using node = openPostgresNode(new pg.Pool({ connectionString: server.url() }));
  const { log } = node.engine;
  for (const generation of [1, 2]) {
    const answered = await appendUntilKilled(server.url(), generation);
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
}, 30_000);

async function appendUntilKilled(url: string, generation: number): Promise<Cursor[]> {
  const child = spawn(
    process.execPath,
    [
      '--conditions=@millrace/source',
      '--input-type=module',
      '--eval',
      VICTIM,
      url,
      `${generation}`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], cwd: import.meta.dirname },
  );
  const exited = once(child, 'exit');
  const answered: Cursor[] = [];
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    answered.push(...(JSON.parse(line) as Cursor[]));
    lines += 1;
    if (lines === 25) child.kill('SIGKILL');
  }
  const [, signal] = await exited;
  expect(signal).toBe('SIGKILL');
  return answered;
}
