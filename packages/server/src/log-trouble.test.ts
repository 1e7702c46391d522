// What may happen to a log under the readers of a loaded topic: it is trimmed past them, goes back, is out of reach.

import { MillraceError } from '@millrace/protocol';
import { toOffset } from '@millrace/protocol/wire';
import { expect, test } from 'vitest';
import { memoryEngine } from './engines/memory/memory-engine.ts';
import type { Engine } from './seams/engine.ts';
import type { Log, LogPage } from './seams/log.ts';
import { on, runCore, textsOf, verdictsOf } from './testing/run-core.ts';
import { listedNotes, openNotes } from './testing/test-channels.ts';
import { waitUntil } from './testing/waiting.ts';

const notes = openNotes.of({ id: '1' });
const listed = listedNotes.of({ id: '1' });
const body = (text: string): string => `"type":"note","data":${JSON.stringify({ text })}`;

/** A memory engine whose hints never come and whose reads pass through `read`. */
function silentEngine(read: (page: () => Promise<LogPage>) => Promise<LogPage>): Engine {
  const engine = memoryEngine();
  const log: Log = {
    ...engine.log,
    watch: () => () => undefined,
    read: (...args) => read(() => engine.log.read(...args)),
  };
  return { ...engine, log, capabilities: { ...engine.capabilities, isLocal: false } };
}

test('SUB-4: what was trimmed before the topic heard of it is a gap, told before the next event', async () => {
  let reads = 0;
  const engine = silentEngine((page) => {
    reads += 1;
    // A loop that asks for ever would leave no turn to anything else, this test included.
    return reads > 100 ? Promise.reject(new Error('asked for ever')) : page();
  });
  await using hub = runCore({ engine });
  const link = hub.open(on(notes));
  await link.next('verdict');
  // Appended by another hub of this engine, and trimmed before this one looks.
  for (let index = 1; index <= 9; index += 1) {
    await engine.log.append([{ channel: notes.name, body: body(`${index}`) }]);
  }
  await engine.log.compact(notes.name, { size: 3, maxAgeMs: 1e9 });
  hub.core.topics.find(notes.name)?.refresh();
  await waitUntil('what is left', () => textsOf(link).length === 3);
  expect(textsOf(link)).toEqual(['7', '8', '9']);
  expect(link.frames[2]).toMatchObject({
    type: 'verdict',
    verdict: 'gap',
    reason: 'trimmed',
    from: 1,
    to: 6,
  });
  expect(reads).toBeLessThan(10);
});

test('CHAN-7: a log that is trimmed while a topic loads is folded from the stored snapshot', async () => {
  let reads = 0;
  const engine = silentEngine(async (page) => {
    reads += 1;
    if (reads === 2) {
      await engine.log.compact(listed.name, {
        size: 1,
        maxAgeMs: 1e9,
        snapshot: { offset: toOffset(3), version: 2, text: '["a","b","c"]' },
        needsSnapshot: true,
      });
    }
    return page();
  });
  const batch = ['a', 'b', 'c', 'd'].map((text) => ({ channel: listed.name, body: body(text) }));
  await engine.log.append(batch);
  await using hub = runCore({ engine });
  const link = hub.open(on(listed, 'now', 2));
  expect(await link.next('verdict')).toMatchObject({ state: ['a', 'b', 'c', 'd'] });
});

test('SUB-4: a log that goes back under live readers is told to them', async () => {
  const before = memoryEngine();
  const after = memoryEngine();
  let current = before.log;
  let epoch = '';
  const log: Log = {
    ...before.log,
    watch: () => () => undefined,
    append: (...args) => current.append(...args),
    // One epoch for both, as a backup that was put in place of the database would have.
    read: async (...args) => ({ ...(await current.read(...args)), epoch }),
  };
  epoch = (await before.log.read(notes.name, toOffset(0), { maxEvents: 0, maxBytes: 0 })).epoch;
  const append = (text: string) => log.append([{ channel: notes.name, body: body(text) }]);
  for (const text of ['1', '2', '3', '4']) await append(text);
  await using hub = runCore({ engine: { ...before, log } });
  const link = hub.open(on(notes));
  await link.next('verdict');
  current = after.log;
  await append('one');
  await append('two');
  hub.core.topics.find(notes.name)?.refresh();
  await waitUntil('what the log holds now', () => textsOf(link).length === 2);
  expect(link.frames[2]).toMatchObject({ verdict: 'gap', reason: 'rolled-back' });
  expect(textsOf(link)).toEqual(['one', 'two']);
  await after.close();
});

test('an engine out of reach is told once in a while, however many channels and readers ask', async () => {
  const engine = memoryEngine();
  let isDown = true;
  let reads = 0;
  const log: Log = {
    ...engine.log,
    read(...args) {
      reads += 1;
      return isDown ? Promise.reject(new Error('out of reach')) : engine.log.read(...args);
    },
  };
  await using hub = runCore({ engine: { ...engine, log } });
  const links = Array.from({ length: 50 }, (_, id) => hub.open(on(openNotes.of({ id: `${id}` }))));
  await waitUntil('more tries than channels', () => reads > 60, 10_000);
  expect(hub.errors.length).toBeGreaterThan(0);
  expect(hub.errors.length).toBeLessThan(4);
  isDown = false;
  await Promise.all(links.map((link) => link.next('verdict')));
  expect(new Set(links.flatMap(verdictsOf))).toEqual(new Set(['exact']));
});

test('CUR-4: a node that has not heard of a new epoch asks the log before it takes a reader back to the old one', async () => {
  let reads = 0;
  const engine = silentEngine((page) => {
    reads += 1;
    return page();
  });
  await using hub = runCore({ engine });
  const stale = hub.open(on(notes, 'start'));
  await stale.next('verdict');
  const old = await hub.publish(notes, 'old');
  await waitUntil('the old one', () => textsOf(stale).length === 1);
  // By other hubs of this engine: the channel is another one, and a reader has been told so there.
  await engine.log.forget(notes.name);
  await engine.log.append([{ channel: notes.name, body: body('new') }]);
  const { epoch } = await engine.log.read(notes.name, toOffset(0), { maxEvents: 0, maxBytes: 0 });
  const moved = Array.from({ length: 20 }, () =>
    hub.open(on(notes, { epoch, offset: toOffset(1) })),
  );
  for (const link of moved) expect(await link.next('verdict')).toMatchObject({ verdict: 'exact' });
  expect(moved.flatMap(textsOf)).toEqual([]);
  await waitUntil('what is new', () => textsOf(stale).length === 2);
  expect(verdictsOf(stale)).toEqual(['exact', 'gap']);
  expect(reads).toBeLessThan(12);

  // One that is known to be over costs no read of the log each time.
  const first = hub.open(on(notes, old));
  await first.next('verdict');
  const readsBefore = reads;
  const late = Array.from({ length: 20 }, () => hub.open(on(notes, old)));
  for (const link of late) expect(await link.next('verdict')).toMatchObject({ verdict: 'gap' });
  expect(reads - readsBefore).toBeLessThan(2);
});

test('LOG-16, SUB-8: an engine that refuses at once is not asked again in the same turn, however many channels of a link wait', async () => {
  const engine = memoryEngine();
  let isDown = false;
  let reads = 0;
  const log: Log = {
    ...engine.log,
    read(...args) {
      if (!isDown) return engine.log.read(...args);
      reads += 1;
      // A loop would leave no turn to anything else, this test included.
      if (reads > 1_000) return new Promise(() => undefined);
      return Promise.reject(new MillraceError('engine/unavailable', 'Out of reach.'));
    },
  };
  const capabilities = { ...engine.capabilities, isLocal: false };
  await using hub = runCore({ engine: { ...engine, log, capabilities } });
  const channels = Array.from({ length: 12 }, (_, id) => openNotes.of({ id: `${id}` }));
  const early = channels.map((channel) => hub.open(on(channel)));
  const verdicts = await Promise.all(early.map((link) => link.next('verdict')));
  isDown = true;
  // Ahead of what this node knows: only the log can tell.
  const link = hub.open({
    channels: channels.map(({ name }, index) => {
      const verdict = verdicts[index];
      const epoch = verdict !== undefined && 'cursor' in verdict ? verdict.cursor.epoch : '';
      return { channel: name, start: { epoch, offset: toOffset(7) }, version: 1 };
    }),
  });
  await waitUntil('every channel to have tried', () => reads >= channels.length);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(reads).toBeLessThan(channels.length * 2);
  isDown = false;
  await waitUntil('all verdicts', () => verdictsOf(link).length === channels.length, 5_000);
  expect(new Set(verdictsOf(link))).toEqual(new Set(['gap']));
});
