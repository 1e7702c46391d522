// A model's own AI, from the settings form to the provider's wire (spec E4), through a whole Desk.

import { createModelServer, type ModelServer } from '@millrace/ai/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ModelAiAnswer } from '../../shared/chat-api.ts';
import type { Facts, Log } from '../log.ts';
import { type ChatDesk, scriptedAnalyst, startChatDesk } from '../testing/chat-desk.ts';
import { eventually } from '../testing/eventually.ts';

const KEY = 'sk-secret-of-ada-7890';
const lines: string[] = [];
const keep = (facts: Facts, step: string): void => {
  lines.push(JSON.stringify({ ...facts, step }));
};
const log: Log = { debug: keep, info: keep, warn: keep, error: keep };

let desk: ChatDesk;
let provider: ModelServer;
let path: string;
beforeAll(async () => {
  desk = await startChatDesk({ analyst: scriptedAnalyst(() => ['By rules.']), log });
  path = `/api/models/${desk.modelId}/ai`;
});
afterAll(() => desk[Symbol.asyncDispose]());
beforeEach(async () => {
  provider = await createModelServer();
});
afterEach(() => provider.close());

async function save(user: string, body: object): Promise<ModelAiAnswer> {
  const response = await desk.ask(user, path, { method: 'PUT', body });
  expect(response.status).toBe(200);
  return (await response.json()) as ModelAiAnswer;
}

async function answerTo(user: string, message: string): Promise<unknown> {
  const response = await desk.ask(user, `${desk.run}/chat`, { body: { message } });
  return ((await response.json()) as { response: unknown }).response;
}

test('without settings the built-in analyst answers, and the defaults are shown', async () => {
  const shown = await (await desk.ask('zoe', path)).json();
  expect(shown).toEqual({
    ...{ provider: 'OpenRouter', baseUrl: 'https://openrouter.ai/api/v1', aiModel: '' },
    parameters: { temperature: 0.7, top_p: 0.9, max_completion_tokens: 32_000 },
    ...{ hasKey: false, keyLastFour: null, answers: 'built-in', answersAs: 'built-in-analyst' },
  });
  expect(await answerTo('zoe', 'Why?')).toBe('By rules.');
});

test('CHAT-7: with a key the provider answers: model, parameters and key are on its wire; the key is nowhere else', async () => {
  const saved = await save('ada', { baseUrl: provider.url, aiModel: 'house/large', key: KEY });
  expect(saved).toMatchObject({ hasKey: true, keyLastFour: '7890', answers: 'own-key' });
  expect(JSON.stringify(saved)).not.toContain(KEY);
  expect(await (await desk.ask('ada', path)).text()).not.toContain(KEY);
  expect(await answerTo('ada', 'Why?')).toBe('Fine.');
  const [request] = provider.requests;
  expect(request?.body).toMatchObject({
    ...{ model: 'house/large', stream: true, stream_options: { include_usage: true } },
    ...{ temperature: 0.7, top_p: 0.9, max_completion_tokens: 32_000 },
  });
  expect(request?.body).not.toHaveProperty('max_tokens');
  expect(request?.headers['authorization']).toMatch(/^Bearer sk-/);
  expect(lines.join('\n')).not.toContain(KEY);
});

test('CHAT-7: parameters that are set are those that are sent, and none that is not the model’s', async () => {
  const parameters = { temperature: 0, seed: 7, stop: ['END'], max_completion_tokens: 100 };
  await save('bob', { baseUrl: provider.url, aiModel: 'm', key: KEY, parameters });
  await answerTo('bob', 'Why?');
  expect(provider.requests[0]?.body).toMatchObject(parameters);
  expect(provider.requests[0]?.body).not.toHaveProperty('top_p');
  const refused = await desk.ask('bob', path, {
    method: 'PUT',
    body: { parameters: { model: 'x' } },
  });
  expect(refused.status).toBe(400);
});

test('settings count at the next question, and are the asking user’s own', async () => {
  await save('cleo', { baseUrl: provider.url, aiModel: 'one', key: KEY });
  await answerTo('cleo', 'First?');
  await save('cleo', { aiModel: 'two' });
  await answerTo('cleo', 'Second?');
  expect(provider.requests.map(({ model }) => model)).toEqual(['one', 'two']);
  expect(await answerTo('dan', 'And I?')).toBe('By rules.');
  expect(provider.requests).toHaveLength(2);
});

test('CHAT-7: a key is not sent anywhere else than to the address it was given for', async () => {
  await save('eve', { baseUrl: provider.url, aiModel: 'm', key: KEY });
  const moved = await save('eve', { baseUrl: `${provider.url}/elsewhere` });
  expect(moved).toMatchObject({ hasKey: false, keyLastFour: null, answers: 'built-in' });
  const back = await save('eve', { baseUrl: provider.url, key: KEY });
  expect(back.hasKey).toBe(true);
  expect(await save('eve', { key: null })).toMatchObject({ hasKey: false });
});

test('the test asks the provider, and says plainly what is wrong', async () => {
  await save('flo', { baseUrl: provider.url, aiModel: 'm', key: KEY });
  const ask = async () => (await desk.ask('flo', `${path}/test`, { method: 'POST' })).json();
  expect(await ask()).toMatchObject({ ok: true, problem: null, answersAs: 'm' });
  provider.queue([{ fault: { is: 'status', status: 401 } }]);
  expect(await ask()).toMatchObject({
    ok: false,
    problem: expect.stringContaining('refused the key'),
  });
  await provider.close();
  expect(await ask()).toMatchObject({
    ok: false,
    problem: expect.stringContaining('could not be reached'),
  });
});

test('one user’s tests are two at a time, and a third is told to come back', async () => {
  await save('ida', { baseUrl: provider.url, aiModel: 'm', key: KEY });
  const slow = { fault: { is: 'slow', afterMs: 300, holdsHead: true } } as const;
  provider.queue([slow, slow]);
  const ask = () => desk.ask('ida', `${path}/test`, { method: 'POST' });
  const [one, two] = [ask(), ask()];
  await eventually('both are under way', () => provider.requests.length === 2);
  const third = await ask();
  expect(third.status).toBe(503);
  expect(await third.json()).toMatchObject({ error: { code: 'server/overloaded' } });
  expect(provider.requests).toHaveLength(2);
  expect([(await one).status, (await two).status]).toEqual([200, 200]);
  expect((await ask()).status).toBe(200);
});

test('a provider that fails ends the answer in words, and nothing of it is kept as one', async () => {
  await save('gus', { baseUrl: provider.url, aiModel: 'm', key: KEY });
  provider.queue([{ fault: { is: 'status', status: 403 } }]);
  const response = await desk.ask('gus', `${desk.run}/chat`, { body: { message: 'Why?' } });
  expect(response.status).toBe(502);
  expect(await response.json()).toMatchObject({
    error: {
      ...{ code: 'run/failed', retryable: false, details: { status: 'failed' } },
      message: expect.stringContaining('refused the key'),
    },
  });
  const { messages } = (await (await desk.ask('gus', `${desk.run}/chat-history`)).json()) as {
    messages: unknown[];
  };
  expect(messages).toHaveLength(1);
});

test('kept instructions are in every later chat about the model, until they are removed', async () => {
  await save('hal', { baseUrl: provider.url, aiModel: 'm', key: KEY });
  const kept = `/api/models/${desk.modelId}/instructions`;
  const made = await desk.ask('hal', kept, { body: { text: 'Speak of fees first.' } });
  expect(made.status).toBe(201);
  await answerTo('hal', 'Why?');
  expect(JSON.stringify(provider.requests[0]?.body)).toContain('Speak of fees first.');
  const { id } = (await made.json()) as { id: string };
  expect((await desk.ask('hal', `${kept}/${id}`, { method: 'DELETE' })).status).toBe(204);
  expect(await (await desk.ask('hal', kept)).json()).toEqual({ instructions: [] });
  await answerTo('hal', 'Why now?');
  expect(JSON.stringify(provider.requests[1]?.body)).not.toContain('Speak of fees first.');
});

test('after a change of the encryption key what was kept opens, also when the older one is gone', async () => {
  await save('ida', { baseUrl: provider.url, aiModel: 'm', key: KEY });
  const fresh = `new:${Buffer.alloc(32, 7).toString('base64')}`;
  const { readFile } = await import('node:fs/promises');
  const before = (await readFile(`${desk.folder}/encryption-key`, 'utf8')).trim();
  await desk.restart({ ENCRYPTION_KEYS: `${fresh},${before}` });
  await desk.restart({ ENCRYPTION_KEYS: fresh });
  expect(await answerTo('ida', 'Still?')).toBe('Fine.');
});
