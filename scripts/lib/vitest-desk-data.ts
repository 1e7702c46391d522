// A folder for the database that tests of Desk copy (apps/desk/server/testing/data-template.ts), for as long as a run of
// tests takes.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export default async function setUp(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'desk-test-data-'));
  // Workers inherit it.
  process.env['DESK_TEST_DATA'] = folder;
  return () => rm(folder, { recursive: true, force: true });
}
