// What `onError` hears, and how often.

import { MillraceError } from '@millrace/protocol';
import { expect, test, vi } from 'vitest';
import { createErrorSink } from './error-sink.ts';

const unavailable = () => new MillraceError('engine/unavailable', 'No answer.');

test('the same failure is told once in five seconds, then with how often it came', () => {
  let now = 0;
  const heard: string[] = [];
  const sink = createErrorSink(
    ({ message }) => heard.push(message),
    () => now,
  );
  for (let index = 0; index < 1_000; index += 1) sink(unavailable());
  sink(new MillraceError('server/internal', 'Something else.'));
  now = 5_001;
  sink(unavailable());
  expect(heard).toEqual([
    'No answer.',
    'Something else.',
    'No answer. (999 times more since it was last told)',
  ]);
});

test('two defects with one message but two causes are two', () => {
  const causes: unknown[] = [];
  const sink = createErrorSink(({ cause }) => causes.push(cause));
  for (const cause of [new TypeError('a'), new TypeError('b')]) {
    sink(new MillraceError('server/internal', 'Something failed.', { cause }));
  }
  expect(causes.map(String)).toEqual(['TypeError: a', 'TypeError: b']);
});

test('a sink that throws harms nobody: both failures go to the console', () => {
  const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const sink = createErrorSink(() => {
    throw new Error('the sink');
  });
  expect(() => sink(unavailable())).not.toThrow();
  expect(logged).toHaveBeenCalledTimes(2);
  logged.mockRestore();
});
