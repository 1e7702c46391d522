import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ownPrefix, removeOrphans } from './memory-folder.ts';

test('folders of processes that are gone are removed, and no others', async () => {
  const place = await mkdtemp(join(tmpdir(), 'orphans-'));
  const { pid: gone } = spawnSync(process.execPath, ['-e', '']);
  const mine = await ownPrefix('run-');
  const theirs = mine.replace(`${process.pid}`, `${gone}`);
  const kept = [`${mine}x`, theirs.replace('run-', 'other-'), `run-1-${gone}-x`, 'run-x'];
  for (const name of [...kept, `${theirs}x`]) await mkdir(join(place, name));
  await removeOrphans(place, 'run-');
  expect((await readdir(place)).toSorted()).toEqual(kept.toSorted());
  await rm(place, { recursive: true });
});
