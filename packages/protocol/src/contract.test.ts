// What a definition may not say, and what it means when it says nothing.

import { expect, test } from 'vitest';
import { shape, text } from './channels/shape.ts';
import { type ChannelDefinition, defineChannel, type EventSchemas } from './contract.ts';
import { checkSchema, type StandardSchema } from './standard-schema.ts';

const events = { said: shape({ text: text(10) }) };

test.each<[string, Partial<ChannelDefinition<string, EventSchemas, unknown>>]>([
  ['a type of capitals', { type: 'Room' }],
  ['no events', { events: {} }],
  ['a parameter twice', { params: ['id', 'id'] }],
  ['state delivery without state', { deliver: 'state' }],
  ['version 0', { version: 0 }],
  ['half an event kept', { history: { size: 0.5 } }],
  ['history of no time', { history: { maxAgeMs: 0 } }],
  ['a negative pace', { everyMs: -1 }],
  ['leaving after no time', { leaveAfterMs: 0 }],
  ['ephemeral events of no time', { ephemeral: events, events: {}, ephemeralForMs: 0 }],
  ['an event that is ephemeral too', { ephemeral: events }],
])('CHAN-3: %s is refused when it is defined', (_name, part) => {
  expect(() => defineChannel({ type: 'room', events, ...part })).toThrowError(
    expect.objectContaining({ code: 'contract/invalid' }),
  );
});

test('AUTH-2: what says nothing of access is read by permission and written by the server', () => {
  expect(defineChannel({ type: 'room', events })).toMatchObject({
    access: {
      subscribe: 'authorized',
      publish: 'server',
      presence: 'authorized',
      ephemeral: 'authorized',
    },
    version: 1,
    deliver: 'events',
    history: { size: 1_000, maxAgeMs: 86_400_000 },
  });
});

test('CHAN-3: a channel may have ephemeral events alone', () => {
  expect(defineChannel({ type: 'pointers', events: {}, ephemeral: events })).toMatchObject({
    ephemeral: events,
    ephemeralForMs: 5_000,
    leaveAfterMs: undefined,
  });
});

test('CHAN-4: what is wrong is said by its path, at most five of it', () => {
  const fields = Object.fromEntries('abcdefg'.split('').map((name) => [name, text(3)]));
  expect(checkSchema(shape(fields), { a: 'ok' })).toEqual({
    problems: 'bcdef'.split('').map((name) => `${name}: must be a text of 1 to 3 characters`),
  });
});

test('CHAN-4: a schema that validates asynchronously is refused, and its rejection goes nowhere', () => {
  const late: StandardSchema = {
    '~standard': { version: 1, vendor: 'test', validate: () => Promise.reject(new Error('late')) },
  };
  expect(() => checkSchema(late, 1)).toThrowError(
    expect.objectContaining({ code: 'contract/invalid' }),
  );
});
