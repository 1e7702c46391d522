// The hub and its outbox together: a row and its events, both or neither, on the engine's database and beside another.

import { PGlite } from '@electric-sql/pglite';
import type { Channel, MillraceError } from '@millrace/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { memoryEngine } from './engines/memory/memory-engine.ts';
import { pgliteDatabase, pgliteEngine, type SqlDatabase } from './engines/postgres/index.ts';
import { createHub } from './hub.ts';
import type { Hub, HubOptions } from './hub-types.ts';
import type { OutboxTransaction } from './outbox/outbox.ts';
import type { Engine } from './seams/engine.ts';
import { readyPglite } from './testing/ready-pglite.ts';
import { openNotes, testHubOptions } from './testing/test-channels.ts';

let pglite: PGlite;
let database: SqlDatabase;

beforeAll(async () => {
  pglite = await readyPglite(PGlite);
  await pglite.exec('create table note (text text primary key)');
  database = pgliteDatabase(pglite);
});
beforeEach(async () => {
  await pglite.exec('drop schema if exists millrace cascade; delete from note');
});
afterAll(() => pglite.close());

interface Running extends AsyncDisposable {
  readonly hub: Hub;
  readonly errors: MillraceError[];
}

function run(engine: Engine, options: Partial<HubOptions> = {}): Running {
  const errors: MillraceError[] = [];
  const hub = createHub({
    ...testHubOptions,
    engine,
    onError: (error) => errors.push(error),
    ...options,
  });
  return {
    hub,
    errors,
    async [Symbol.asyncDispose]() {
      await hub.close();
      await engine.close();
    },
  };
}

const SUBJECTS: Readonly<Record<string, () => Running>> = {
  'in the database of the engine': () => run(pgliteEngine({ database })),
  'beside an engine in memory': () => run(memoryEngine(), { outbox: { database } }),
};

const note = (text: string) => ({ type: 'note' as const, data: { text } });
type Notes = Channel<(typeof openNotes)['events'], undefined>;

async function textsOf(hub: Hub, channel: Notes): Promise<string[]> {
  const { events } = await hub.history(channel, { last: 200 });
  return events.map(({ data }) => data.text);
}

describe.each(Object.entries(SUBJECTS))('an outbox %s', (_, start) => {
  const channel = openNotes.of({ id: 'tx' });

  test('PUB-4, OUT-1: a committed publish reaches readers with its row, one rolled back never does', async () => {
    await using running = start();
    const { hub } = running;
    const insertAndPublish = (text: string, isKept: boolean): Promise<string> =>
      database.transaction(async (tx) => {
        await tx.query('insert into note (text) values ($1)', [text]);
        const id = await hub.publish(channel, note(text), { tx });
        if (!isKept) throw new Error('undone');
        return id;
      });
    const first = await insertAndPublish('first', true);
    await expect(insertAndPublish('lost', false)).rejects.toThrow('undone');
    const second = await insertAndPublish('second', true);
    await hub.relayed();
    const { events } = await hub.history(channel, { last: 10 });
    expect(events.map(({ data, id }) => [data.text, id])).toEqual([
      ['first', first],
      ['second', second],
    ]);
    const rows = await database.query('select text from note order by text', []);
    expect(rows.map(({ text }) => text)).toEqual(['first', 'second']);
    expect(running.errors).toEqual([]);
  });

  test('OUT-1: the answer is the id of the event, its own or the one it gets', async () => {
    await using running = start();
    const { hub } = running;
    const { own, results } = await database.transaction(async (tx) => ({
      own: await hub.publish(channel, { ...note('named'), id: 'mine' }, { tx }),
      results: await hub.publishMany(
        [
          { channel, event: { ...note('twice'), id: 'mine' } },
          { channel, event: { type: 'note', data: { txt: 'no text' } } },
          { channel, event: { type: 'other', data: null } },
          { channel, event: note('x'.repeat(60_000)) },
          { channel, event: note('last') },
        ],
        { tx },
      ),
    }));
    expect(own).toBe('mine');
    expect(results.map((one) => ('error' in one ? one.error.code : typeof one.id))).toEqual([
      'string',
      'contract/invalid-event',
      'contract/unknown-event',
      'limit/event-size',
      'string',
    ]);
    await hub.relayed();
    const { events } = await hub.history(channel, { last: 10 });
    expect(events.map(({ data, id }) => [data.text, id])).toEqual([
      ['named', 'mine'],
      ['twice', 'mine'],
      ['last', results.map((one) => ('id' in one ? one.id : ''))[4]],
    ]);
    const refused = database.transaction((tx) =>
      hub.publish(channel, { type: 'note', data: { text: 7 as never } }, { tx }),
    );
    await expect(refused).rejects.toMatchObject({ code: 'contract/invalid-event' });
  });

  test('OUT-1: what was rolled back to a savepoint is not delivered, the rest of its transaction is', async () => {
    await using running = start();
    const { hub } = running;
    await database.transaction(async (tx) => {
      await hub.publish(channel, note('before'), { tx });
      await tx.query('savepoint half');
      await hub.publish(channel, note('undone'), { tx });
      await tx.query('rollback to half');
      await hub.publish(channel, note('after'), { tx });
    });
    await hub.relayed();
    expect(await textsOf(hub, channel)).toEqual(['before', 'after']);
  });

  test('OUT-1: any text survives, and keys that no database could store', async () => {
    await using running = start();
    const { hub } = running;
    const texts = ['\u0000', '\ud800 alone', '{"a": [1, "\\\\"]}', "it's $1 ' \" \\ \u2028", '€🎉'];
    await database.transaction(async (tx) => {
      for (const text of texts) {
        await hub.publish(channel, note(text), { tx, key: `k ${text} \u0000 \udfff` });
      }
    });
    // The keys are those of plain publishing: a repeat of the first appends nothing.
    await hub.relayed();
    await hub.publish(channel, note('again'), { key: `k ${texts[0]} \u0000 \udfff` });
    expect(await textsOf(hub, channel)).toEqual(texts);
  });

  test('OUT-3: calls that nobody waited for are delivered in their order, over all channels', async () => {
    await using running = start();
    const { hub } = running;
    const channels = ['a', 'b', 'c'].map((id) => openNotes.of({ id }));
    await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        database.transaction((tx) =>
          Promise.all(
            Array.from({ length: 10 }, (__, step) =>
              channels.map((to) => hub.publish(to, note(`${index}.${step}`), { tx })),
            ).flat(),
          ),
        ),
      ),
    );
    await hub.relayed();
    for (const from of channels) {
      const texts = await textsOf(hub, from);
      expect(texts).toHaveLength(120);
      for (let index = 0; index < 12; index += 1) {
        const own = texts.filter((text) => text.startsWith(`${index}.`));
        expect(own).toEqual(Array.from({ length: 10 }, (_, step) => `${index}.${step}`));
      }
    }
  });

  test('OUT-9: to end and to forget take effect after the commit, in the order of the calls', async () => {
    await using running = start();
    const { hub } = running;
    await hub.publish(channel, note('secret'));
    const before = (await hub.history(channel)).next.epoch;
    await expect(
      database.transaction(async (tx) => {
        await hub.forget(channel, { tx });
        await hub.end(channel, { tx });
        throw new Error('undone');
      }),
    ).rejects.toThrow('undone');
    await database.transaction(async (tx) => {
      await hub.publish(channel, note('goes too'), { tx });
      await hub.forget(channel, { tx });
      await hub.publish(channel, note('begins'), { tx });
      await hub.end(channel, { tx });
      await hub.publish(channel, note('too late'), { tx });
      expect(hub.stats().outbox?.refused).toBe(0);
    });
    await hub.relayed();
    expect(await textsOf(hub, channel)).toEqual(['begins']);
    expect((await hub.history(channel)).next.epoch).not.toBe(before);
    await expect(hub.publish(channel, note('x'))).rejects.toMatchObject({ code: 'channel/ended' });
    expect(running.errors.map(({ code }) => code)).toEqual(['channel/ended']);
  });

  test('PUB-6, PUB-7: producers and expected heads are judged when the event is appended', async () => {
    await using running = start();
    const { hub } = running;
    const producer = (epoch: number, sequence: number) => ({ id: 'run', epoch, sequence });
    await database.transaction(async (tx) => {
      await hub.publish(channel, note('1'), { tx, producer: producer(2, 1), expect: 'empty' });
      await hub.publish(channel, note('1 again'), { tx, producer: producer(2, 1) });
      await hub.publish(channel, note('2'), { tx, producer: producer(2, 2) });
      await hub.publish(channel, note('replaced'), { tx, producer: producer(1, 1) });
      await hub.publish(channel, note('not empty'), { tx, expect: 'empty' });
      const refused = hub.publish(channel, note('both'), {
        ...{ tx, key: 'k' },
        producer: producer(2, 3),
      });
      await expect(refused).rejects.toMatchObject({ code: 'request/invalid' });
    });
    await hub.relayed();
    expect(await textsOf(hub, channel)).toEqual(['1', '2']);
    expect(running.errors.map(({ code }) => code)).toEqual(['publish/fenced', 'publish/conflict']);
    const { next } = await hub.history(channel);
    await database.transaction((tx) => hub.publish(channel, note('3'), { tx, expect: next }));
    await hub.relayed();
    expect(await textsOf(hub, channel)).toEqual(['1', '2', '3']);
  });

  test('OUT-10: what is no transaction is refused', async () => {
    await using running = start();
    const { hub } = running;
    for (const tx of [null, 7, {}, { query: 'select 1' }]) {
      const options = { tx: tx as unknown as OutboxTransaction };
      const invalid = {
        code: 'request/invalid',
        message: expect.stringContaining('no transaction'),
      };
      await expect(hub.publish(channel, note('x'), options)).rejects.toMatchObject(invalid);
      await expect(hub.publishMany([], options)).rejects.toMatchObject(invalid);
      await expect(hub.end(channel, options)).rejects.toMatchObject(invalid);
      await expect(hub.forget(channel, options)).rejects.toMatchObject(invalid);
    }
  });

  test('OUT-1: a transaction begun at once does not wait for the schema behind itself', async () => {
    await using running = start();
    await database.transaction((tx) => running.hub.publish(channel, note('early'), { tx }));
    await running.hub.relayed();
    expect(await textsOf(running.hub, channel)).toEqual(['early']);
  });
});

test('OUT-10: a hub without an outbox refuses a transaction', async () => {
  for (const options of [{}, { outbox: null }]) {
    const engine = options.outbox === null ? pgliteEngine({ database }) : memoryEngine();
    await using running = run(engine, options);
    expect(running.hub.stats().outbox).toBeNull();
    const publish = database.transaction((tx) =>
      running.hub.publish(openNotes.of({ id: '1' }), note('x'), { tx }),
    );
    await expect(publish).rejects.toMatchObject({
      code: 'request/invalid',
      message: expect.stringContaining('no outbox'),
    });
  }
});

test('OUT-1: a failed statement of the outbox fails the publish, and the transaction with it', async () => {
  await using running = run(memoryEngine(), { outbox: { database } });
  const { hub } = running;
  const channel = openNotes.of({ id: '1' });
  const failing = database.transaction(async (tx) => {
    await tx.query('select 1/0', []).catch(() => undefined);
    await hub.publish(channel, note('x'), { tx });
  });
  await expect(failing).rejects.toMatchObject({ cause: { code: '25P02' } });
  await hub.relayed();
  expect(await textsOf(hub, channel)).toEqual([]);
});
