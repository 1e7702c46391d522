// The hub over links without sockets: everything about time, queues and engines that sockets would only blur.

import { type ServerFrame, toOffset } from '@millrace/protocol/wire';
import { describe, expect, test } from 'vitest';
import { memoryEngine } from './engines/memory/memory-engine.ts';
import type { Engine } from './seams/engine.ts';
import type { AppendHint, Log } from './seams/log.ts';
import type { MemoryLink } from './testing/memory-link.ts';
import { on, runCore, textsOf, verdictsOf } from './testing/run-core.ts';
import { listedNotes, openNotes, pacedNotes } from './testing/test-channels.ts';
import { waitUntil } from './testing/waiting.ts';

const notes = openNotes.of({ id: '1' });
const types = (frames: readonly ServerFrame[]): string[] => frames.map((frame) => frame.type);

describe('fan-out', () => {
  test('EVT-2: what is published in one tick is one frame for every reader', async () => {
    await using hub = runCore();
    const links = [hub.open(on(notes)), hub.open(on(notes))];
    await Promise.all(links.map((link) => link.next('verdict')));
    await Promise.all(['a', 'b', 'c'].map((text) => hub.publish(notes, text)));
    for (const link of links) {
      await waitUntil('three events', () => textsOf(link).length === 3);
      expect(types(link.frames)).toEqual(['hello', 'verdict', 'events']);
    }
  });

  test('LINK-3: hello is sent before anybody is authorized', async () => {
    const asked: string[] = [];
    const link = await (async () => {
      const hub = runCore({
        authorize: async (_identity, _action, channel) => {
          asked.push(`${channel.type} ${channel.params.join()}`);
          await new Promise((resolve) => setTimeout(resolve, 20));
          return true;
        },
      });
      const opened = hub.open(on({ name: 'closed_notes:a%2Fb' }));
      await opened.next('hello');
      expect(types(opened.frames)).toEqual(['hello']);
      await opened.next('verdict');
      await hub[Symbol.asyncDispose]();
      return opened;
    })();
    expect(verdictsOf(link)).toEqual(['exact']);
    expect(asked).toEqual(['closed_notes a/b']);
  });

  test('SUB-6: an escape that is not needed names no channel', async () => {
    await using hub = runCore();
    const link = hub.open(on({ name: 'open_notes:%31' }));
    await link.next('verdict');
    expect(verdictsOf(link)).toEqual(['unknown']);
  });

  test('CHAN-6: a reader built with another version is told so, newer or older', async () => {
    await using hub = runCore();
    for (const version of [1, 3]) {
      const link = hub.open(on(listedNotes.of({ id: '1' }), 'now', version));
      const told = await link.next('verdict');
      expect(told).toMatchObject({
        verdict: 'denied',
        error: { code: 'contract/outdated', details: { version: 2 } },
      });
    }
  });

  test('SUB-2: a channel that is left is silent, and comes back with a new verdict', async () => {
    await using hub = runCore();
    const link = hub.open(on(notes));
    await link.next('verdict');
    link.attachment.received({ type: 'unsubscribe', channels: [notes.name] });
    const cursor = await hub.publish(notes, 'unheard');
    link.attachment.received({
      type: 'subscribe',
      channels: [{ channel: notes.name, start: cursor, version: 1 }],
    });
    await waitUntil('a second verdict', () => verdictsOf(link).length === 2);
    await hub.publish(notes, 'heard');
    await waitUntil('the event', () => textsOf(link).length === 1);
    expect(textsOf(link)).toEqual(['heard']);
  });
});

describe('slow readers', () => {
  const limits = { maxQueueBytes: 8_000, maxPageBytes: 2_000, maxControlBytes: 4_000 };
  const text = 'x'.repeat(200);

  test('SUB-8: a stalled link costs its queue limit, and goes on exactly when it drains', async () => {
    await using hub = runCore({ limits });
    const slow = hub.open(on(notes));
    const fast = hub.open(on(notes));
    await Promise.all([slow.next('verdict'), fast.next('verdict')]);
    slow.stall();
    for (let index = 0; index < 300; index += 1) await hub.publish(notes, `${index} ${text}`);
    await waitUntil('the fast reader', () => textsOf(fast).length === 300);
    expect(slow.waitingBytes).toBeLessThanOrEqual(8_000);
    expect(textsOf(slow).length).toBeLessThan(40);
    slow.flow();
    await waitUntil('the slow reader', () => textsOf(slow).length === 300);
    expect(textsOf(slow)).toEqual(textsOf(fast));
    expect(verdictsOf(slow)).toEqual(['exact']);
    await hub.publish(notes, 'live again');
    await waitUntil('the live event', () => textsOf(slow).at(-1) === 'live again');
  });

  test('SUB-8: a hundred channels that catch up at once share the one queue', async () => {
    await using hub = runCore({ limits });
    const ids = Array.from({ length: 100 }, (_, index) => openNotes.of({ id: `${index}` }));
    for (const channel of ids)
      await hub.publish(channel, ...Array.from({ length: 12 }, () => text));
    const channels = ids.map((one) => ({ channel: one.name, start: 'start' as const, version: 1 }));
    const link = hub.open({ channels });
    link.stall();
    await waitUntil('a full queue', () => link.waitingBytes > 4_000);
    await link.attachment.ready;
    expect(link.waitingBytes).toBeLessThan(8_000 + 2_500);
    // The peer takes what is there, and stalls again: each time some more of the past fits.
    for (let rounds = 0; textsOf(link).length < 1_200; rounds += 1) {
      expect(rounds).toBeLessThan(400);
      link.flow();
      link.stall();
      await new Promise((resolve) => setImmediate(resolve));
      expect(link.waitingBytes).toBeLessThan(8_000 + 2_500);
    }
    expect(link.closedWith).toBeUndefined();
    for (const { name } of ids) {
      const offsets = link.frames.flatMap((one) =>
        one.type === 'events' && one.channel === name
          ? one.events.map((event) => event.offset)
          : [],
      );
      expect(offsets).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
    }
  });

  test('SUB-5: one state larger than the queue is no reason to give a link up', async () => {
    await using hub = runCore({ limits });
    const listed = listedNotes.of({ id: '1' });
    for (let index = 0; index < 100; index += 1) await hub.publish(listed, text);
    const link = hub.open({});
    await link.next('hello');
    link.stall();
    link.attachment.received({
      type: 'subscribe',
      channels: [{ channel: listed.name, start: 'now', version: 2 }],
    });
    await link.next('verdict');
    expect(link.closedWith).toBeUndefined();
    expect(link.waitingBytes).toBeGreaterThan(20_000);
  });

  test('SUB-8: one that makes no progress is closed with link/slow', async () => {
    await using hub = runCore({ limits: { ...limits, slowAfterMs: 200 } });
    const slow = hub.open(on(notes));
    await slow.next('verdict');
    slow.stall();
    for (let index = 0; index < 60; index += 1) await hub.publish(notes, text);
    await waitUntil('the end', () => slow.closedWith !== undefined);
    expect(slow.closedWith?.code).toBe('link/slow');
  });

  test('SUB-8: answers have a small budget of their own; past it the link closes', async () => {
    await using hub = runCore({ limits });
    const slow = hub.open();
    await slow.next('hello');
    slow.stall();
    for (let index = 0; index < 1_000; index += 1) slow.attachment.received({ type: 'probe' });
    expect(slow.closedWith?.code).toBe('link/slow');
    expect(slow.waitingBytes).toBeLessThan(8_000 + 2_000 + 4_000 + 1_000);
  });
});

describe('engines whose hints cannot be trusted', () => {
  function engineWith(hint: (deliver: (one: AppendHint) => void, one: AppendHint) => void): Engine {
    const engine = memoryEngine();
    const log: Log = {
      ...engine.log,
      watch: (channel, listener) =>
        engine.log.watch(channel, {
          hinted: (one) => hint((told) => listener.hinted(told), one),
          refresh: () => listener.refresh(),
        }),
    };
    return { ...engine, log, capabilities: { ...engine.capabilities, isLocal: false } };
  }

  test.each([
    ['never come', () => undefined],
    [
      'come twice',
      (deliver: (one: AppendHint) => void, one: AppendHint) => [deliver(one), deliver(one)],
    ],
    [
      'carry no entries',
      (deliver: (one: AppendHint) => void, one: AppendHint) => deliver({ ...one, entries: [] }),
    ],
    [
      'come late',
      (deliver: (one: AppendHint) => void, one: AppendHint) => setTimeout(() => deliver(one), 5),
    ],
    [
      'are of another epoch',
      (deliver: (one: AppendHint) => void, one: AppendHint) => deliver({ ...one, epoch: 'old' }),
    ],
  ])('EVT-1: when hints %s every event comes once and in order', async (_name, hint) => {
    await using hub = runCore({ engine: engineWith(hint) });
    const link = hub.open(on(notes));
    await link.next('verdict');
    for (let index = 0; index < 20; index += 1) await hub.publish(notes, `${index}`);
    await waitUntil('20 events', () => textsOf(link).length >= 20);
    expect(textsOf(link)).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`));
    expect(verdictsOf(link)).toEqual(['exact']);
  });

  test('SUB-1: now is after every publish that was answered, although the topic still reads it', async () => {
    const engine = memoryEngine();
    const log: Log = {
      ...engine.log,
      watch: () => () => undefined,
      async read(...args) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return engine.log.read(...args);
      },
    };
    const capabilities = { ...engine.capabilities, isLocal: false };
    await using hub = runCore({ engine: { ...engine, log, capabilities } });
    const early = hub.open(on(notes));
    await early.next('verdict');
    await hub.publish(notes, 'before');
    const late = hub.open(on(notes));
    await late.next('verdict');
    await hub.publish(notes, 'after');
    await waitUntil('the later event', () => textsOf(late).length > 0);
    expect(textsOf(late)).toEqual(['after']);
    await waitUntil('both events', () => textsOf(early).length === 2);
  });

  test('CUR-4: an epoch that changes under a live reader is told before the next event', async () => {
    const first = memoryEngine();
    const second = memoryEngine();
    let current = first.log;
    const log: Log = {
      append: (...args) => current.append(...args),
      read: (...args) => current.read(...args),
      compact: (...args) => current.compact(...args),
      forget: (...args) => current.forget(...args),
      close: async () => undefined,
      watch(channel, listener) {
        const ends = [first.log.watch(channel, listener), second.log.watch(channel, listener)];
        return () => {
          for (const end of ends) end();
        };
      },
    };
    await using hub = runCore({ engine: { ...first, log } });
    const link = hub.open(on(notes));
    await link.next('verdict');
    await hub.publish(notes, 'old');
    await waitUntil('the old event', () => textsOf(link).length === 1);
    current = second.log;
    await hub.publish(notes, 'new');
    await waitUntil('the new event', () => textsOf(link).length === 2);
    expect(types(link.frames)).toEqual(['hello', 'verdict', 'events', 'verdict', 'events']);
    expect(link.frames[3]).toMatchObject({
      verdict: 'gap',
      reason: 'restarted',
      from: null,
      to: null,
    });
    await second.close();
  });

  test('SUB-7: an engine out of reach delays readers, and tells onError', async () => {
    const engine = memoryEngine();
    let isDown = true;
    const log: Log = {
      ...engine.log,
      read: (...args) =>
        isDown ? Promise.reject(new Error('out of reach')) : engine.log.read(...args),
    };
    await using hub = runCore({ engine: { ...engine, log } });
    const link = hub.open(on(notes));
    await waitUntil('a report', () => hub.errors.length > 0);
    expect(verdictsOf(link)).toEqual([]);
    isDown = false;
    await link.next('verdict');
    expect(verdictsOf(link)).toEqual(['exact']);
  });
});

describe('state', () => {
  const listed = listedNotes.of({ id: '1' });

  test('SUB-5: a cursor whose events are trimmed gets the state in place of a gap', async () => {
    await using hub = runCore();
    const seen = await hub.publish(listed, 'a');
    await hub.publish(listed, 'b', 'c', 'd');
    const state = { offset: toOffset(4), version: 2, text: '["a","b","c","d"]' };
    await hub.engine.log.compact(listed.name, {
      size: 1,
      maxAgeMs: 1e9,
      snapshot: state,
      needsSnapshot: true,
    });
    const link = hub.open(on(listed, seen, 2));
    expect(await link.next('verdict')).toMatchObject({
      verdict: 'snapshot',
      state: ['a', 'b', 'c', 'd'],
    });
    const exact = hub.open(on(listed, { ...seen, offset: toOffset(3) }, 2));
    expect(await exact.next('verdict')).toMatchObject({ verdict: 'exact' });
    await waitUntil('the tail', () => textsOf(exact).length === 1);
  });

  test('CHAN-7: a state folded from a stored snapshot equals one folded from all events', async () => {
    await using hub = runCore();
    await hub.publish(listed, 'a', 'b');
    const state = { offset: toOffset(2), version: 2, text: '["a","b"]' };
    await hub.engine.log.compact(listed.name, {
      size: 1,
      maxAgeMs: 1e9,
      snapshot: state,
      needsSnapshot: true,
    });
    await hub.publish(listed, 'c');
    const link = hub.open(on(listed, 'now', 2));
    expect(await link.next('verdict')).toMatchObject({ state: ['a', 'b', 'c'] });
  });

  test('SUB-5: states come at most once in their interval, and the last one is the newest', async () => {
    await using hub = runCore();
    const paced = pacedNotes.of({ id: '1' });
    const link = hub.open(on(paced));
    await link.next('verdict');
    const from = performance.now();
    for (let index = 0; index < 60; index += 1) {
      await hub.publish(paced, `${index}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await waitUntil(
      'the newest state',
      () => link.frames.at(-1)?.type === 'verdict' && lastState(link).length === 60,
    );
    const passes = (performance.now() - from) / 100;
    expect(verdictsOf(link).length).toBeLessThanOrEqual(passes + 3);
    expect(verdictsOf(link).length).toBeGreaterThan(2);
    expect(types(link.frames)).not.toContain('events');
  });

  test('a reducer that throws skips its event and tells onError', async () => {
    const reduce = (): never => {
      throw new TypeError('broken');
    };
    const broken = { ...listedNotes, state: { initial: [], reduce } };
    await using hub = runCore({ contracts: [broken] });
    await hub.publish(listed, 'a');
    const link = hub.open(on(listed, 'now', 2));
    expect(await link.next('verdict')).toMatchObject({ state: [] });
    expect(hub.errors[0]).toContain('threw');
  });

  test.each([
    ['at a join', 'listed_notes', {}],
    ['while readers are live', 'paced_notes', { deliver: 'state' as const, everyMs: 50 }],
  ])(
    'a state that is no JSON %s ends its readers, and harms nobody else',
    async (_when, type, delivery) => {
      const state = {
        initial: [] as unknown,
        reduce: (_state: unknown, event: { data: unknown }) =>
          JSON.stringify(event.data).includes('bad') ? [1n] : ['good'],
      };
      const broken = {
        ...(type === 'listed_notes' ? listedNotes : pacedNotes),
        ...delivery,
        state,
      };
      const channel = { name: `${type}:1` };
      await using hub = runCore({ contracts: [broken, openNotes] });
      const bystander = hub.open(on(notes));
      const live = hub.open(on(channel, 'now', broken.version));
      await Promise.all([live.next('verdict'), bystander.next('verdict')]);
      await hub.publish(channel, 'bad');
      const late = hub.open(on(channel, 'now', broken.version));
      expect(await late.next('verdict')).toMatchObject({
        verdict: 'denied',
        error: { code: 'server/internal' },
      });
      if (type === 'paced_notes') {
        await waitUntil('the end of the live one', () => verdictsOf(live).at(-1) === 'denied');
      }
      expect(hub.errors[0]).toContain('no JSON');
      await hub.publish(notes, 'goes on');
      await waitUntil('the bystander', () => textsOf(bystander).length === 1);
    },
  );

  test('SUB-9: a channel that delivers states ends with its last one', async () => {
    await using hub = runCore();
    const paced = pacedNotes.of({ id: '1' });
    const link = hub.open(on(paced));
    await link.next('verdict');
    await hub.publish(paced, 'a');
    await waitUntil('the first state', () => lastState(link).length === 1);
    await hub.publish(paced, 'b');
    await hub.core.publisher.end(paced.name);
    await link.next('end');
    const told = link.frames.slice(-2);
    expect(told).toMatchObject([
      { type: 'verdict', verdict: 'snapshot', state: ['a', 'b'] },
      { type: 'end', cursor: { offset: 2 } },
    ]);
  });

  function lastState(link: MemoryLink): readonly unknown[] {
    const frame = link.frames.at(-1);
    return frame?.type === 'verdict' && frame.verdict === 'snapshot'
      ? (frame.state as unknown[])
      : [];
  }
});

test('LOG-8: what an earlier hub left in a channel is trimmed once somebody reads it', async () => {
  const engine = memoryEngine();
  const contract = { ...openNotes, history: { size: 5, maxAgeMs: 1e9 } };
  for (let index = 0; index < 60; index += 1) {
    await engine.log.append([{ channel: notes.name, body: '"type":"note","data":{"text":"a"}' }]);
  }
  await using hub = runCore({ engine, contracts: [contract] });
  await hub.open(on(notes)).next('verdict');
  const page = () => engine.log.read(notes.name, toOffset(0), { maxEvents: 0, maxBytes: 0 });
  let first = 1;
  await waitUntil(
    'the sweep',
    () => {
      void page().then((one) => (first = one.first));
      return first > 1;
    },
    8_000,
  );
  expect(first).toBe(56);
});
