// The hub and the database engine together: a row and its event, both or neither. Rule: PUB-4.

import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pgliteDatabase, pgliteEngine, type SqlDatabase } from './engines/postgres/index.ts';
import { createHubCore, type HubCore } from './hub-core.ts';
import type { Engine } from './seams/engine.ts';
import { connectFrame, type MemoryLink, openMemoryLink } from './testing/memory-link.ts';
import {
  openNotes,
  testAuthenticate,
  testAuthorize,
  testContracts,
} from './testing/test-channels.ts';
import { waitUntil } from './testing/waiting.ts';

let pglite: PGlite;
let database: SqlDatabase;
let engine: Engine;
let core: HubCore;

beforeAll(async () => {
  pglite = await PGlite.create();
  await pglite.exec('create table note (text text primary key)');
  database = pgliteDatabase(pglite);
  engine = pgliteEngine({ database });
  core = createHubCore({
    contracts: testContracts,
    authenticate: testAuthenticate,
    authorize: testAuthorize,
    onError: (error) => expect.unreachable(error.message),
    engine,
  });
});

afterAll(async () => {
  await core.close();
  await engine.close();
  await pglite.close();
});

test('PUB-4: a committed publish reaches readers with its row, one rolled back never does', async () => {
  const channel = openNotes.of({ id: 'tx' }).name;
  const channels = [{ channel, start: 'now' as const, version: 1 }];
  const link = openMemoryLink(core.links, connectFrame({ channels }));
  await link.next('verdict');

  const insertAndPublish = (text: string, isKept: boolean): Promise<void> =>
    database.transaction(async (tx) => {
      await tx.query('insert into note (text) values ($1)', [text]);
      const items = [{ channel, event: { type: 'note', data: { text } } }];
      const [result] = await core.publisher.publish(items, { tx });
      expect(result).toHaveProperty('cursor');
      expect(textsOf(link)).not.toContain(text);
      if (!isKept) throw new Error('undone');
    });

  await insertAndPublish('first', true);
  await expect(insertAndPublish('lost', false)).rejects.toThrow('undone');
  await insertAndPublish('second', true);

  await waitUntil('both events', () => textsOf(link).length === 2);
  expect(textsOf(link)).toEqual(['first', 'second']);
  const rows = await database.query('select text from note order by text', []);
  expect(rows.map(({ text }) => text)).toEqual(['first', 'second']);
  link.cut();
});

function textsOf(link: MemoryLink): unknown[] {
  return link.frames.flatMap((frame) =>
    frame.type === 'events' ? frame.events.map(({ data }) => (data as { text: string }).text) : [],
  );
}
