// Promise T12's fuzzing in its short form; `npm run soak -- --only fuzz` is the long one.
import {
  isChannelName,
  MillraceError,
  parseChannelParams,
  parseCursor,
  parseWireError,
} from '@millrace/protocol';
import {
  encodeClientFrame,
  parseClientFrame,
  parseEvent,
  parseJson,
  parseServerFrame,
} from '@millrace/protocol/wire';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { badFrame, nastyTexts } from '../soak/bad-frames.ts';
import { runFuzz } from '../soak/fuzz.ts';
import { seedOfRun } from '../support/seeded-random.ts';

const seed = seedOfRun('fuzz');

test('LINK-2: whatever comes through a door is answered with a documented code, and nobody else notices', async () => {
  const report = await runFuzz({ seed, runs: 250 });
  console.info(JSON.stringify(report));
  expect(report.answers['server/internal']).toBeUndefined();
  expect(report.heldMegabytes).toBeLessThan(20);
});

describe('LINK-2: a parser', () => {
  test('of frames refuses with a code of ours, takes nothing of a prototype, and what it took it takes again', () => {
    fc.assert(
      fc.property(badFrame, (text) => {
        const thrown = outcome(() => {
          const frame = parseClientFrame(text);
          if (frame === null) return;
          expect(Object.getPrototypeOf(frame)).toBe(Object.prototype);
          expect(Object.hasOwn(frame, '__proto__')).toBe(false);
          // As texts: JSON has no −0 and no Infinity, which 1e999 is in memory.
          const sent = encodeClientFrame(frame);
          expect(JSON.stringify(parseClientFrame(sent))).toBe(JSON.stringify(frame));
        });
        expect([
          'protocol/malformed',
          'protocol/version',
          'cursor/malformed',
          'channel/invalid-name',
          null,
        ]).toContain(thrown);
        expect(outcome(() => parseServerFrame(text))).not.toBe('another error');
        expect('polluted' in {}).toBe(false);
      }),
      { numRuns: 4_000, seed },
    );
  });

  test('of cursors, events, errors and names does the same with anything', () => {
    const value = fc.oneof(
      fc.anything({ withNullPrototype: true, withObjectString: true }),
      fc.constantFrom(...nastyTexts).map((text): unknown => JSON.parse(text)),
      fc.constantFrom(...nastyTexts),
    );
    fc.assert(
      fc.property(value, fc.string({ unit: 'binary' }), (one, text) => {
        for (const parse of [parseCursor, parseEvent, parseWireError, isChannelName]) {
          expect(outcome(() => parse(one))).not.toBe('another error');
        }
        expect(outcome(() => parseJson(text))).not.toBe('another error');
        expect(outcome(() => isChannelName(text) && parseChannelParams(text))).toBeNull();
      }),
      { numRuns: 5_000, seed },
    );
  });
});

/** The code it threw, null when it did not, or that it was none of ours. */
function outcome(run: () => unknown): string | null {
  try {
    run();
    return null;
  } catch (thrown) {
    if (thrown instanceof MillraceError) return thrown.code;
    // An expectation of this test's own is told as it is.
    if (thrown instanceof Error && thrown.name === 'AssertionError') throw thrown;
    return 'another error';
  }
}
