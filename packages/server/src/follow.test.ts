// A channel followed inside the process: what a link is told, to a program.

import { type Channel, type Cursor, type EventSchemas, toMillraceError } from '@millrace/protocol';
import { describe, expect, test } from 'vitest';
import { createHub } from './hub.ts';
import type { FollowedFrame, FollowOptions, Hub } from './hub-types.ts';
import { closedNotes, listedNotes, openNotes } from './testing/test-channels.ts';
import { waitUntil } from './testing/waiting.ts';

const notes = openNotes.of({ id: '1' });

interface OpenHub extends AsyncDisposable {
  readonly hub: Hub;
}

function open(limits: Parameters<typeof createHub>[0]['limits'] = {}): OpenHub {
  const hub = createHub({ contracts: [openNotes, closedNotes, listedNotes], limits });
  return { hub, [Symbol.asyncDispose]: () => hub.close() };
}

/** What it is told, in short, as it comes. */
function tell<Events extends EventSchemas, State>(
  hub: Hub,
  channel: Channel<Events, State>,
  options: FollowOptions = {},
): { readonly told: string[]; readonly done: Promise<unknown> } {
  const told: string[] = [];
  async function run(): Promise<void> {
    for await (const frame of hub.follow(channel, options)) told.push(short(frame));
    told.push('over');
  }
  const done = run().catch((error: unknown) => told.push(toMillraceError(error).code));
  return { told, done };
}

function short(frame: FollowedFrame<{ readonly data: unknown }>): string {
  switch (frame.type) {
    case 'verdict':
      return frame.verdict.verdict;
    case 'event':
      return (frame.event.data as { text: string }).text;
    case 'end':
      return 'end';
  }
}

function write(hub: Hub, text: string, channel = notes): Promise<Cursor> {
  return hub.publish(channel, { type: 'note', data: { text } });
}

describe('following inside the process', () => {
  test('SUB-10: it begins with the verdict, has every event once and in order, and ends with the channel', async () => {
    await using bed = open();
    const { hub } = bed;
    const first = await write(hub, 'a');
    const all = tell(hub, notes, { start: 'start' });
    const later = tell(hub, notes, { start: first });
    const live = tell(hub, notes);
    await waitUntil('all begun', () => live.told.length > 0 && all.told.length > 1);
    await write(hub, 'b');
    await write(hub, 'c');
    await hub.end(notes);
    await Promise.all([all.done, later.done, live.done]);
    expect(all.told).toEqual(['exact', 'a', 'b', 'c', 'end', 'over']);
    expect(later.told).toEqual(['exact', 'b', 'c', 'end', 'over']);
    expect(live.told).toEqual(['exact', 'b', 'c', 'end', 'over']);
  });

  test('SUB-10: each event has its cursor, from which another goes on', async () => {
    await using bed = open();
    const { hub } = bed;
    for (const text of ['a', 'b', 'c']) await write(hub, text);
    const seen: Cursor[] = [];
    for await (const frame of hub.follow(notes, { start: 'start' })) {
      if (frame.type === 'event') seen.push(frame.cursor);
      if (seen.length === 2) break;
    }
    const next = tell(hub, notes, { start: seen[1] as Cursor });
    await waitUntil('the rest', () => next.told.length === 2);
    expect(next.told).toEqual(['exact', 'c']);
  });

  test('SUB-10: a channel with state begins with that', async () => {
    await using bed = open();
    const { hub } = bed;
    const list = listedNotes.of({ id: '1' });
    await hub.publish(list, { type: 'note', data: { text: 'a' } });
    for await (const frame of hub.follow(list)) {
      expect(frame).toMatchObject({ type: 'verdict', verdict: { verdict: 'snapshot' } });
      break;
    }
  });

  test('SUB-10: nobody is asked for permission, and a channel that is none is refused', async () => {
    await using bed = open();
    const closed = tell(bed.hub, closedNotes.of({ id: '1' }));
    const none = tell(bed.hub, { ...notes, name: 'no_such:1' });
    const other = tell(bed.hub, { ...notes, contract: { ...notes.contract, version: 99 } });
    await Promise.all([none.done, other.done]);
    expect(closed.told).toEqual(['exact']);
    expect(none.told).toEqual(['channel/unknown']);
    expect(other.told).toEqual(['contract/outdated']);
  });

  test('SUB-10: whoever leaves the loop, or is told to, holds nothing any more', async () => {
    await using bed = open();
    const { hub } = bed;
    const halt = new AbortController();
    const told = tell(hub, notes, { signal: halt.signal });
    await waitUntil('begun', () => told.told.length === 1);
    for await (const frame of hub.follow(notes)) if (frame.type === 'verdict') break;
    expect(hub.stats().subscriptions).toBe(1);
    halt.abort();
    await told.done;
    expect(told.told).toEqual(['exact', 'over']);
    expect(hub.stats().subscriptions).toBe(0);
    const gone = tell(hub, notes, { signal: halt.signal });
    await gone.done;
    expect(gone.told).toEqual(['over']);
  });

  test('SUB-10: one that is slow costs its limit, falls back to the log, and has everything', async () => {
    await using bed = open({ maxQueueBytes: 20_000, maxPageBytes: 8_000 });
    const { hub } = bed;
    const pad = 'x'.repeat(500);
    const texts = Array.from({ length: 400 }, (_, n) => `${n}${pad}`);
    const seen: string[] = [];
    const release = Promise.withResolvers<void>();
    const reading = (async () => {
      for await (const frame of hub.follow(notes)) {
        if (frame.type === 'event') seen.push(short(frame));
        else await release.promise;
        if (seen.length === texts.length) break;
      }
    })();
    await waitUntil('begun', () => hub.stats().channelsLoaded === 1);
    for (const text of texts) await write(hub, text);
    expect(hub.stats().pressure.fellBehind).toBe(1);
    release.resolve();
    await reading;
    expect(seen).toEqual(texts);
  });

  test('SUB-10: its limit is one of bytes, whatever the letters', async () => {
    await using bed = open({ maxQueueBytes: 20_000, maxPageBytes: 8_000 });
    const { hub } = bed;
    const reader = hub.follow(notes)[Symbol.asyncIterator]();
    await reader.next();
    // 16,000 characters, 32,000 bytes.
    for (let n = 0; n < 8; n += 1) await write(hub, '😀'.repeat(1_000));
    expect(hub.stats().pressure.fellBehind).toBe(1);
    await reader.return?.();
  });

  test('SUB-10: one that takes nothing in ends with `link/slow`', async () => {
    await using bed = open({ maxQueueBytes: 2_000, maxPageBytes: 1_000, slowAfterMs: 100 });
    const { hub } = bed;
    const frames = hub.follow(notes)[Symbol.asyncIterator]();
    await frames.next();
    for (let n = 0; n < 50; n += 1) await write(hub, 'x'.repeat(200));
    await waitUntil('the hub to give it up', () => hub.stats().refused['link/slow'] === 1);
    await expect(
      (async () => {
        while ((await frames.next()).done !== true);
      })(),
    ).rejects.toMatchObject({ code: 'link/slow' });
  });

  test('SUB-10: a hub that closes says so, after what came before', async () => {
    const { hub } = open();
    const told = tell(hub, notes);
    await waitUntil('begun', () => told.told.length === 1);
    await write(hub, 'a');
    await hub.close();
    await told.done;
    expect(told.told).toEqual(['exact', 'a', 'server/shutdown']);
    expect(() => hub.follow(notes)).toThrow(expect.objectContaining({ code: 'server/shutdown' }));
  });
});
