// Kills (SIGKILL) processes at each step of the way from a commit to the log, one after the other on one folder: what
// the folder's transactions have committed is in the log once, and nothing else is.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { expect, test } from 'vitest';
import { pgliteDatabase } from '../engines/postgres/pglite-database.ts';
import { pgliteEngine } from '../engines/postgres/pglite-engine.ts';
import { eventually } from '../testing/check.ts';
import { dataOf, readAll } from '../testing/engine-cases/engine-case.ts';
import { runOutbox } from '../testing/outbox-subject.ts';
import { fillPgliteFolder } from '../testing/ready-pglite.ts';

const here = (path: string): string => JSON.stringify(join(import.meta.dirname, path));

/**
 * Writes a row and three events in one transaction, and another one that it rolls back, and is killed at a step of the
 * relay, or within or after the transaction. What was left in the folder is its relay's first work.
 */
const VICTIM = `
  import { PGlite } from '@electric-sql/pglite';
  const { pgliteDatabase, pgliteEngine } = await import(${here('../engines/postgres/index.ts')});
  const { runOutbox } = await import(${here('../testing/outbox-subject.ts')});

  const [folder, generation, fatal] = process.argv.slice(1);
  const at = (step) => step === fatal && process.kill(process.pid, 'SIGKILL');
  const database = pgliteDatabase(await PGlite.create(folder));
  await database.query('create table if not exists note (text text primary key)');
  const { log } = pgliteEngine({ database });
  const { outbox } = runOutbox({ database, log, isKilledAt: at });
  const write = async (tx, name) => {
    await tx.query('insert into note (text) values ($1)', [name]);
    for (const part of [1, 2, 3]) {
      const text = name + '/' + part;
      const body = '"id":"' + text + '","type":"said","data":"' + text + '"';
      await outbox.write(tx, [{ channel: 'main', body, key: text }]);
    }
  };
  await database.transaction(async (tx) => {
    await write(tx, generation + ' undone');
    throw 'undone';
  }).catch(() => undefined);
  await database.transaction(async (tx) => {
    await write(tx, generation);
    at('before commit');
  });
  setTimeout(() => process.exit(3), 10_000);
`;

const STEPS = [
  'before commit',
  'before take',
  'after take',
  // What the one before has taken is left to it: killed while it takes over.
  'after claim',
  'after inherit',
  'after append',
  'after settle',
];

test('OUT-2: killed at any step, what was committed is delivered once, and nothing else is', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-outbox-'));
  try {
    await fillPgliteFolder(PGlite, folder);
    for (const step of STEPS) await killAt(folder, step);
    const pglite = await PGlite.create(folder);
    const database = pgliteDatabase(pglite);
    const { log, close } = pgliteEngine({ database });
    {
      await using subject = runOutbox({ database, log });
      await eventually(async () => {
        const [row] = await database.query('select count(*)::float8 as n from millrace.outbox', []);
        return row?.['n'] === 0;
      }, 'nothing waits');
      expect(subject.errors).toEqual([]);
    }
    const rows = await database.query('select text from note order by text', []);
    const committed = rows.map(({ text }) => String(text));
    const delivered = dataOf(await readAll(log, 'main')).map(String);
    expect(delivered.toSorted()).toEqual(
      committed.flatMap((name) => [1, 2, 3].map((n) => `${name}/${n}`)),
    );
    // One that is killed as it takes over may have had no turn to commit anything.
    expect(committed.length).toBeGreaterThanOrEqual(STEPS.length - 3);
    expect(committed).not.toContain('before commit');
    for (const name of committed) {
      const own = delivered.filter((text) => text.startsWith(`${name}/`));
      expect(own).toEqual([1, 2, 3].map((n) => `${name}/${n}`));
    }
    await close();
    await pglite.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

async function killAt(folder: string, step: string): Promise<void> {
  const child = spawn(
    process.execPath,
    ['--conditions=@millrace/source', '--input-type=module', '--eval', VICTIM, folder, step, step],
    { stdio: ['ignore', 'ignore', 'inherit'], cwd: import.meta.dirname },
  );
  const [, signal] = await once(child, 'exit');
  expect(`${step}: ${signal}`).toBe(`${step}: SIGKILL`);
}
