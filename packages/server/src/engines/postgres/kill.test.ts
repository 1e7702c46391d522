// Kills (SIGKILL) a process in the middle of appending and opens its folder again, twice. Rule: LOG-11.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PGlite } from '@electric-sql/pglite';
import type { Cursor } from '@millrace/protocol';
import { encodeEvent } from '@millrace/protocol/wire';
import { expect, it } from 'vitest';
import { offsetsOf, range, readAll } from '../../testing/engine-cases/engine-case.ts';
import { pgliteDatabase } from './pglite-database.ts';
import { pgliteEngine } from './pglite-engine.ts';

/** Appends to a folder until it is killed, and says on stdout what was answered. */
const VICTIM = `
  import { PGlite } from '@electric-sql/pglite';
  import { pgliteDatabase, pgliteEngine } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))};

  const [folder, generation] = process.argv.slice(1);
  const { log } = pgliteEngine({ database: pgliteDatabase(await PGlite.create(folder)) });
  for (let step = 1; ; step += 1) {
    const requests = Array.from({ length: 20 }, (_, index) => {
      const key = [generation, step, index].join('/');
      return { channel: index % 4 === 3 ? 'side' : 'main', body: '"type":"said","data":"' + key + '"', key };
    });
    const outcomes = await log.append(requests);
    const answered = requests.map((request, index) => ({ ...request, ...outcomes[index] }));
    process.stdout.write(JSON.stringify(answered) + '\\n');
  }
`;

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
    const answered: Answered[] = [];
    for (const generation of [1, 2]) {
      answered.push(...(await appendUntilKilled(folder, generation)));
      await expectKept(folder, answered);
    }
    expect(new Set(answered.map(({ cursor }) => cursor.epoch)).size).toBe(1);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 60_000);

async function appendUntilKilled(folder: string, generation: number): Promise<Answered[]> {
  const child = spawn(
    process.execPath,
    [
      '--conditions=@millrace/source',
      '--input-type=module',
      '--eval',
      VICTIM,
      folder,
      `${generation}`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], cwd: import.meta.dirname },
  );
  const exited = once(child, 'exit');
  const answered: Answered[] = [];
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    answered.push(...(JSON.parse(line) as Answered[]));
    lines += 1;
    // Between two batches of its own, wherever it stands by now; what is still in the pipe was answered too.
    if (lines === 25) child.kill('SIGKILL');
  }
  const [, signal] = await exited;
  expect(signal).toBe('SIGKILL');
  return answered;
}

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
