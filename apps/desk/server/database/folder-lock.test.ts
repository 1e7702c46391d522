// The lock of the data folder, between processes: who is refused, what a dead one leaves, and races.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockFolder } from './folder-lock.ts';
import { ownMark } from './process-mark.ts';

let folder = '';
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'desk-lock-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

/** A process that locks the folder at a moment, says `locked` or why not, and stays. */
function contender(atMs = 0): { child: ChildProcess; said: Promise<string> } {
  const module = pathToFileURL(join(import.meta.dirname, 'folder-lock.ts')).href;
  const code = `
    const { lockFolder } = await import(${JSON.stringify(module)});
    while (Date.now() < ${atMs});
    await lockFolder(${JSON.stringify(folder)}).then(
      () => console.log('locked'), (error) => console.log(error.code + ' ' + error.message));
    setInterval(() => undefined, 1000);`;
  const child = spawn(
    process.execPath,
    ['--conditions=@millrace/source', '--input-type=module', '-e', code],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  children.push(child);
  return { child, said: once(child.stdout, 'data').then(([chunk]) => String(chunk).trim()) };
}

test('a second process is refused with one line that names the first', async () => {
  const first = contender();
  expect(await first.said).toBe('locked');
  const error: unknown = await lockFolder(folder).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: 'settings/data-locked',
    message: `The data folder ${folder} is in use by process ${first.child.pid}. Stop it, or set DATA_DIR to another folder.`,
  });
});

test('within one process the folder is held as well, until it is released', async () => {
  const lock = await lockFolder(folder);
  await expect(lockFolder(folder)).rejects.toThrow('in use by this process');
  await lock.release();
  await lock.release();
  const again = await lockFolder(folder);
  await expect(lockFolder(folder)).rejects.toMatchObject({ code: 'settings/data-locked' });
  await again.release();
});

test('what a killed process held is taken over, and nothing piles up', async () => {
  for (let round = 0; round < 2; round += 1) {
    const { child, said } = contender();
    expect(await said).toBe('locked');
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  await lockFolder(folder);
  expect(await readdir(folder)).toHaveLength(1);
});

test.runIf(process.platform === 'linux')(
  'a later process of the same number is not taken for the one that locked',
  async () => {
    const own = await ownMark();
    const earlier = JSON.stringify({ ...own, startedAt: `${own.startedAt}0` });
    await writeFile(join(folder, 'desk.4.lock'), earlier);
    await lockFolder(folder);
    await expect(lockFolder(folder)).rejects.toMatchObject({ code: 'settings/data-locked' });
  },
);

test('a torn lock holds nobody off', async () => {
  await writeFile(join(folder, 'desk.1.lock'), '{"pid":');
  await lockFolder(folder);
  expect(await readdir(folder)).toEqual(['desk.2.lock']);
});

test('of starts that race for a new folder and for a dead lock, exactly one wins', async () => {
  for (const stale of [false, true]) {
    if (stale) {
      for (const child of children.splice(0)) {
        child.kill('SIGKILL');
        await once(child, 'close');
      }
    }
    const atMs = Date.now() + 700;
    const all = [1, 2, 3, 4].map(() => contender(atMs));
    const said = await Promise.all(all.map((one) => one.said));
    expect(said.filter((text) => text === 'locked')).toHaveLength(1);
    expect(said.filter((text) => text.startsWith('settings/data-locked'))).toHaveLength(3);
  }
});

test('locked and released over and over by many at once, it never lets two in', async () => {
  let inside = 0;
  let most = 0;
  let entered = 0;
  const runner = async (): Promise<void> => {
    while (entered < 60) {
      const lock = await lockFolder(folder).catch(() => null);
      if (lock === null) continue;
      inside += 1;
      entered += 1;
      most = Math.max(most, inside);
      await readdir(folder);
      inside -= 1;
      await lock.release();
    }
  };
  await Promise.all([runner(), runner(), runner(), runner(), runner()]);
  expect(most).toBe(1);
});
