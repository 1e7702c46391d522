// Conformance cases of delivery: verdicts, order, resumption, the text of events.

import assert from 'node:assert/strict';
import { toOffset } from '@millrace/protocol/wire';
import { connectFrame } from '../memory-link.ts';
import { closedNotes, listedNotes } from '../test-channels.ts';
import { channelEnd, noteTexts, verdictOf } from '../transport-subject.ts';
import { waitUntil } from '../waiting.ts';
import { name, note, notes, type TransportCase } from './transport-case.ts';

export const deliveryCases: readonly TransportCase[] = [
  {
    rule: 'SUB-3',
    title: 'a reader resumes exactly: what it missed, then what comes',
    async run({ hub, open }) {
      const cursor = await hub.publish(notes, note('seen'));
      await hub.publish(notes, note('missed'));
      const link = open(connectFrame({ channels: [{ channel: name, start: cursor, version: 1 }] }));
      assert.deepEqual(await verdictOf(link, name), { verdict: 'exact', cursor });
      await waitUntil('the missed event', () => noteTexts(link, name).length === 1);
      await hub.publish(notes, note('live'));
      await waitUntil('the live event', () => noteTexts(link, name).length === 2);
      assert.deepEqual(noteTexts(link, name), ['missed', 'live']);
    },
  },
  {
    rule: 'SUB-3',
    title: 'a reader that never received anything resumes by the cursor of its verdict',
    async run({ hub, open }) {
      const first = open(connectFrame({ channels: [{ channel: name, start: 'now', version: 1 }] }));
      const verdict = await verdictOf(first, name);
      assert.equal(verdict.verdict, 'exact');
      assert.ok(verdict.verdict === 'exact');
      assert.equal(verdict.cursor.offset, 0);
      first.close();
      await waitUntil('the end of the first link', () => first.isClosed);
      await hub.publish(notes, note('while away'));
      const second = open(
        connectFrame({ channels: [{ channel: name, start: verdict.cursor, version: 1 }] }),
      );
      await waitUntil('the event', () => noteTexts(second, name).length === 1);
      assert.deepEqual(noteTexts(second, name), ['while away']);
    },
  },
  {
    rule: 'SUB-1',
    title: 'a first subscription begins at the start, at the last n, or now',
    async run({ hub, open }) {
      await hub.publishMany(['a', 'b', 'c'].map((text) => ({ channel: notes, event: note(text) })));
      const from = (start: 'start' | 'now' | { last: number }) =>
        open(connectFrame({ channels: [{ channel: name, start, version: 1 }] }));
      const links = [from('start'), from({ last: 2 }), from('now')];
      for (const link of links) await verdictOf(link, name);
      await hub.publish(notes, note('d'));
      const expected = [['a', 'b', 'c', 'd'], ['b', 'c', 'd'], ['d']];
      for (const [index, link] of links.entries()) {
        await waitUntil('all events', () => noteTexts(link, name).includes('d'));
        assert.deepEqual(noteTexts(link, name), expected[index]);
      }
    },
  },
  {
    rule: 'SUB-4',
    title: 'trimmed history is a gap with its bounds, then what is kept',
    async run({ hub, engine, open }) {
      const seen = await hub.publish(notes, note('1'));
      await hub.publishMany(
        ['2', '3', '4', '5'].map((text) => ({ channel: notes, event: note(text) })),
      );
      await engine.log.compact(name, { size: 2, maxAgeMs: 3_600_000 });
      const link = open(connectFrame({ channels: [{ channel: name, start: seen, version: 1 }] }));
      assert.deepEqual(await verdictOf(link, name), {
        verdict: 'gap',
        cursor: { epoch: seen.epoch, offset: 3 },
        from: 2,
        to: 3,
        reason: 'trimmed',
      });
      await waitUntil('what is kept', () => noteTexts(link, name).length === 2);
      assert.deepEqual(noteTexts(link, name), ['4', '5']);
    },
  },
  {
    rule: 'CUR-4',
    title: 'a cursor of another epoch is a gap with reason restarted, and all that is kept follows',
    async run({ hub, open }) {
      const { epoch } = await hub.publish(notes, note('kept'));
      const start = { epoch: 'elsewhere', offset: toOffset(1) };
      const link = open(connectFrame({ channels: [{ channel: name, start, version: 1 }] }));
      assert.deepEqual(await verdictOf(link, name), {
        verdict: 'gap',
        cursor: { epoch, offset: 0 },
        from: null,
        to: null,
        reason: 'restarted',
      });
      await waitUntil('what is kept', () => noteTexts(link, name).length === 1);
      assert.deepEqual(noteTexts(link, name), ['kept']);
    },
  },
  {
    rule: 'SUB-4',
    title: 'a cursor past the head is a gap with reason rolled-back',
    async run({ hub, open }) {
      const { epoch } = await hub.publish(notes, note('kept'));
      const start = { epoch, offset: toOffset(9) };
      const link = open(connectFrame({ channels: [{ channel: name, start, version: 1 }] }));
      const verdict = await verdictOf(link, name);
      assert.ok(verdict.verdict === 'gap' && verdict.reason === 'rolled-back');
      await waitUntil('what is kept', () => noteTexts(link, name).length === 1);
    },
  },
  {
    rule: 'SUB-5',
    title: 'a contract with state opens with a snapshot, and its events follow',
    async run({ hub, open }) {
      const channel = listedNotes.of({ id: '1' });
      await hub.publish(channel, note('a'));
      const cursor = await hub.publish(channel, note('b'));
      const link = open(
        connectFrame({ channels: [{ channel: channel.name, start: 'now', version: 2 }] }),
      );
      assert.deepEqual(await verdictOf(link, channel.name), {
        verdict: 'snapshot',
        cursor,
        version: 2,
        state: ['a', 'b'],
      });
      await hub.publish(channel, note('c'));
      await waitUntil('the tail', () => noteTexts(link, channel.name).length === 1);
      assert.deepEqual(noteTexts(link, channel.name), ['c']);
    },
  },
  {
    rule: 'SUB-6',
    title: 'a denied, an unknown and an outdated channel leave the others alone',
    async run({ hub, open }) {
      const closed = closedNotes.of({ id: '1' }).name;
      const listed = listedNotes.of({ id: '1' }).name;
      const link = open(
        connectFrame({
          channels: [
            { channel: closed, start: 'now', version: 1 },
            { channel: 'nobody:knows', start: 'now', version: 1 },
            { channel: listed, start: 'now', version: 1 },
            { channel: name, start: 'now', version: 1 },
          ],
        }),
      );
      const codes = await Promise.all(
        [closed, 'nobody:knows', listed].map(async (channel) => {
          const verdict = await verdictOf(link, channel);
          return 'error' in verdict ? `${verdict.verdict} ${verdict.error.code}` : verdict.verdict;
        }),
      );
      assert.deepEqual(codes, [
        'denied auth/denied',
        'unknown channel/unknown',
        'denied contract/outdated',
      ]);
      await verdictOf(link, name);
      await hub.publish(notes, note('still here'));
      await waitUntil('the event', () => noteTexts(link, name).length === 1);
    },
  },
  {
    rule: 'SUB-9',
    title: 'an ended channel gives its last event, then its end',
    async run({ hub, open }) {
      await hub.publish(notes, note('first'));
      const link = open(
        connectFrame({ channels: [{ channel: name, start: 'start', version: 1 }] }),
      );
      await waitUntil('the first event', () => noteTexts(link, name).length === 1);
      const cursor = await hub.publish(notes, note('last'));
      await hub.end(notes);
      assert.deepEqual(await channelEnd(link, name), cursor);
      assert.deepEqual(noteTexts(link, name), ['first', 'last']);
      await assert.rejects(hub.publish(notes, note('too late')), { code: 'channel/ended' });
    },
  },
  {
    rule: 'EVT-1',
    title: 'many publishers at once give every reader one order without a hole',
    async run({ hub, open }) {
      const start = 'start' as const;
      const links = [1, 2].map(() =>
        open(connectFrame({ channels: [{ channel: name, start, version: 1 }] })),
      );
      const publisher = async (who: number): Promise<void> => {
        for (let count = 0; count < 25; count += 1)
          await hub.publish(notes, note(`${who}.${count}`));
      };
      await Promise.all([1, 2, 3, 4].map(publisher));
      const { events } = await hub.history(notes);
      const expected = events.map((event) => event.data.text);
      for (const link of links) {
        await waitUntil('100 events', () => noteTexts(link, name).length >= 100);
        assert.deepEqual(noteTexts(link, name), expected);
      }
    },
  },
  {
    rule: 'EVT-3',
    title: 'quotes, line breaks, U+2028, NUL and lone surrogates arrive as they were',
    async run({ hub, open }) {
      const text = 'a"b\\c\r\nd\n\ndata: e\u2028\u2029\u0000\ud83d f 😀 id: 7 é';
      const link = open(connectFrame({ channels: [{ channel: name, start: 'now', version: 1 }] }));
      await verdictOf(link, name);
      await hub.publish(notes, note(text));
      await waitUntil('the event', () => noteTexts(link, name).length === 1);
      assert.deepEqual(noteTexts(link, name), [text]);
    },
  },
  {
    rule: 'CUR-3',
    title: 'a cursor opens no channel: who may not subscribe is denied with it too',
    async run({ hub, open }) {
      const channel = closedNotes.of({ id: '1' });
      const cursor = await hub.publish(channel, note('secret'));
      const start = { ...cursor, offset: toOffset(0) };
      const link = open(connectFrame({ channels: [{ channel: channel.name, start, version: 1 }] }));
      assert.equal((await verdictOf(link, channel.name)).verdict, 'denied');
      const allowed = open(
        connectFrame({
          token: 'user-ann',
          channels: [{ channel: channel.name, start, version: 1 }],
        }),
      );
      await waitUntil('the event', () => noteTexts(allowed, channel.name).length === 1);
      assert.deepEqual(noteTexts(link, channel.name), []);
    },
  },
  {
    rule: 'SUB-7',
    title: 'what is published while a reader catches up is neither lost nor doubled',
    async run({ hub, open }) {
      const publishMany = (from: number, count: number) =>
        hub.publishMany(
          Array.from({ length: count }, (_, index) => ({
            channel: notes,
            event: note(`${from + index}`),
          })),
        );
      await publishMany(0, 600);
      const link = open(
        connectFrame({ channels: [{ channel: name, start: 'start', version: 1 }] }),
      );
      for (let from = 600; from < 900; from += 10) await publishMany(from, 10);
      await waitUntil('900 events', () => noteTexts(link, name).length >= 900, 10_000);
      assert.deepEqual(
        noteTexts(link, name),
        Array.from({ length: 900 }, (_, index) => `${index}`),
      );
    },
  },
];
