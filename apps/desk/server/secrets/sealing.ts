// Sealing what must not be readable at rest: AES-256-GCM, a fresh nonce each time. What a secret is for (whose it is,
// of which model, sent to where) is authenticated with it: a row's ciphertext that is moved to another row opens nowhere.

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { MillraceError } from '@millrace/protocol';
import type { EncryptionKey } from './encryption-keys.ts';

export interface Sealed {
  readonly keyId: string;
  /** Base64, as the others. */
  readonly nonce: string;
  readonly ciphertext: string;
  readonly tag: string;
}

export interface Sealing {
  /** Whether something is to be sealed anew: its key is not the first any more. */
  isOld(sealed: Sealed): boolean;
  /** @throws MillraceError `settings/invalid` where there is no key to seal with */
  seal(secret: string, isFor: readonly string[]): Sealed;
  /** @throws MillraceError `settings/invalid` where its key is missing, or it was sealed for something else */
  open(sealed: Sealed, isFor: readonly string[]): string;
}

const NONCE_BYTES = 12;

export function createSealing(keys: readonly EncryptionKey[]): Sealing {
  const [first] = keys;
  return {
    isOld: ({ keyId }) => first !== undefined && keyId !== first.id,
    seal(secret, isFor) {
      if (first === undefined) {
        throw new MillraceError(
          'settings/invalid',
          'This server keeps no secrets: ENCRYPTION_KEYS is not set. Whoever runs it can set it.',
        );
      }
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', first.bytes, nonce).setAAD(encode(isFor));
      const ciphertext = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
      return {
        keyId: first.id,
        nonce: nonce.toString('base64'),
        ciphertext: ciphertext.toString('base64'),
        tag: cipher.getAuthTag().toString('base64'),
      };
    },
    open(sealed, isFor) {
      const key = keys.find(({ id }) => id === sealed.keyId);
      if (key === undefined) throw closed(`its encryption key "${sealed.keyId}" is not given`);
      try {
        const nonce = Buffer.from(sealed.nonce, 'base64');
        const decipher = createDecipheriv('aes-256-gcm', key.bytes, nonce, { authTagLength: 16 })
          .setAAD(encode(isFor))
          .setAuthTag(Buffer.from(sealed.tag, 'base64'));
        const opened = [
          decipher.update(Buffer.from(sealed.ciphertext, 'base64')),
          decipher.final(),
        ];
        return Buffer.concat(opened).toString('utf8');
      } catch (cause) {
        throw closed('it does not open with its key, or it is not of this place', cause);
      }
    },
  };
}

function closed(why: string, cause?: unknown): MillraceError {
  return new MillraceError(
    'settings/invalid',
    `A kept key can't be read: ${why}. Enter it again, or give ENCRYPTION_KEYS the key it was sealed with.`,
    { cause },
  );
}

/** No two lists have the same bytes. */
function encode(isFor: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(isFor), 'utf8');
}
