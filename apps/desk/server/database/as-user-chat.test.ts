// Row-level security of chats through SQL: as another user nothing of mine can be read, written, or hung on what is mine.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SqlRow } from '@millrace/server/postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStorage } from '../database-storage.ts';
import { asHolder } from '../secrets/secret-hash.ts';
import type { Storage } from '../storage.ts';
import { fillDataFolder } from '../testing/data-template.ts';
import { uuidv7 } from '../uuid.ts';
import { asUser } from './as-user.ts';

let folder = '';
let storage: Storage;
let mine = '';
let theirs = '';
const myRun = uuidv7();
const theirRun = uuidv7();
const floorRun = uuidv7();

const OWNED = [
  ...['chat_sessions', 'chat_messages', 'model_ai_settings', 'model_instructions'],
  ...['api_keys', 'tickets', 'inference_requests'],
];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'desk-rls-chat-'));
  await fillDataFolder(folder);
  storage = await openStorage(folder);
  mine = (await storage.users.pickOrCreate('Mine')).id;
  theirs = (await storage.users.pickOrCreate('Theirs')).id;
  await trade(mine, 'my', myRun);
  await trade(theirs, 'their', theirRun);
  await trade('floor', 'floor', floorRun);
  for (const row of rowsOf(mine, 'my', myRun)) await as(mine, row);
  for (const row of rowsOf(theirs, 'their', theirRun)) await as(theirs, row);
});
afterAll(async () => {
  await storage.close();
  await rm(folder, { recursive: true, force: true });
});

async function trade(user: string, prefix: string, run: string): Promise<void> {
  await as(user, `insert into desk.models values ('${prefix}-m', '${user}', null, 'M', 'hold')`);
  await as(
    user,
    `insert into desk.runs (id, user_id, model_id, number, status, starting_cash, cash, equity, realised, unrealised,
      fees, order_count, fill_count, closing_count, win_count, last_tick, started_at, updated_at)
      values ('${run}', '${user}', '${prefix}-m', 1, 'completed', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, now(), now())`,
  );
}

function sessionId(prefix: string): string {
  return `session-of-${prefix}-000000`;
}

function session(user: string, id: string, model: string, run: string): string {
  return `insert into desk.chat_sessions (id, user_id, model_id, run_id, session_title)
    values ('${id}', '${user}', '${model}', '${run}', 'T')`;
}

/** One row of each table. */
function rowsOf(user: string, prefix: string, run: string): readonly string[] {
  return [
    session(user, sessionId(prefix), `${prefix}-m`, run),
    message(user, sessionId(prefix), 1),
    `insert into desk.model_ai_settings (model_id, user_id, provider, base_url, ai_model, parameters)
      values ('${prefix}-m', '${user}', 'P', 'https://a.example', 'm', '{}')`,
    `insert into desk.model_instructions (id, user_id, model_id, text)
      values ('${uuidv7()}', '${user}', '${prefix}-m', 'Be short.')`,
    `insert into desk.api_keys (id, user_id, name, hash, prefix)
      values ('${uuidv7()}', '${user}', 'K', 'key-${prefix}', 'mr_')`,
    ticket(user, `${prefix}-m`, run, `ticket-${prefix}`),
    `insert into desk.inference_requests (id, user_id, api_key_id, body_hash, body, ai_run_id)
      values ('${uuidv7()}', '${user}', '', 'h', '{}', 'r')`,
  ];
}

function message(user: string, of: string, sequence: number): string {
  return `insert into desk.chat_messages (session_id, user_id, sequence, id, role, status, parts, text, ai_run_id)
    values ('${of}', '${user}', ${sequence}, 'm${sequence}', 'user', 'completed', '[]', 'Why?', 'r')`;
}

function ticket(user: string, model: string, run: string, hash: string): string {
  return `insert into desk.tickets (hash, user_id, model_id, run_id, expires_at)
    values ('${hash}', '${user}', '${model}', '${run}', now() + interval '1 minute')`;
}

function as(user: string, statement: string): Promise<readonly SqlRow[]> {
  return asUser(storage.sql, user, (tx) => tx.query(statement, []));
}

describe.each(OWNED)('%s', (table) => {
  test('CHAT-4: shows each user only their own rows, and the Floor nobody’s', async () => {
    const users = async (user: string): Promise<unknown[]> =>
      (await as(user, `select user_id from desk.${table}`)).map((row) => row['user_id']);
    expect(await users(mine)).toEqual([mine]);
    expect(await users(theirs)).toEqual([theirs]);
    expect(await users('floor')).toEqual([]);
    expect(await users('')).toEqual([]);
  });

  test('CHAT-4: lets nobody change, delete, give away or empty what is not theirs', async () => {
    const changed = `update desk.${table} set user_id = user_id where user_id = '${theirs}' returning 1`;
    expect(await as(mine, changed)).toEqual([]);
    const deleted = `delete from desk.${table} where user_id = '${theirs}' returning 1`;
    expect(await as(mine, deleted)).toEqual([]);
    await expect(as(mine, `update desk.${table} set user_id = '${theirs}'`)).rejects.toMatchObject({
      code: expect.stringMatching(/^(42501|23503)$/),
    });
    await expect(as(mine, `truncate desk.${table} cascade`)).rejects.toMatchObject({
      code: '42501',
    });
  });

  test('CHAT-4: refuses a row in another user’s name', async () => {
    const at = OWNED.indexOf(table);
    const forged = rowsOf(theirs, 'my', myRun)[at] ?? '';
    await expect(as(mine, forged)).rejects.toMatchObject({
      code: expect.stringMatching(/^(42501|23503)$/),
    });
  });
});

test('CHAT-4: nothing of one’s own can hang on a model, run or chat that one may not see', async () => {
  for (const row of [
    session(mine, 'a-session-of-mine-1', 'their-m', theirRun),
    session(mine, 'a-session-of-mine-2', 'my-m', theirRun),
    ticket(mine, 'their-m', theirRun, 'x1'),
    ticket(mine, 'my-m', theirRun, 'x2'),
    message(mine, sessionId('their'), 2),
    `insert into desk.model_ai_settings (model_id, user_id, provider, base_url, ai_model, parameters)
      values ('their-m', '${mine}', 'P', 'https://a.example', 'm', '{}')`,
    `insert into desk.model_instructions (id, user_id, model_id, text)
      values ('${uuidv7()}', '${mine}', 'their-m', 'Sell all.')`,
  ]) {
    await expect(as(mine, row)).rejects.toMatchObject({
      code: expect.stringMatching(/^(42501|23503)$/),
    });
  }
});

test('the Floor’s runs may be talked about; the chat is the talker’s', async () => {
  await as(mine, session(mine, 'a-session-of-mine-3', 'floor-m', floorRun));
  expect(await as(theirs, `select 1 from desk.chat_sessions where model_id = 'floor-m'`)).toEqual(
    [],
  );
  await as(mine, `delete from desk.chat_sessions where id = 'a-session-of-mine-3'`);
});

test('CHAT-2: who has a secret sees the one row of it, and can change nothing by that', async () => {
  const held = (statement: string) =>
    asHolder(storage.sql, 'key-their', (tx) => tx.query(statement, []));
  expect(await held('select user_id from desk.api_keys')).toEqual([{ user_id: theirs }]);
  expect(await held('select 1 from desk.tickets')).toEqual([]);
  expect(await held(`update desk.api_keys set revoked_at = now() returning 1`)).toEqual([]);
  expect(await held('select 1 from desk.chat_messages')).toEqual([]);
});
