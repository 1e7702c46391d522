// A folder for what a run of tests makes once and copies (packages/server/src/testing/made-once.ts), for as long as the
// run takes. Vitest calls both by their names, once for each project.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Workers, and what they start, inherit it. */
const PLACE = 'MILLRACE_TEST_DATA';
let folder: string | null = null;

export async function setup(): Promise<void> {
  if (process.env[PLACE] !== undefined) return;
  folder = await mkdtemp(join(tmpdir(), 'millrace-test-data-'));
  process.env[PLACE] = folder;
}

export async function teardown(): Promise<void> {
  if (folder !== null) await rm(folder, { recursive: true, force: true });
}
