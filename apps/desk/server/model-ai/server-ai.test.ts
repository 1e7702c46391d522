// What the server's own key pays for, and settings that can't be read any more: one ModelAi on a database of its own.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockLanguageModelV4 } from 'ai/test';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asUser } from '../database/as-user.ts';
import { openStorage } from '../database-storage.ts';
import { createSealing } from '../secrets/sealing.ts';
import type { Storage } from '../storage.ts';
import { fillDataFolder } from '../testing/data-template.ts';
import { createModelAi, type ModelAi, type ServerAi } from './model-ai.ts';

const KEY = 'sk-own-key-of-ada';
const SERVER = { baseUrl: 'https://ai.example/v1', key: 'sk-of-the-server', aiModel: 'small' };

let folder = '';
let storage: Storage;
let userId = '';
const opened: ModelAi[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'desk-server-ai-'));
  await fillDataFolder(folder);
  storage = await openStorage(folder);
  userId = (await storage.users.pickOrCreate('Ada')).id;
});
afterAll(async () => {
  for (const ai of opened) ai.close();
  await storage.close();
  await rm(folder, { recursive: true, force: true });
});

function open(...mayChoose: readonly string[]): ModelAi {
  const server: ServerAi = { ...SERVER, mayChoose: new Set([SERVER.aiModel, ...mayChoose]) };
  const ai = createModelAi({
    ...{ database: storage.sql, isProduction: false, allowsPrivate: true, server },
    sealing: createSealing([{ id: 'one', bytes: Buffer.alloc(32, 1) }]),
    builtIn: new MockLanguageModelV4(),
  });
  opened.push(ai);
  return ai;
}

/** A model of Ada's that nobody has set anything of. */
async function newModel(id: string): Promise<{ userId: string; modelId: string }> {
  await asUser(storage.sql, userId, (tx) =>
    tx.query('insert into desk.models values ($1, $2, null, $1, $3)', [id, userId, 'hold']),
  );
  return { userId, modelId: id };
}

test('without a key of their own users choose among what the server names, and nothing else is asked for', async () => {
  const ai = open('large');
  const of = await newModel('chosen');
  await expect(ai.save(of, { aiModel: 'huge' })).rejects.toMatchObject({
    code: 'request/invalid',
    message: 'Without a key of your own you can choose small, large.',
  });
  expect(await ai.show(of)).toMatchObject({ answers: 'server-key', answersAs: 'small' });
  const large = await ai.save(of, { aiModel: 'large' });
  expect(large).toMatchObject({ answers: 'server-key', answersAs: 'large' });
  const own = await ai.save(of, { aiModel: 'huge', key: KEY });
  expect(own).toMatchObject({ answers: 'own-key', answersAs: 'huge' });
  // Whose key goes keeps the name, and is not answered by it.
  const without = await ai.save(of, { key: null });
  expect(without).toMatchObject({ aiModel: 'huge', answers: 'server-key', answersAs: 'small' });
  const chosen = await asUser(storage.sql, userId, (tx) => ai.choose(tx, of));
  expect(chosen).toMatchObject({ answers: 'server-key', answersAs: 'small' });
});

test('a server may leave the choice to its users', async () => {
  const ai = open('*');
  const of = await newModel('any');
  expect(await ai.save(of, { aiModel: 'huge' })).toMatchObject({ answersAs: 'huge' });
});

test('parameters that no longer parse end an answer in words, show the defaults, and go with the next save', async () => {
  const ai = open();
  const of = await newModel('unreadable');
  await ai.save(of, { baseUrl: 'https://other.example/v1', aiModel: 'm', key: KEY });
  await asUser(storage.sql, userId, (tx) =>
    tx.query('update desk.model_ai_settings set parameters = $1 where model_id = $2', [
      JSON.stringify({ temperature: 'hot' }),
      of.modelId,
    ]),
  );
  const choose = () => asUser(storage.sql, userId, (tx) => ai.choose(tx, of));
  await expect(choose()).rejects.toMatchObject({
    code: 'settings/invalid',
    message: expect.stringContaining('Save the settings again'),
  });
  const snapshot = await asUser(storage.sql, userId, (tx) => ai.snapshot(tx, of));
  expect(snapshot).toMatchObject({ answers: 'own-key', parameters: null });
  const shown = await ai.show(of);
  expect(shown).toMatchObject({ hasKey: true, parameters: { temperature: 0.7 } });
  await ai.save(of, {});
  expect(await choose()).toMatchObject({ answers: 'own-key', answersAs: 'm' });
});
