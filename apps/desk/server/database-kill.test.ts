// Killed while it writes: what was answered is there when the folder is opened again, nothing is there by half,
// and the channel goes on in the same epoch where it was. Twice over on one folder.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createHub } from '@millrace/server';
import { pgliteEngine } from '@millrace/server/postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { agentMessages } from '../shared/channels.ts';
import { openStorage } from './database-storage.ts';
import { fillDataFolder } from './testing/data-template.ts';
import { eventually } from './testing/eventually.ts';

let folder = '';
const children: ChildProcess[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'desk-kill-'));
  await fillDataFolder(folder);
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

const { PATH, NODE_COMPILE_CACHE } = process.env;
const inherited = { PATH, NODE_COMPILE_CACHE };

const here = (path: string): string =>
  JSON.stringify(pathToFileURL(join(import.meta.dirname, path)).href);

/** Posts three messages at a time and says each answered batch; leaves a transaction open beside them. */
const WRITER = `
  const { openStorage } = await import(${here('database-storage.ts')});
  const { createMessageBoard } = await import(${here('chat/message-board.ts')});
  const { agentMessages } = await import(${here('../shared/channels.ts')});
  const { createHub } = await import('@millrace/server');
  const { pgliteEngine } = await import('@millrace/server/postgres');
  const storage = await openStorage(process.env.FOLDER);
  const hub = createHub({
    contracts: [agentMessages], engine: pgliteEngine({ database: storage.sql }), authorize: () => true,
  });
  const board = createMessageBoard({ hub, inTransaction: storage.inMessageTransaction });
  const draft = { agentId: 'claude_arbitrage', type: 'opinion', content: 'Before the end.' };
  for (let n = 0; ; n += 1) {
    const posted = await board.post([draft, draft, draft]);
    console.log(posted.map(({ id }) => id).join(' '));
    if (n === 20) {
      storage.inMessageTransaction(async (insert, tx) => {
        const data = { ...posted[0], id: '01a1fae3-0000-7000-8000-00000000dead' };
        await insert([data]);
        await hub.publishMany([{ channel: agentMessages.of(), event: { type: 'message', data } }], { tx });
        console.log('HALF');
        for (;;) await tx.query('select pg_sleep(0.01)', []);
      });
    }
  }`;

function startWriter(): { child: ChildProcess; said: () => string } {
  const child = spawn(
    process.execPath,
    ['--conditions=@millrace/source', '--input-type=module', '-e', WRITER],
    {
      env: { ...inherited, FOLDER: folder },
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: import.meta.dirname,
    },
  );
  children.push(child);
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  return { child, said: () => said };
}

test('a process killed in the middle of a transaction leaves what it had answered, and nothing of the rest', async () => {
  const answered: string[] = [];
  const epochs = new Set<string>();
  let head = 0;
  for (let round = 0; round < 2; round += 1) {
    const { child, said } = startWriter();
    await eventually('a transaction was open', () => said().includes('HALF'), 20_000);
    child.kill('SIGKILL');
    await once(child, 'close');
    answered.push(
      ...said()
        .split('\n')
        .slice(0, -1)
        .filter((line) => line !== 'HALF')
        .flatMap((line) => line.split(' ')),
    );

    const storage = await openStorage(folder);
    const hub = createHub({
      contracts: [agentMessages],
      engine: pgliteEngine({ database: storage.sql }),
      authorize: () => true,
    });
    const rows = await storage.sql.query('select id from desk.agent_messages order by id', []);
    const stored = rows.map(({ id }) => id);
    expect(stored).toEqual(expect.arrayContaining(answered));
    // A batch that was committed and whose answer the kill swallowed is there whole.
    expect(stored.length % 3).toBe(0);
    expect(stored).not.toContain('01a1fae3-0000-7000-8000-00000000dead');

    // What the kill came before is appended now.
    await hub.relayed();
    const page = await hub.history(agentMessages.of(), { last: 1_000, limit: 1_000 });
    const told = page.events.map(({ data }) => data.id);
    expect(told.toSorted()).toEqual(stored);
    expect(page.events.map(({ offset }) => Number(offset))).toEqual(stored.map((_, n) => n + 1));
    epochs.add(page.next.epoch);
    expect(Number(page.next.offset)).toBeGreaterThan(head);
    head = Number(page.next.offset);
    await hub.close();
    await storage.close();
  }
  expect(epochs.size).toBe(1);
}, 90_000);

test('a first start that was killed half-way is made again', async () => {
  const young = await mkdtemp(join(tmpdir(), 'desk-young-'));
  try {
    const child = spawn(
      process.execPath,
      [
        '--conditions=@millrace/source',
        '--input-type=module',
        '-e',
        `(await import(${here('database-storage.ts')})).openStorage(process.env.FOLDER);`,
      ],
      { env: { ...inherited, FOLDER: young }, stdio: 'inherit' },
    );
    children.push(child);
    const hasBegun = async (): Promise<boolean> =>
      (await readdir(join(young, 'pg')).catch((): string[] => [])).includes('PG_VERSION');
    await eventually('it was under way', hasBegun, 20_000);
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(await readdir(young)).toContain('pg.making');
    const storage = await openStorage(young);
    expect(await storage.users.list()).toEqual([]);
    await storage.close();
    expect(await readdir(young)).not.toContain('pg.making');
  } finally {
    await rm(young, { recursive: true, force: true });
  }
});

test('a folder that cannot be written to is one plain line', async () => {
  const file = join(folder, 'a-file');
  await writeFile(file, '');
  await expect(openStorage(join(file, 'data'))).rejects.toMatchObject({
    code: 'settings/invalid',
    message: expect.stringMatching(/^DATA_DIR is .*a-file.* cannot be written to \(.*\)\. Give/),
  });
});
