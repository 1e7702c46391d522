import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keepEncryptionKey, parseEncryptionKeys } from './encryption-keys.ts';
import { createSealing } from './sealing.ts';

const bytes = (fill: number): string => Buffer.alloc(32, fill).toString('base64');
const keysOf = (text: string) => parseEncryptionKeys(text) ?? [];
const old = createSealing(keysOf(`a:${bytes(1)}`));
const both = createSealing(keysOf(`b:${bytes(2)},a:${bytes(1)}`));

test('CHAT-7: what is sealed opens again, for what it was sealed for and for nothing else', () => {
  const sealed = old.seal('sk-secret', ['ada', 'model', 'https://a.example']);
  expect(JSON.stringify(sealed)).not.toContain('sk-secret');
  expect(old.open(sealed, ['ada', 'model', 'https://a.example'])).toBe('sk-secret');
  for (const isFor of [
    ['eve', 'model', 'https://a.example'],
    ['ada', 'model', 'https://b.example'],
    [],
  ]) {
    expect(() => old.open(sealed, isFor)).toThrow('not of this place');
  }
  const changed = { ...sealed, ciphertext: Buffer.from('other bytes').toString('base64') };
  expect(() => old.open(changed, ['ada', 'model', 'https://a.example'])).toThrow(
    'not of this place',
  );
  expect(() => old.open({ ...sealed, tag: sealed.tag.slice(0, 8) }, [])).toThrow(
    'not of this place',
  );
  expect(old.seal('sk-secret', ['x']).nonce).not.toBe(old.seal('sk-secret', ['x']).nonce);
});

test('a new first key opens what an older one sealed, and says that it is old', () => {
  const sealed = old.seal('sk-secret', ['x']);
  expect(both.open(sealed, ['x'])).toBe('sk-secret');
  expect(both.isOld(sealed)).toBe(true);
  const anew = both.seal('sk-secret', ['x']);
  expect(both.isOld(anew)).toBe(false);
  expect(() => old.open(anew, ['x'])).toThrow('encryption key "b" is not given');
});

test('without a key nothing is kept, and the words say what is missing', () => {
  expect(() => createSealing([]).seal('sk-secret', ['x'])).toThrow('ENCRYPTION_KEYS is not set');
});

test('keys have an id and 32 bytes, each id once', () => {
  expect(keysOf(`a:${bytes(1)}, b:${bytes(2)}`).map(({ id }) => id)).toEqual(['a', 'b']);
  for (const text of ['a', `a:${bytes(1)},a:${bytes(2)}`, `:${bytes(1)}`, 'a:c2hvcnQ=']) {
    expect(parseEncryptionKeys(text)).toBeNull();
  }
});

test('a key that is kept beside the data is made once, and its owner’s alone to read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'desk-key-'));
  try {
    const [one, other] = await Promise.all([keepEncryptionKey(folder), keepEncryptionKey(folder)]);
    expect(one).toEqual(other);
    expect(await keepEncryptionKey(folder)).toEqual(one);
    expect((await stat(join(folder, 'encryption-key'))).mode & 0o777).toBe(0o600);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
