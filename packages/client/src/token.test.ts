// The token source: asked once, never turned into nobody.

import { describe, expect, test } from 'vitest';
import { createTokenSource, tokenExpiresAt } from './token.ts';

describe('CLI-11', () => {
  test('however many links want it, the application is asked once', async () => {
    let asked = 0;
    const source = createTokenSource(() => {
      asked += 1;
      return Promise.resolve(`token-${asked}`);
    });
    expect(await Promise.all([source.get(), source.get(), source.get()])).toEqual([
      'token-1',
      'token-1',
      'token-1',
    ]);
    source.forget();
    expect(await Promise.all([source.get(), source.get()])).toEqual(['token-2', 'token-2']);
    expect(asked).toBe(2);
  });

  test('a refresh that fails, or finds no token any more, is an error and never a link without one', async () => {
    const answers: (() => Promise<string | null>)[] = [
      () => Promise.resolve('first'),
      () => Promise.reject(new Error('offline')),
      () => Promise.resolve(null),
      () => Promise.resolve('second'),
    ];
    const source = createTokenSource(() => answers.shift()?.() ?? Promise.resolve(null));
    expect(await source.get()).toBe('first');
    source.forget();
    await expect(source.get()).rejects.toMatchObject({ code: 'auth/expired' });
    await expect(source.get()).rejects.toMatchObject({ code: 'auth/required' });
    expect(await source.get()).toBe('second');
  });

  test('somebody who never had a token is nobody', async () => {
    expect(await createTokenSource(undefined).get()).toBeNull();
    expect(await createTokenSource(() => Promise.resolve(null)).get()).toBeNull();
    expect(createTokenSource('fixed').canRefresh).toBe(false);
  });
});

test('AUTH-3: a JWT says when it expires; anything else says nothing', () => {
  const payload = Buffer.from(JSON.stringify({ exp: 1_700_000_000 })).toString('base64url');
  expect(tokenExpiresAt(`e30.${payload}.sig`)).toBe(1_700_000_000_000);
  expect([
    tokenExpiresAt('opaque'),
    tokenExpiresAt('a.b.c'),
    tokenExpiresAt(`e30.${payload}`),
  ]).toEqual([null, null, null]);
});
