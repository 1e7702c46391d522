// A folder for the database that tests of Desk copy (apps/desk/server/testing/data-template.ts), for as long as a run of
// tests takes. Vitest calls both by their names.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let folder: string | null = null;

export async function setup(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'desk-test-data-'));
  // Workers inherit it.
  process.env['DESK_TEST_DATA'] = folder;
}

export async function teardown(): Promise<void> {
  if (folder !== null) await rm(folder, { recursive: true, force: true });
}
