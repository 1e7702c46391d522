// Conformance cases of the carriers, as data: each gets a fresh running hub of the test contracts and opens links to it.
// No test runner is imported; a runner registers `title` and calls `run`. Every carrier passes every case, but for
// those that `needs` a link that takes frames after `connect`.

import assert from 'node:assert/strict';
import { type ServerFrame, toOffset } from '@millrace/protocol';
import { connectFrame } from './memory-link.ts';
import { closedNotes, listedNotes, openNotes } from './test-channels.ts';
import {
  channelEnd,
  errorCode,
  noteTexts,
  type TransportSubject,
  verdictOf,
} from './transport-subject.ts';
import { waitFor, waitUntil } from './waiting.ts';

export interface TransportCase {
  readonly rule: string;
  readonly title: string;
  /** `frames`: the link takes frames after `connect`. */
  readonly needs?: 'frames';
  run(subject: TransportSubject): Promise<void>;
}

const notes = openNotes.of({ id: '1' });
const name = notes.name;

const note = (text: string): { type: 'note'; data: { text: string } } => ({
  type: 'note',
  data: { text },
});

export const transportCases: readonly TransportCase[] = [
  {
    rule: 'LINK-3',
    title: 'hello is the first frame, with the clock, the beat and who one is',
    async run({ open }) {
      const link = open(
        connectFrame({
          token: 'user-ann',
          channels: [{ channel: name, start: 'now', version: 1 }],
        }),
      );
      await verdictOf(link, name);
      const [hello] = link.frames;
      assert.equal(hello?.type, 'hello');
      assert.ok(hello?.type === 'hello' && Math.abs(hello.at - Date.now()) < 5_000);
      assert.equal(hello.identity, 'ann');
      assert.ok(hello.beatMs >= 1_000);
    },
  },
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
    rule: 'LINK-1',
    title: 'another version of the protocol is refused',
    async run({ openMalformed }) {
      const link = openMalformed(JSON.stringify({ ...connectFrame(), protocol: 99 }));
      assert.equal(await errorCode(link), 'protocol/version');
      await waitUntil('the end', () => link.isClosed);
    },
  },
  {
    rule: 'LINK-2',
    title: 'what cannot be read ends the link, and nobody else notices',
    async run({ hub, open, openMalformed }) {
      const other = open(connectFrame({ channels: [{ channel: name, start: 'now', version: 1 }] }));
      await verdictOf(other, name);
      for (const text of [
        '{"type":',
        '[]',
        '"connect"',
        '{"type":"connect","protocol":1}',
        '['.repeat(1_000),
      ]) {
        const link = openMalformed(text);
        assert.equal(await errorCode(link), 'protocol/malformed');
        await waitUntil('the end', () => link.isClosed);
      }
      await hub.publish(notes, note('unharmed'));
      await waitUntil('the event', () => noteTexts(other, name).length === 1);
    },
  },
  {
    rule: 'LIM-1',
    title: 'a frame or body over its limit is refused with its code',
    async run({ openMalformed }) {
      const link = openMalformed(JSON.stringify({ ...connectFrame(), token: 'x'.repeat(70_000) }));
      assert.match(await errorCode(link), /^limit\/(frame|body)-size$/);
      await waitUntil('the end', () => link.isClosed);
    },
  },
  {
    rule: 'LIM-3',
    title: 'channels over the limit are denied, the first ones stay',
    async run({ hub, open }) {
      const channels = Array.from({ length: 101 }, (_, index) => ({
        channel: openNotes.of({ id: `c${index}` }).name,
        start: 'now' as const,
        version: 1,
      }));
      const link = open(connectFrame({ channels }));
      const verdict = await verdictOf(link, 'open_notes:c100');
      assert.ok(verdict.verdict === 'denied' && verdict.error.code === 'limit/channels');
      assert.equal((await verdictOf(link, 'open_notes:c99')).verdict, 'exact');
      await hub.publish(openNotes.of({ id: 'c0' }), note('first'));
      await waitUntil('the event', () => noteTexts(link, 'open_notes:c0').length === 1);
    },
  },
  {
    rule: 'LINK-5',
    title: 'of two links of a session the higher number stays',
    async run({ open }) {
      const channels = [{ channel: name, start: 'now' as const, version: 1 }];
      const { session } = connectFrame();
      const lower = open(connectFrame({ session, link: 1_000, channels }));
      await verdictOf(lower, name);
      const higher = open(connectFrame({ session, link: 2_000, channels }));
      await verdictOf(higher, name);
      assert.equal(await errorCode(lower), 'link/replaced');
      await waitUntil('the end of the lower link', () => lower.isClosed);
      const late = open(connectFrame({ session, link: 1_500, channels }));
      assert.equal(await errorCode(late), 'link/replaced');
      assert.equal(higher.isClosed, false);
    },
  },
  {
    rule: 'AUTH-1',
    title: 'a token that is refused ends the link, and never makes a guest',
    async run({ open }) {
      const link = open(connectFrame({ token: 'forged' }));
      assert.equal(await errorCode(link), 'auth/invalid');
      await waitUntil('the end', () => link.isClosed);
      assert.ok(!link.frames.some((frame: ServerFrame) => frame.type === 'hello'));
    },
  },
  {
    rule: 'AUTH-3',
    title: 'a token that expires ends the link although nothing is sent',
    async run({ open }) {
      const channels = [{ channel: name, start: 'now' as const, version: 1 }];
      const link = open(connectFrame({ token: `user-ann-until-${Date.now() + 500}`, channels }));
      await verdictOf(link, name);
      assert.equal(await errorCode(link), 'auth/expired');
      await waitUntil('the end', () => link.isClosed);
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
    rule: 'LINK-8',
    title: 'a closing hub says goaway, and ends every link',
    async run({ hub, open }) {
      const link = open(connectFrame({ channels: [{ channel: name, start: 'now', version: 1 }] }));
      await verdictOf(link, name);
      const accepted = hub.publish(notes, note('accepted'));
      await hub.close();
      await accepted;
      await waitFor('goaway', () => link.frames.find((frame) => frame.type === 'goaway'));
      await waitUntil('the end', () => link.isClosed);
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
  {
    rule: 'LINK-9',
    title: 'a probe is answered with a beat at once',
    needs: 'frames',
    async run({ open }) {
      const link = open(connectFrame());
      await waitFor('hello', () => link.frames[0]);
      link.send({ type: 'probe' });
      await waitFor('the beat', () => link.frames.find((frame) => frame.type === 'beat'), 1_000);
    },
  },
  {
    rule: 'PUB-5',
    title: 'a publish over the link answers each event in order',
    needs: 'frames',
    async run({ open }) {
      const link = open(connectFrame({ channels: [{ channel: name, start: 'now', version: 1 }] }));
      await verdictOf(link, name);
      const closed = closedNotes.of({ id: '1' }).name;
      link.send({
        type: 'publish',
        id: 7,
        events: [
          { channel: name, event: note('mine'), key: 'k' },
          { channel: closed, event: note('not mine') },
          { channel: name, event: { type: 'note', data: { txt: 'wrong' } } },
          { channel: name, event: note('mine again'), key: 'k' },
        ],
      });
      const answer = await waitFor('the answer', () =>
        link.frames.find((frame) => frame.type === 'published'),
      );
      assert.ok(answer.type === 'published' && answer.id === 7);
      const told = answer.results.map((one) =>
        'cursor' in one ? one.cursor.offset : one.error.code,
      );
      assert.deepEqual(told, [1, 'auth/denied', 'contract/invalid-event', 1]);
      await waitUntil('the event', () => noteTexts(link, name).length === 1);
    },
  },
];

/** For a runner that skips: why this carrier does not run this case, or null when it does. */
export function skipReason(one: TransportCase, carrier: string): string | null {
  if (one.needs !== 'frames' || carrier === 'websocket') return null;
  return `${one.rule}: ${carrier} takes no frames after \`connect\``;
}
