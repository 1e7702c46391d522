// Frames of presence and ephemeral events: what a server writes comes back as it was, and rubbish is told from it.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MillraceError } from './errors.ts';
import { isJsonObject } from './json-object.ts';
import { type LiveFrame, parseLiveFrame } from './presence-frames.ts';
import { parseServerFrame } from './server-frames.ts';

const json = fc.json().map((text): unknown => JSON.parse(text));
const id = fc.string({ minLength: 1 });
const member = fc.record(
  {
    id,
    since: fc.nat(),
    guest: fc.constant(true as const),
    sessions: fc.array(fc.record({ id, at: fc.nat(), data: json }), { maxLength: 3 }),
  },
  { requiredKeys: ['id', 'since', 'sessions'] },
);
const members = fc.array(member, { maxLength: 4 });
const type = fc.constant('presence' as const);
const channel = fc.constantFrom('room:1', 'room:2');

const frame: fc.Arbitrary<LiveFrame> = fc.oneof(
  fc.record(
    { type, channel, page: fc.nat(9), members, hash: id, leaveAfterMs: fc.nat() },
    { requiredKeys: ['type', 'channel', 'page', 'members', 'leaveAfterMs'] },
  ),
  fc.record(
    { type, channel, from: id, hash: id, present: members, gone: fc.array(id, { maxLength: 3 }) },
    { requiredKeys: ['type', 'channel', 'present', 'gone'] },
  ),
  fc.record({
    type: fc.constant('ephemeral' as const),
    channel,
    events: fc.array(
      fc.record({
        type: id,
        data: json,
        from: fc.oneof(fc.constant(null), fc.record({ id, session: id })),
      }),
      { maxLength: 3 },
    ),
  }),
  fc.record({ type: fc.constant('you' as const), id, session: id }),
  fc.constant({ type: 'roll-call' as const }),
);

function outcomeOf(run: () => unknown): 'read' | 'refused' | 'another error' {
  try {
    run();
    return 'read';
  } catch (thrown) {
    return thrown instanceof MillraceError ? 'refused' : 'another error';
  }
}

function read(text: string): LiveFrame | null {
  const parsed = parseServerFrame(text);
  return parsed.type === 'other' ? parseLiveFrame(parsed.frame) : null;
}

describe('live frames', () => {
  test('PRES-2, EPH-1: what a server writes is read as it was, by those who know such frames', () => {
    fc.assert(
      fc.property(frame, (sent) => {
        // JSON has no −0: what comes back is what its text says.
        expect(read(JSON.stringify(sent))).toEqual(JSON.parse(JSON.stringify(sent)));
      }),
    );
  });

  test('PRES-1: a refusal keeps its code and its channel', () => {
    const error = new MillraceError('auth/denied', 'Not you.');
    expect(read(JSON.stringify({ type: 'presence', channel: 'room:1', error }))).toMatchObject({
      type: 'presence',
      channel: 'room:1',
      error: { code: 'auth/denied' },
    });
  });

  test('LINK-2: a live frame of a type that is not known is null, and no rubbish throws anything but a code of ours', () => {
    expect(parseLiveFrame({ type: 'new' })).toBeNull();
    const rubbish = fc
      .tuple(fc.constantFrom('presence', 'ephemeral', 'you'), json)
      .map(([name, value]) => ({
        type: name,
        ...(isJsonObject(value) ? value : { page: value, members: value, events: value }),
      }));
    fc.assert(
      fc.property(rubbish, (value) => {
        expect(outcomeOf(() => parseLiveFrame(value))).not.toBe('another error');
      }),
    );
  });
});
