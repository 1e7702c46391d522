// From an event to the log: what is refused, what shares an append, what an answer means.

import { DEFAULT_LIMITS, MillraceError } from '@millrace/protocol';
import { expect, test } from 'vitest';
import { createContractSet } from './contract-set.ts';
import { memoryEngine } from './engines/memory/memory-engine.ts';
import type { PublishRequest } from './prepare-event.ts';
import { createPublisher, type Publisher } from './publisher.ts';
import type { AppendRequest, Log } from './seams/log.ts';
import { testContracts } from './testing/test-channels.ts';

function createTest(slow?: Promise<void>): { publisher: Publisher; log: Log; batches: number[] } {
  const { log } = memoryEngine();
  const batches: number[] = [];
  const watched: Log = {
    ...log,
    async append(batch: readonly AppendRequest[]) {
      batches.push(batch.length);
      await slow;
      return log.append(batch);
    },
  };
  const publisher = createPublisher({
    log: watched,
    contracts: createContractSet(testContracts),
    limits: DEFAULT_LIMITS,
    onAppended: () => undefined,
  });
  return { publisher, log, batches };
}

const note = (data: unknown, over: Partial<PublishRequest> = {}): PublishRequest => ({
  channel: 'open_notes:1',
  event: { type: 'note', data },
  ...over,
});
const codes = async (publisher: Publisher, ...items: PublishRequest[]): Promise<unknown[]> =>
  (await publisher.publish(items)).map((one) =>
    'error' in one ? one.error.code : one.cursor.offset,
  );

test('CHAN-4: what does not fit is refused with what is wrong, and nothing of it is stored', async () => {
  const { publisher, log, batches } = createTest();
  const refused = await codes(
    publisher,
    note({ txt: 'a' }),
    note({ text: 'a' }, { event: { type: 'other', data: {} } }),
    note({ text: 'a' }, { event: { type: 'constructor', data: {} } }),
    note({ text: 'a' }, { channel: 'nobody:knows' }),
  );
  expect(refused).toEqual([
    'contract/invalid-event',
    'contract/unknown-event',
    'contract/unknown-event',
    'channel/unknown',
  ]);
  expect(batches).toEqual([]);
  const [result] = await publisher.publish([note({ txt: 'a' })]);
  expect(result).toMatchObject({ error: { details: { problems: ['needs a text'] } } });
  expect((await log.read('open_notes:1', 0 as never, { maxEvents: 1, maxBytes: 1 })).head).toBe(0);
});

test('CHAN-4: the schema decides what is stored, so that nothing it does not know leaks', async () => {
  const { publisher, log } = createTest();
  await publisher.publish([note({ text: 'a', secret: 1 })]);
  const page = await log.read('open_notes:1', 0 as never, { maxEvents: 1, maxBytes: 1 });
  expect(page.entries[0]?.text).not.toContain('secret');
});

test('LIM-5: an event over the size limit is refused, by its bytes', async () => {
  const { publisher } = createTest();
  const fits = 'x'.repeat(DEFAULT_LIMITS.maxEventBytes - 100);
  const bytes = 'é'.repeat(DEFAULT_LIMITS.maxEventBytes / 2);
  expect(await codes(publisher, note({ text: fits }), note({ text: bytes }))).toEqual([
    1,
    'limit/event-size',
  ]);
});

test('PUB-5: each event has its own result, in order', async () => {
  const { publisher } = createTest();
  const results = await codes(publisher, note({ text: 'a' }), note({}), note({ text: 'b' }));
  expect(results).toEqual([1, 'contract/invalid-event', 2]);
});

test('PUB-3: a repeated key is answered with the first cursor and appends nothing', async () => {
  const { publisher } = createTest();
  const first = note({ text: 'a' }, { key: 'k' });
  expect(await codes(publisher, first)).toEqual([1]);
  expect(await codes(publisher, first, note({ text: 'b' }), first)).toEqual([1, 2, 1]);
});

test('PUB-1: what was answered is seen by every later read', async () => {
  const { publisher, log } = createTest();
  const [result] = await publisher.publish([note({ text: 'a' })]);
  const page = await log.read('open_notes:1', 0 as never, { maxEvents: 1, maxBytes: 1 });
  expect(result).toEqual({ cursor: { epoch: page.epoch, offset: page.head } });
});

test('a tick shares one append, and what comes during it the next', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { publisher, batches } = createTest(promise);
  const first = [1, 2, 3].map((text) => publisher.publish([note({ text: `${text}` })]));
  await new Promise((next) => setImmediate(next));
  const second = [4, 5].map((text) => publisher.publish([note({ text: `${text}` })]));
  await new Promise((next) => setImmediate(next));
  expect(batches).toEqual([3]);
  resolve();
  const results = await Promise.all([...first, ...second]);
  expect(batches).toEqual([3, 2]);
  expect(results.flat().map((one) => 'cursor' in one && one.cursor.offset)).toEqual([
    1, 2, 3, 4, 5,
  ]);
});

test('PUB-8: a queue that is full refuses at once, and takes again once it is answered', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { publisher } = createTest(promise);
  const many = Array.from({ length: 10_000 }, () => note({ text: 'a' }));
  const waiting = publisher.publish(many);
  await expect(publisher.publish([note({ text: 'b' })])).rejects.toMatchObject({
    code: 'server/overloaded',
  });
  resolve();
  await waiting;
  expect(await codes(publisher, note({ text: 'b' }))).toEqual([10_001]);
});

test('an engine that fails fails every event of the batch, and the next batch goes its own way', async () => {
  const { promise, reject } = Promise.withResolvers<void>();
  promise.catch(() => undefined);
  const { publisher } = createTest(promise);
  const publishing = publisher.publish([note({ text: 'a' })]);
  reject(new MillraceError('engine/unavailable', 'out of reach'));
  await expect(publishing).rejects.toMatchObject({ code: 'engine/unavailable', retryable: true });
  await publisher.idle();
  expect(publisher.waiting).toBe(0);
});
