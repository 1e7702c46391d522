// Settings from the environment: defaults, plain refusals, and what production does not start with.

import { MillraceError } from '@millrace/protocol';
import { expect, test } from 'vitest';
import { readSettings } from './read.ts';
import { SETTINGS } from './table.ts';

const SECRET = 'a-secret-nobody-may-read';
const production = { NODE_ENV: 'production', SESSION_SECRET: SECRET, TRUST_PROXY: '127.0.0.1' };

function refusal(environment: Record<string, string>): string {
  try {
    readSettings(environment);
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'settings/invalid') return error.message;
    throw error;
  }
  throw new Error('these settings were accepted');
}

test('an empty environment gives the documented defaults', () => {
  expect(readSettings({})).toMatchObject({
    PORT: 3_000,
    HOST: '127.0.0.1',
    DATA_DIR: './data',
    GENERATE_MESSAGES_PER_AGENT: 2,
    GENERATE_CRON: '',
    hasDevSignIn: true,
    isProduction: false,
  });
});

test('an empty or blank value counts as not given', () => {
  expect(readSettings({ PORT: '  ' }).PORT).toBe(3_000);
});

test('every problem is told at once, with name, value and what is allowed', () => {
  const text = refusal({ PORT: '99999', LOG_LEVEL: 'loud', GENERATE_CRON: '61 * * * *' });
  expect(text).toContain('PORT is "99999"; it must be a port, 0 to 65535.');
  expect(text).toContain('LOG_LEVEL is "loud"; it must be trace,');
  expect(text).toContain('GENERATE_CRON is "61 * * * *"; it must be a cron expression');
});

test.each([
  ['PORT', '3000x'],
  ['HOST', 'not a host'],
  ['ORIGINS', 'https://app.example/path'],
  ['ORIGINS', 'null'],
  ['TRUST_PROXY', '10.0.0.0/33'],
  ['HEARTBEAT_MS', '31000'],
  ['CHAT_EVERY_MS', '5'],
  ['MARKET_TICK_MS', '0'],
  ['DEV_SIGN_IN', 'yes'],
  ['GENERATE_CRON', '*/15 * * *'],
  ['AI_MODELS', 'openai/*'],
])('%s=%s is refused by name', (name, value) => {
  expect(refusal({ [name]: value })).toContain(`${name} is "${value}"; it must be `);
});

test.each([
  [{ AI_BASE_URL: 'https://ai.example/v1' }, 'AI_MODEL is missing'],
  [{ AI_MODELS: 'large' }, 'AI_MODELS names models of an AI provider, and there is none'],
  [{ OPENAI_MODEL_MAP: 'gpt-4o=large' }, 'OPENAI_MODEL_MAP names a model of an AI provider'],
])('what needs an AI provider is refused without one: %o', (environment, problem) => {
  expect(refusal(environment)).toContain(problem);
});

test('a secret that is too short is refused without being shown', () => {
  const text = refusal({ CRON_SECRET: 'hunter2' });
  expect(text).toContain('CRON_SECRET is a text of 7 characters');
  expect(text).not.toContain('hunter2');
});

test('production starts with a secret and a trusted proxy, and without the sign-in by name', () => {
  expect(readSettings(production)).toMatchObject({ isProduction: true, hasDevSignIn: false });
});

test('production refuses the sign-in by name, a missing secret and plain HTTP, all at once', () => {
  const text = refusal({ NODE_ENV: 'production', DEV_SIGN_IN: 'on' });
  expect(text).toContain('DEV_SIGN_IN is on');
  expect(text).toContain('SESSION_SECRET is missing');
  expect(text).toContain('TRUST_PROXY is missing');
});

test('no two settings mean the same', () => {
  expect(new Set(SETTINGS.map(({ meaning }) => meaning)).size).toBe(SETTINGS.length);
});

test('each setting says what it means and what is allowed, and its default is accepted', () => {
  for (const { name, meaning, allowed, fallback } of SETTINGS) {
    expect(meaning, name).not.toBe('');
    expect(allowed, name).not.toBe('');
    expect(() => readSettings({ [name]: fallback }), name).not.toThrow();
  }
});
