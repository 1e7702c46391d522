// Kills (SIGKILL) a process in the middle of appending and opens its folder again, twice.
// Rules: LOG-11, LOG-12.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import type { Cursor } from '@millrace/protocol';
import { encodeEvent } from '@millrace/protocol/wire';
import { expect, it } from 'vitest';
import { appendUntilKilled } from '../../testing/append-until-killed.ts';
import { dataOf, offsetsOf, range, readAll } from '../../testing/engine-cases/engine-case.ts';
import { fillPgliteFolder } from '../../testing/ready-pglite.ts';
import { pgliteDatabase } from './pglite-database.ts';
import { pgliteEngine } from './pglite-engine.ts';

/** Appends to a folder until it is killed, and says on stdout what was answered. `request`: of the n-th event. */
const victim = (request: string): string => `
  import { PGlite } from '@electric-sql/pglite';
  import { pgliteDatabase, pgliteEngine } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))};

  const [folder, generation] = process.argv.slice(1);
  const { log } = pgliteEngine({ database: pgliteDatabase(await PGlite.create(folder)) });
  for (let step = 0; ; step += 1) {
    const requests = Array.from({ length: 20 }, (_, index) => {
      const n = step * 20 + index + 1;
      const body = '"type":"said","data":"' + generation + '/' + n + '"';
      return ${request};
    });
    const outcomes = await log.append(requests);
    const answered = requests.map((request, index) => ({ ...request, ...outcomes[index] }));
    process.stdout.write(JSON.stringify(answered) + '\\n');
  }
`;
const KEYED = victim("{ channel: n % 4 === 0 ? 'side' : 'main', body, key: generation + '/' + n }");
const PRODUCER = victim(
  "{ channel: 'main', body, producer: { id: 'p', epoch: Number(generation), sequence: n } }",
);

interface Answered {
  readonly channel: string;
  readonly body: string;
  readonly key: string;
  readonly cursor: Cursor;
  readonly at: string;
}

it('LOG-11: answered appends outlive two killed processes, at their offsets and in their epoch', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-kill-'));
  try {
    await fillPgliteFolder(PGlite, folder);
    const answered: Answered[] = [];
    for (const generation of [1, 2]) {
      answered.push(
        ...(await appendUntilKilled<Answered>({
          source: KEYED,
          args: [folder, `${generation}`],
          folder: import.meta.dirname,
        })),
      );
      await expectKept(folder, answered);
    }
    expect(new Set(answered.map(({ cursor }) => cursor.epoch)).size).toBe(1);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

it('LOG-12: a producer that was killed between append and answer repeats, and each event is there once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-kill-'));
  try {
    await fillPgliteFolder(PGlite, folder);
    for (const generation of [1, 2]) {
      const answered = (
        await appendUntilKilled<Answered>({
          source: PRODUCER,
          args: [folder, `${generation}`],
          folder: import.meta.dirname,
        })
      ).length;
      const pglite = await PGlite.create(folder);
      const { log, close } = pgliteEngine({ database: pgliteDatabase(pglite) });
      // It knows what was answered, not what was accepted: from there on it repeats, and goes on.
      const upTo = answered + 60;
      for (const sequence of range(answered + 1, upTo)) {
        const producer = { id: 'p', epoch: generation, sequence };
        const body = `"type":"said","data":"${generation}/${sequence}"`;
        const [outcome] = await log.append([{ channel: 'main', body, producer }]);
        expect(outcome).toHaveProperty('cursor');
      }
      const kept = dataOf(await readAll(log, 'main')).map(String);
      const own = kept.filter((text) => text.startsWith(`${generation}/`));
      expect(own).toEqual(range(1, upTo).map((sequence) => `${generation}/${sequence}`));
      await close();
      await pglite.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

async function expectKept(folder: string, answered: readonly Answered[]): Promise<void> {
  const pglite = await PGlite.create(folder);
  const { log, close } = pgliteEngine({ database: pgliteDatabase(pglite) });
  for (const channel of ['main', 'side']) {
    const page = await readAll(log, channel);
    // Appends that were under way may be there or not, but never leave a hole.
    expect(offsetsOf(page)).toEqual(range(1, page.head));
    const kept = new Map(page.entries.map(({ offset, text }) => [offset, text]));
    for (const { cursor, at, body } of answered.filter((one) => one.channel === channel)) {
      expect(cursor.epoch).toBe(page.epoch);
      expect(kept.get(cursor.offset)).toBe(encodeEvent(cursor.offset, at, body));
    }
  }
  const last = answered.at(-1);
  if (last === undefined) throw new Error('the process was killed before it answered anything');
  const { channel, body, key } = last;
  const [repeated] = await log.append([{ channel, body, key }]);
  expect(repeated).toEqual({ cursor: last.cursor, at: last.at, isDuplicate: true });
  await close();
  await pglite.close();
}
