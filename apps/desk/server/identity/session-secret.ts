// The secret that signs sessions where none is set: made once and kept beside the data, readable by its owner only.
// Production never comes here (settings/read.ts refuses before).

import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export async function keepSessionSecret(folder: string): Promise<string> {
  const file = join(folder, 'session-secret');
  await mkdir(folder, { recursive: true });
  const made = randomBytes(32).toString('hex');
  try {
    // `wx` fails where it exists, so that two starts at once agree on one secret.
    await writeFile(file, made, { flag: 'wx', mode: 0o600 });
    return made;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    return (await readFile(file, 'utf8')).trim();
  }
}
