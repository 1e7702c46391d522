// Messages: what is read is what the script wrote, and what is not of ours is nothing.

import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { messageHead, messageStart, parseMessage, startsWith } from './message.ts';

const texts = [
  '{"offset":6,"at":"x","type":"é","data":",\\"entries\\":["}',
  '{"offset":7,"data":"👍"}',
];
const lengths = texts.map((text) => Buffer.byteLength(text)).join(',');
const head = messageHead('millrace:', 'k3JdX0aP');
const message = `${head},"epoch":"e-1","head":7,"ended":true,"lengths":[${lengths}],"entries":[${texts.join(',')}]}`;

test('REDIS-3: a message is JSON, and its entries are cut out as they are', () => {
  expect(JSON.parse(message)).toMatchObject({ log: 'millrace:', origin: 'k3JdX0aP', head: 7 });
  expect(parseMessage(Buffer.from(message))).toEqual({
    epoch: 'e-1',
    head: 7,
    isEnded: true,
    entries: texts.map((text, index) => ({ offset: 6 + index, text })),
  });
});

test('REDIS-3: one knows its own messages, and those of another prefix, by how they begin', () => {
  const payload = Buffer.from(message);
  expect(startsWith(payload, Buffer.from(head))).toBe(true);
  expect(startsWith(payload, Buffer.from(messageHead('millrace:', 'k3JdX0aQ')))).toBe(false);
  expect(startsWith(payload, Buffer.from(messageStart('other:')))).toBe(false);
  expect(startsWith(payload.subarray(0, 9), Buffer.from(head))).toBe(false);
});

test.each([
  'hello',
  '{}',
  `${head},"entries":[]}`,
  `${head},"epoch":"e","head":1,"ended":false,"lengths":[9,9],"entries":[{}]}`,
  `${head},"epoch":"e","head":1,"ended":false,"lengths":[900],"entries":[{}]}`,
  `${head},"epoch":"e","head":-1,"ended":false,"lengths":[],"entries":[]}`,
])('REDIS-3: %s is no message of an engine', (text) => {
  expect(parseMessage(Buffer.from(text))).toBeNull();
});
