// fold(all) = fold(snapshot + tail) through the hub, at every cut: random publishes, joins, cuts, compactions (also slow
// ones), restarts, and two versions of the contract beside each other. And the pace of states under load.

import { type Cursor, defineChannel } from '@millrace/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memoryEngine } from './engines/memory/memory-engine.ts';
import type { Engine } from './seams/engine.ts';
import type { MemoryLink } from './testing/memory-link.ts';
import { on, type RunningCore, runCore } from './testing/run-core.ts';
import { noteSchema, pacedNotes } from './testing/test-channels.ts';
import { waitUntil } from './testing/waiting.ts';

const events = { note: noteSchema };
const history = { size: 8 };
const access = { subscribe: 'public' } as const;

const first = defineChannel({
  type: 'told',
  events,
  history,
  access,
  state: {
    initial: [] as readonly string[],
    reduce: (texts, { data }) => [...texts, data.text],
  },
});

/** The next version holds the same in another form. */
const second = defineChannel({
  type: 'told',
  version: 2,
  events,
  history,
  access,
  state: {
    initial: { joined: '', count: 0 },
    reduce: ({ joined, count }, { data }) => ({
      joined: `${joined}${data.text},`,
      count: count + 1,
    }),
    migrate: (state) => {
      const texts = state as readonly string[];
      return { joined: texts.map((text) => `${text},`).join(''), count: texts.length };
    },
  },
});

type Version = 1 | 2;
const channel = first.of();

function expectedState(version: Version, texts: readonly string[]): unknown {
  return version === 1
    ? texts
    : { joined: texts.map((text) => `${text},`).join(''), count: texts.length };
}

/** Folds what its links are sent as a client does, and checks each step against all that was published. */
interface FoldingReader {
  readonly version: Version;
  link: MemoryLink;
  seen: number;
  state: unknown;
  cursor: Cursor | null;
}

function takeFrames(reader: FoldingReader, all: readonly string[]): void {
  const { reduce } = first.state ?? {};
  const { reduce: reduceSecond } = second.state ?? {};
  for (const frame of reader.link.frames.slice(reader.seen)) {
    reader.seen += 1;
    if (frame.type === 'verdict') {
      if (frame.verdict === 'snapshot') reader.state = frame.state;
      else if (frame.verdict === 'exact') expect(frame.cursor).toEqual(reader.cursor);
      else throw new Error(`A channel with state was told ${frame.verdict}`);
      reader.cursor = frame.cursor;
    }
    if (frame.type !== 'events' || reader.cursor === null) continue;
    for (const event of frame.events) {
      expect(event.offset).toBe(reader.cursor.offset + 1);
      reader.state =
        reader.version === 1
          ? reduce?.(reader.state as never, event as never)
          : reduceSecond?.(reader.state as never, event as never);
      reader.cursor = { epoch: reader.cursor.epoch, offset: event.offset };
    }
    expect(reader.state).toEqual(expectedState(reader.version, all.slice(0, reader.cursor.offset)));
  }
}

type Command =
  | { readonly do: 'publish'; readonly count: number; readonly isAwaited: boolean }
  | { readonly do: 'compact'; readonly size: number; readonly isSlow: boolean }
  | { readonly do: 'finish slow ones' }
  | { readonly do: 'join' }
  | { readonly do: 'cut'; readonly which: number }
  | { readonly do: 'restart' }
  | { readonly do: 'raise' };

const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('publish' as const),
        count: fc.integer({ min: 1, max: 9 }),
        isAwaited: fc.boolean(),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('compact' as const),
        size: fc.integer({ min: 1, max: 6 }),
        isSlow: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('finish slow ones' as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('join' as const) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('cut' as const), which: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('raise' as const) }) },
  ),
  { maxLength: 30 },
);

/**
 * Runs the commands on one engine: a hub of version 1, and from `raise` on one of version 2 beside it. Resolves with
 * how many readers had everything in the end, at each step rightly folded.
 */
async function runCommands(list: readonly Command[]): Promise<number> {
  const engine = memoryEngine();
  const all: string[] = [];
  const hubs = new Map<Version, RunningCore>([[1, startHub(engine, 1)]]);
  const readers: FoldingReader[] = [];
  const pending: Promise<void>[] = [];
  let slow: (() => Promise<void>)[] = [];
  let published = 0;

  const newest = (): Version => (hubs.has(2) ? 2 : 1);
  const hubOf = (version: Version): RunningCore => {
    const hub = hubs.get(version);
    if (hub === undefined) throw new RangeError('That version is not running');
    return hub;
  };

  async function publish(count: number): Promise<void> {
    const hub = hubOf(count % 2 === 0 ? 1 : newest());
    const texts = Array.from({ length: count }, () => `${(published += 1)}`);
    const results = await hub.core.publisher.publish(
      texts.map((text) => ({ channel: channel.name, event: { type: 'note', data: { text } } })),
    );
    for (const [index, result] of results.entries()) {
      if ('error' in result) throw result.error;
      all[result.cursor.offset - 1] = texts[index] ?? '';
    }
  }

  /** As the hub's own retention does it; a slow one holds its state for a while before it stores it. */
  async function compact(version: Version, size: number, isSlow: boolean): Promise<void> {
    const { core } = hubOf(version);
    const contract = version === 1 ? first : second;
    await core.topics.withState(channel.name, contract, async (snapshot, epoch) => {
      const run = () =>
        engine.log.compact(channel.name, {
          size,
          maxAgeMs: 1e9,
          snapshot,
          epoch,
          needsSnapshot: true,
        });
      if (isSlow) slow.push(run);
      else await run();
      core.topics.find(channel.name)?.refresh();
    });
  }

  function join(version: Version, cursor: Cursor | null): MemoryLink {
    return hubOf(version).open(on(channel, cursor ?? 'now', version));
  }

  function addReader(version: Version): void {
    readers.push({ version, link: join(version, null), seen: 0, state: undefined, cursor: null });
  }

  function rejoin(reader: FoldingReader): void {
    takeFrames(reader, all);
    reader.link.cut();
    reader.link = join(reader.version, reader.cursor);
    reader.seen = 0;
  }

  async function run(command: Command): Promise<void> {
    switch (command.do) {
      case 'publish': {
        const publishing = publish(command.count);
        pending.push(publishing);
        if (command.isAwaited) await publishing;
        return;
      }
      case 'compact':
        await compact(command.size % 2 === 0 ? 1 : newest(), command.size, command.isSlow);
        return;
      case 'finish slow ones': {
        const late = slow;
        slow = [];
        await Promise.all(late.map((one) => one()));
        return;
      }
      case 'join':
        addReader(newest());
        return;
      case 'cut': {
        // What is on its way is waited for, so that the model knows all that a frame may hold.
        await Promise.all(pending);
        const reader = readers[command.which % readers.length];
        if (reader !== undefined) rejoin(reader);
        return;
      }
      case 'restart':
        await Promise.all(pending);
        await restart();
        return;
      case 'raise':
        if (!hubs.has(2)) hubs.set(2, startHub(engine, 2));
        return;
    }
  }

  /** The newest version's hub: an older one could not fold what a newer has trimmed (CHAN-8). */
  async function restart(): Promise<void> {
    const version = newest();
    await stopHub(hubOf(version));
    hubs.set(version, startHub(engine, version));
    for (const reader of readers.filter((one) => one.version === version)) {
      takeFrames(reader, all);
      reader.link = join(version, reader.cursor);
      reader.seen = 0;
    }
  }

  // One that stays keeps the channel loaded in the first hub.
  addReader(1);
  await readers[0]?.link.next('verdict');
  for (const command of list) await run(command);
  await Promise.all(pending);
  if (newest() === 2) addReader(2);
  addReader(1);
  for (const reader of readers) {
    await waitUntil('a reader to have everything', () => {
      takeFrames(reader, all);
      return reader.cursor?.offset === all.length;
    });
  }
  for (const hub of hubs.values()) {
    expect(hub.errors).toEqual([]);
    await stopHub(hub);
  }
  await engine.close();
  return readers.length;
}

function startHub(engine: Engine, version: Version): RunningCore {
  return runCore({ engine, contracts: [version === 1 ? first : second] });
}

async function stopHub({ core }: RunningCore): Promise<void> {
  await core.sendAway(0);
  await core.close();
}

test('CHAN-7: whatever is compacted, cut, joined and restarted when, every reader’s fold is the fold of all events', async () => {
  const property = fc.asyncProperty(commands, async (list) => void (await runCommands(list)));
  await expect(fc.assert(property, { numRuns: 250 })).resolves.toBeUndefined();
});

test('CHAN-8: hubs of two versions compact one channel, and neither spoils the other’s state', async () => {
  const compact = (size: number, isSlow = false): Command => ({ do: 'compact', size, isSlow });
  const publish = (count: number): Command => ({ do: 'publish', count, isAwaited: true });
  const readers = await runCommands([
    publish(9),
    compact(2, true),
    { do: 'raise' },
    { do: 'join' },
    publish(8),
    compact(3),
    publish(5),
    compact(2),
    { do: 'finish slow ones' },
    { do: 'cut', which: 0 },
    { do: 'restart' },
    publish(3),
    compact(1),
    { do: 'restart' },
  ]);
  expect(readers).toBe(4);
});

describe('states under load', () => {
  const paced = pacedNotes.of({ id: 'load' });
  const everyMs = 100;

  interface PacedReader {
    link: MemoryLink;
    readonly offsets: number[];
    /** States that it may have had at once: for joining, and for having room again. */
    extra: number;
  }

  function collect(reader: PacedReader): void {
    for (const frame of reader.link.frames) {
      if (frame.type === 'events') throw new Error('A reader of states was sent events');
      if (frame.type !== 'verdict' || !('cursor' in frame)) continue;
      const { offset } = frame.cursor;
      const state: unknown = frame.verdict === 'snapshot' ? frame.state : Array(offset).fill('');
      expect(state).toHaveLength(offset);
      reader.offsets.push(offset);
    }
  }

  test('SUB-5a: a thousand updates a second go out as ten states, the newest at last, to steady, cut and slow readers', async () => {
    await using hub = runCore({ limits: { maxQueueBytes: 10_000, maxControlBytes: 1_000_000 } });
    const open = (cursor: Cursor | 'now'): MemoryLink => hub.open(on(paced, cursor));
    const [steady, cut, slow] = Array.from(
      { length: 3 },
      (): PacedReader => ({ link: open('now'), offsets: [], extra: 1 }),
    );
    if (steady === undefined || cut === undefined || slow === undefined) throw new RangeError();
    for (const { link } of [steady, cut, slow]) await link.next('verdict');
    const startedAt = performance.now();
    let published = 0;
    let ticks = 0;
    let place: Cursor | 'now' = 'now';
    while (published < 1_500) {
      const due = Math.min(1_500, Math.floor(performance.now() - startedAt));
      const texts = Array.from({ length: due - published }, () => 'some text of a state');
      published = due;
      if (texts.length > 0) await hub.publish(paced, ...texts);
      await new Promise((resolve) => setTimeout(resolve, 5));
      ticks += 1;
      if (ticks % 30 === 0) {
        const last = cut.link.frames.findLast((frame) => frame.type === 'verdict');
        // Cut again before its turn came: then it still stands where it stood.
        if (last !== undefined && 'cursor' in last) place = last.cursor;
        cut.link.cut();
        collect(cut);
        cut.link = open(place);
        cut.extra += 1;
      }
      if (ticks % 40 === 10) slow.link.stall();
      if (ticks % 40 === 39) {
        slow.link.flow();
        slow.extra += 1;
      }
    }
    slow.link.flow();
    slow.extra += 1;
    for (const { link } of [steady, cut, slow]) {
      await waitUntil('the newest state', () => {
        const last = link.frames.at(-1);
        return last?.type === 'verdict' && 'cursor' in last && last.cursor.offset === 1_500;
      });
    }
    const windows = Math.ceil((performance.now() - startedAt) / everyMs);
    for (const reader of [steady, cut, slow]) {
      collect(reader);
      expect(reader.offsets.length).toBeLessThanOrEqual(windows + reader.extra);
      const sorted = reader.offsets.toSorted((a, b) => a - b);
      expect(reader.offsets).toEqual(sorted);
      expect(reader.offsets.at(-1)).toBe(1_500);
    }
    expect(steady.offsets.length).toBeGreaterThanOrEqual(8);
    expect(new Set(steady.offsets).size).toBe(steady.offsets.length);
  });
});
