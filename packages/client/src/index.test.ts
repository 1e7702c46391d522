// The public names, and what their types promise. A change here is a change of the API.

import { defineChannel, type StandardSchema } from '@millrace/protocol';
import { expect, expectTypeOf, test } from 'vitest';
import * as entry from './index.ts';
import { connectionState, createClient } from './index.ts';
import * as testing from './testing/index.ts';

test('the entries export these names', () => {
  expect(Object.keys(entry).sort()).toEqual([
    'ConnectionState',
    'connectionState',
    'createClient',
    'createSSEClient',
    'parseSSEMessage',
  ]);
  expect(Object.keys(testing).sort()).toEqual([
    'createFakeLink',
    'createFakeStreams',
    'initialConnection',
    'linksOf',
    'stepConnection',
    'timersOf',
  ]);
});

test('a subscription knows its events and its state from the contract alone', () => {
  const schema: StandardSchema<{ readonly done: number }> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => ({ value: value as { done: number } }),
    },
  };
  const progress = defineChannel({
    type: 'progress',
    params: ['job'],
    events: { moved: schema },
    state: { initial: 0, reduce: (_, { data }) => data.done },
  });
  const client = createClient({
    url: 'http://hub.test',
    environment: { setTimer: () => () => undefined },
  });
  const end = client.subscribe(progress.of({ job: '1' }), {
    onEvent: (event) => expectTypeOf(event.data).toEqualTypeOf<{ readonly done: number }>(),
    onState: (state) => expectTypeOf(state).toEqualTypeOf<number>(),
  });
  end();
  const channel = progress.of({ job: '1' });
  const ignore = (): undefined => undefined;
  const gone = { type: 'gone', data: { done: 1 } } as const;
  const empty = { type: 'moved', data: {} } as const;
  // @ts-expect-error no such event
  client.publish(channel, gone).catch(ignore);
  // @ts-expect-error data of another shape
  client.publish(channel, empty).catch(ignore);
  expect(connectionState({ status: 'idle' })).toBe('disconnected');
  return client.close();
});

test('misuse throws at the call', () => {
  expect(() => createClient({ url: '/realtime' })).toThrow('Give an absolute one');
  expect(() => createClient({ url: 'http://hub.test', transports: [] })).toThrow(
    '`transports` is empty',
  );
});
