// Ephemeral events through hubs: who gets them, who may send them, and that nothing of them stays.

import type { ConnectFrame, PresenceItem } from '@millrace/protocol/wire';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { memoryEngine } from '../engines/memory/memory-engine.ts';
import { createHub } from '../hub.ts';
import type { HubCoreOptions } from '../hub-core.ts';
import type { Engine } from '../seams/engine.ts';
import type { MemoryLink } from '../testing/memory-link.ts';
import { type RunningCore, runCore } from '../testing/run-core.ts';
import { closedRooms, openNotes, rooms, testHubOptions } from '../testing/test-channels.ts';
import { serveHub } from '../testing/transport-subject.ts';
import { waitUntil } from '../testing/waiting.ts';

const room = rooms.of({ id: '1' }).name;
const reading: PresenceItem = { channel: room, ephemeral: true };

let engine: Engine;
let running: RunningCore[];

beforeEach(() => {
  engine = memoryEngine();
  running = [];
});

afterEach(async () => {
  for (const one of running) await one[Symbol.asyncDispose]();
  await engine.close();
});

function start(options: Partial<HubCoreOptions> = {}): RunningCore {
  const one = runCore({ engine, ...options });
  running.push(one);
  return one;
}

const as = (token: string): Partial<ConnectFrame> => ({ token: `user-${token}` });

function point(link: MemoryLink, text: string, channel = room): void {
  const event = { type: 'pointed', data: { text } };
  link.attachment.received({ type: 'ephemeral', channel, event });
}

interface Told {
  readonly text: string;
  readonly from: string | null;
}

function toldTo(link: MemoryLink): readonly Told[] {
  return link.live.flatMap((frame) =>
    frame.type === 'ephemeral' && 'events' in frame
      ? frame.events.map(({ data, from }) => ({
          text: (data as { readonly text: string }).text,
          from: from?.id ?? null,
        }))
      : [],
  );
}

function errorsOf(link: MemoryLink): string[] {
  return link.live.flatMap((frame) =>
    frame.type === 'ephemeral' && 'error' in frame ? [frame.error.code] : [],
  );
}

describe('ephemeral events', () => {
  test('EPH-2: whoever reads them gets one, on every node, with who it is from, and nobody later', async () => {
    const [hub, other] = [start(), start()];
    const readers = [hub.open({ presence: [reading] }), other.open({ presence: [reading] })];
    const sender = hub.open({ presence: [reading], ...as('ada') });
    await waitUntil('all read', () => readers.every(({ live }) => live.length > 0));
    point(sender, 'here');
    for (const link of readers) await waitUntil('the event', () => toldTo(link).length === 1);
    const late = other.open({ presence: [reading] });
    point(sender, 'there');
    for (const link of [...readers, late]) {
      await waitUntil('the next one', () => toldTo(link).at(-1)?.text === 'there');
    }
    expect(toldTo(readers[1] ?? late)).toEqual([
      { text: 'here', from: 'ada' },
      { text: 'there', from: 'ada' },
    ]);
    expect(toldTo(late)).toEqual([{ text: 'there', from: 'ada' }]);
  });

  test('EPH-1: sending needs a permission of its own, reading that to subscribe, and an event its schema', async () => {
    const hub = start();
    const closed = closedRooms.of({ id: '1' }).name;
    const guest = hub.open({ presence: [{ channel: closed, ephemeral: true }] });
    const reader = hub.open({ presence: [{ channel: closed, ephemeral: true }], ...as('ada') });
    const writer = hub.open({ presence: [], ...as('writer') });
    await waitUntil('the refusal', () => errorsOf(guest).length === 1);
    point(reader, 'not I', closed);
    await waitUntil('the other refusal', () => errorsOf(reader).length === 1);
    point(writer, 'I', closed);
    await waitUntil('the event', () => toldTo(reader).length === 1);
    expect(toldTo(reader)).toEqual([{ text: 'I', from: 'writer' }]);
    expect([errorsOf(guest), errorsOf(reader), toldTo(guest)]).toEqual([
      ['auth/denied'],
      ['auth/denied'],
      [],
    ]);
    const send = (type: string, data: unknown, channel = room): void =>
      writer.attachment.received({ type: 'ephemeral', channel, event: { type, data } });
    send('danced', {});
    send('pointed', { name: 'no text' });
    send('pointed', { text: '' }, openNotes.of({ id: '1' }).name);
    send('pointed', { text: '' }, 'nothing:1');
    await waitUntil('four refusals', () => errorsOf(writer).length === 4);
    expect(errorsOf(writer).sort()).toEqual([
      'channel/unknown',
      'contract/invalid-event',
      'contract/unknown-event',
      'contract/unknown-event',
    ]);
  });

  test('EPH-3: of one session and kind the newest of a moment goes out, and too much or too often is refused', async () => {
    const hub = start({ limits: { maxEphemeralBytes: 60, maxEphemeralPerSecond: 10 } });
    const reader = hub.open({ presence: [reading] });
    const sender = hub.open({ presence: [], ...as('ada') });
    await waitUntil('it reads', () => reader.live.length > 0);
    for (let at = 1; at <= 20; at += 1) point(sender, `${at}`);
    await waitUntil('the newest', () => toldTo(reader).length > 0);
    expect(toldTo(reader)).toEqual([{ text: '20', from: 'ada' }]);
    point(sender, 'x'.repeat(60));
    for (const text of 'abcde') point(sender, text);
    await waitUntil('both refusals', () => errorsOf(sender).length >= 2);
    expect(errorsOf(sender).slice(0, 2)).toEqual(['limit/event-size', 'limit/publishes']);
  });

  test('EPH-2: a reader without room goes without, and no queue grows', async () => {
    const hub = start({ limits: { maxQueueBytes: 2_000, maxPageBytes: 1_000 } });
    const slow = hub.open({ presence: [reading] });
    const quick = hub.open({ presence: [reading] });
    const senders = Array.from({ length: 20 }, () => hub.open({ presence: [] }));
    await waitUntil('both read', () => slow.live.length > 0 && quick.live.length > 0);
    slow.stall();
    for (let round = 1; round <= 5; round += 1) {
      for (const sender of senders) point(sender, `${round} ${'x'.repeat(100)}`);
      await waitUntil('the round', () => toldTo(quick).length === round * 20);
    }
    expect(slow.waitingBytes).toBeLessThan(6_000);
    expect(slow.closedWith).toBeUndefined();
    expect(toldTo(slow).length).toBeLessThan(100);
  });

  test('EPH-5: a session whose link cannot send posts them, each with its own answer', async () => {
    await using served = await serveHub();
    const hub = start({ engine: served.engine });
    const reader = hub.open({ presence: [reading] });
    await waitUntil('it reads', () => reader.live.length > 0);
    const event = (channel: string, text: string) => ({
      channel,
      event: { type: 'pointed', data: { text } },
    });
    const post = async (body: unknown): Promise<unknown> => {
      const response = await fetch(`${served.url}/ephemeral`, {
        method: 'POST',
        headers: { authorization: 'Bearer user-ada' },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: await response.json() };
    };
    const session = 'a-session-of-some-length';
    const events = [event(room, 'posted'), event(closedRooms.of({ id: '1' }).name, 'no')];
    expect(await post({ session, events })).toMatchObject({
      status: 200,
      body: { results: [{}, { error: { code: 'auth/denied' } }] },
    });
    await waitUntil('the event', () => toldTo(reader).length === 1);
    expect(toldTo(reader)).toEqual([{ text: 'posted', from: 'ada' }]);
    expect(await post({ session: 'short', events })).toMatchObject({ status: 400 });
    expect(await post({ session, events: 7 })).toMatchObject({ status: 400 });
  });

  test('EPH-2: a program sends its own, under a name or none', async () => {
    const hub = start();
    const reader = hub.open({ presence: [reading] });
    await waitUntil('it reads', () => reader.live.length > 0);
    const program = createHub({ ...testHubOptions, engine });
    await using _closed = { [Symbol.asyncDispose]: () => program.close() };
    program.send(rooms.of({ id: '1' }), { type: 'pointed', data: { text: 'nobody' } });
    program.send(
      rooms.of({ id: '1' }),
      { type: 'pointed', data: { text: 'an agent' } },
      { from: 'agent-ada' },
    );
    await waitUntil('both', () => toldTo(reader).length === 2);
    expect(toldTo(reader)).toEqual([
      { text: 'nobody', from: null },
      { text: 'an agent', from: 'agent-ada' },
    ]);
    expect(() =>
      // @ts-expect-error no such event
      program.send(rooms.of({ id: '1' }), { type: 'danced', data: { text: '' } }),
    ).toThrow('has no ephemeral event');
  });
});
