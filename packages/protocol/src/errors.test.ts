// The one error class on its way over a wire.

import { expect, test } from 'vitest';
import { ERROR_CODES } from './error-traits.ts';
import {
  ERROR_POLICIES,
  type ErrorCode,
  isErrorCode,
  MillraceError,
  parseWireError,
  toMillraceError,
} from './errors.ts';

const codes = Object.keys(ERROR_CODES) as ErrorCode[];

test.each(codes)('ERR-1: %s is the same on the other side', (code) => {
  const error = new MillraceError(code, 'What happened. What to do.', { details: { limit: 1 } });
  const there = parseWireError(JSON.parse(JSON.stringify(error)));
  expect(there).toBeInstanceOf(MillraceError);
  expect([there.code, there.message, there.retryable, there.details]).toEqual([
    code,
    error.message,
    error.retryable,
    { limit: 1 },
  ]);
});

test('ERR-1: a retry can help exactly where the policy is to retry', () => {
  for (const code of codes) {
    const { status, close } = ERROR_CODES[code];
    expect(new MillraceError(code, '').retryable).toBe(
      ['retry', 'retry-slowly'].includes(ERROR_POLICIES[code]),
    );
    expect(status >= 400 && status < 600).toBe(true);
    expect(
      close === 0 || close === 1_000 || close === 1_012 || (close >= 4_400 && close < 4_600),
    ).toBe(true);
  }
});

test('ERR-1: no two codes share a close code, or the reason would be lost', () => {
  const closes = codes.map((code) => ERROR_CODES[code].close).filter((close) => close !== 0);
  expect(new Set(closes).size).toBe(closes.length);
});

test('ERR-2: cause and stack stay on their side', () => {
  const cause = new Error('password wrong');
  const text = JSON.stringify(new MillraceError('server/internal', 'Inside.', { cause }));
  expect(text).toBe('{"code":"server/internal","message":"Inside.","retryable":true}');
  const wrapped = toMillraceError(cause);
  expect([wrapped.code, wrapped.cause]).toEqual(['server/internal', cause]);
  expect(JSON.stringify(wrapped)).not.toContain('password');
});

test('ERR-3: a code of the future keeps its text and whether to retry', () => {
  const future = { code: 'future/thing', message: 'New.', retryable: true };
  const there = parseWireError(future);
  expect([there.message, there.retryable, there.details]).toEqual([
    'New.',
    true,
    { peerCode: 'future/thing' },
  ]);
  expect(parseWireError({ ...future, retryable: false }).message).toBe('New.');
  expect(isErrorCode('constructor')).toBe(false);
});

test.each([null, undefined, 7, 'text', [], {}, { code: 7, message: 7 }])(
  'ERR-1: even from %j an error is made',
  (value) => {
    expect(parseWireError(value)).toBeInstanceOf(MillraceError);
  },
);

test('ERR-3: a final error of the future is not retried', () => {
  expect(
    parseWireError({ code: 'future/thing', message: 'Stop.', retryable: false }).retryable,
  ).toBe(false);
});
