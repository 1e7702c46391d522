// What readers and publishers of a channel see when it is forgotten. Rule: PUB-9.

import { expect, test } from 'vitest';
import { memoryEngine } from './engines/memory/memory-engine.ts';
import { createHub } from './hub.ts';
import type { Engine } from './seams/engine.ts';
import { rawSocket } from './testing/raw-http.ts';
import { on, runCore, textsOf, verdictsOf } from './testing/run-core.ts';
import { listedNotes, openNotes, testHubOptions } from './testing/test-channels.ts';
import { serveHub } from './testing/transport-subject.ts';
import { waitUntil } from './testing/waiting.ts';

const notes = openNotes.of({ id: '1' });
const listed = listedNotes.of({ id: '1' });
const note = (text: string) => ({ type: 'note', data: { text } }) as const;

test('PUB-9: a live reader is told of the gap before the next event, and reads on from the first', async () => {
  await using hub = runCore();
  const link = hub.open(on(notes));
  await link.next('verdict');
  const last = await hub.publish(notes, 'a', 'b');
  await waitUntil('what was before', () => textsOf(link).length === 2);
  await hub.engine.log.forget(notes.name);
  await hub.publish(notes, 'c', 'd');
  await waitUntil('what came after', () => textsOf(link).length === 4);
  expect(textsOf(link)).toEqual(['a', 'b', 'c', 'd']);
  expect(verdictsOf(link)).toEqual(['exact', 'gap']);
  const gap = link.frames.findLast((frame) => frame.type === 'verdict');
  expect(gap).toMatchObject({ verdict: 'gap', reason: 'restarted', from: null, to: null });
  expect(gap).toMatchObject({ cursor: { offset: 0 } });
  expect(gap).not.toMatchObject({ cursor: { epoch: last.epoch } });
});

test('PUB-9: a reader of a state gets the first state again, and nothing of what was', async () => {
  await using hub = runCore();
  const link = hub.open(on(listed, 'now', 2));
  await link.next('verdict');
  await hub.publish(listed, 'secret');
  await hub.engine.log.forget(listed.name);
  await waitUntil('the state without it', () => verdictsOf(link).length === 2);
  expect(link.frames.at(-1)).toMatchObject({ verdict: 'snapshot', state: [] });
});

test('CUR-4: a cursor of before is no position in what came after, however far that is', async () => {
  await using hub = runCore();
  const before = await hub.publish(notes, 'a', 'b');
  await hub.engine.log.forget(notes.name);
  await hub.publish(notes, 'c', 'd', 'e');
  const link = hub.open(on(notes, before));
  await waitUntil('everything that is kept', () => textsOf(link).length === 3);
  expect(verdictsOf(link)).toEqual(['gap']);
  expect(textsOf(link)).toEqual(['c', 'd', 'e']);
});

test('PUB-9: an ended channel that is forgotten takes events again', async () => {
  const hub = createHub(testHubOptions);
  await hub.publish(notes, note('a'));
  const { epoch } = await hub.end(notes);
  await hub.forget(notes);
  expect(await hub.history(notes)).toMatchObject({ events: [], next: { offset: 0 } });
  const again = await hub.publish(notes, note('b'), { expect: 'empty' });
  expect(again.offset).toBe(1);
  expect(again.epoch).not.toBe(epoch);
  await expect(hub.forget({ ...notes, name: 'nobody:knows' })).rejects.toMatchObject({
    code: 'channel/unknown',
  });
  await hub.close();
});

test('PUB-9: a hub whose engine gives no hints tells its readers too', async () => {
  const engine = memoryEngine();
  const silent: Engine = {
    ...engine,
    log: { ...engine.log, watch: () => () => undefined },
    capabilities: { ...engine.capabilities, isLocal: false },
  };
  await using served = await serveHub({ engine: silent });
  await served.hub.publish(notes, note('a'));
  using reader = rawSocket(
    served.origin,
    `GET /realtime/events?channel=${notes.name}&from=start HTTP/1.1\r\nHost: a\r\n\r\n`,
  );
  await waitUntil('the event', () => reader.text.includes('"a"'));
  await served.hub.forget(notes);
  await waitUntil('the gap', () => reader.text.includes('event: gap'));
  await served.hub.publish(notes, note('b'));
  await waitUntil('the next event', () => reader.text.includes('"b"'));
  expect(reader.text.indexOf('"b"')).toBeGreaterThan(reader.text.indexOf('event: gap'));
});
