// The keys that seal secrets at rest: those of ENCRYPTION_KEYS, or outside of production one that is made and kept beside
// the data, readable by its owner only. Refuses to own: sealing (sealing.ts).

import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface EncryptionKey {
  readonly id: string;
  readonly bytes: Buffer;
}

const KEY_BYTES = 32;
const ENTRY = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/]{43}=)$/;

/** `id:base64 of 32 bytes`, comma between; the first one seals, all open. Null where the text is none of that. */
export function parseEncryptionKeys(text: string): readonly EncryptionKey[] | null {
  const entries = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  const keys: EncryptionKey[] = [];
  for (const entry of entries) {
    const [, id, base64] = ENTRY.exec(entry) ?? [];
    if (id === undefined || base64 === undefined) return null;
    if (keys.some((key) => key.id === id)) return null;
    keys.push({ id, bytes: Buffer.from(base64, 'base64') });
  }
  return keys;
}

/** Made once: two starts at the same time agree on one. */
export async function keepEncryptionKey(folder: string): Promise<readonly EncryptionKey[]> {
  const file = join(folder, 'encryption-key');
  await mkdir(folder, { recursive: true });
  const made = `kept:${randomBytes(KEY_BYTES).toString('base64')}`;
  const text = await writeFile(file, made, { flag: 'wx', mode: 0o600 }).then(
    () => made,
    async (error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      return (await readFile(file, 'utf8')).trim();
    },
  );
  const keys = parseEncryptionKeys(text);
  if (keys === null || keys.length === 0) throw new Error(`${file} holds no key.`);
  return keys;
}
