// Conformance cases of links: opening, identity, limits, requests, ending.

import assert from 'node:assert/strict';
import type { ServerFrame } from '@millrace/protocol/wire';
import { connectFrame } from '../memory-link.ts';
import { closedNotes, openNotes } from '../test-channels.ts';
import { errorCode, noteTexts, verdictOf } from '../transport-subject.ts';
import { waitFor, waitUntil } from '../waiting.ts';
import { name, note, notes, type TransportCase } from './transport-case.ts';

export const linkCases: readonly TransportCase[] = [
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
    rule: 'LINK-8',
    title: 'a closing hub says goaway, and ends every link',
    async run({ hub, open }) {
      const link = open(connectFrame({ channels: [{ channel: name, start: 'now', version: 1 }] }));
      await verdictOf(link, name);
      const accepted = hub.publish(notes, note('accepted'));
      await hub.close();
      await accepted;
      // A poll that was on its way, and so no link, is refused instead.
      await waitFor('goaway', () =>
        link.frames.find((one) => one.type === 'goaway' || one.type === 'error'),
      );
      await waitUntil('the end', () => link.isClosed);
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
