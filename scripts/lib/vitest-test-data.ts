// A folder for all files of a run of tests, in memory where that can be had, and in it what is made once and copied
// (packages/server/src/testing/made-once.ts). It goes with the run, and what a test left behind goes with it. Vitest calls
// both by their names, once for each project.

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryPlace, ownPrefix, removeOrphans } from './memory-folder.ts';

/** Workers, and what they start, inherit it. */
const PLACE = 'MILLRACE_TEST_DATA';
const PREFIX = 'millrace-run-';
let folder: string | null = null;

export async function setup(): Promise<void> {
  if (process.env[PLACE] !== undefined) return;
  const memory = await memoryPlace();
  // A run that was killed has left its memory taken.
  if (memory !== null) await removeOrphans(memory, PREFIX);
  folder = await mkdtemp(join(memory ?? tmpdir(), await ownPrefix(PREFIX)));
  // Like the system's own: servers that are started as another user have folders in it.
  await chmod(folder, 0o1777);
  process.env[PLACE] = folder;
  process.env['TMPDIR'] = folder;
}

export async function teardown(): Promise<void> {
  // Servers that were killed a moment ago may still be closing files in it.
  if (folder !== null) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
