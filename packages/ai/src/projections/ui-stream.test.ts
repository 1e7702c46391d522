// The UI message stream of runs, read by the AI SDK itself: live, or come to late at any place, it is one message.

import {
  EMPTY_RUN,
  foldRun,
  type RunState,
  type RunWrite,
  replayRun,
  textOfRun,
} from '@millrace/protocol/runs';
import type { UIMessage, UIMessageChunk } from 'ai';
import { convertArrayToReadableStream } from 'ai/test';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readMessage, textOfMessage } from '../testing/read-message.ts';
import { runOfNumbers } from '../testing/run-of-numbers.ts';
import { toUiChunks, type UiVersion } from './ui-stream.ts';

const ids = { conversationId: 'c', messageId: 'm' };

const run = fc.array(fc.nat(999), { maxLength: 80 }).map(runOfNumbers);

interface Told {
  readonly state: RunState;
  readonly chunks: readonly UIMessageChunk[];
  /** How often the reader had to begin again. */
  readonly agains: number;
}

/** What a reader is told of these events who knows `from` already. */
function tell(events: readonly RunWrite[], version: UiVersion, from: RunState = EMPTY_RUN): Told {
  let state = from;
  let chunks: UIMessageChunk[] = [];
  let agains = 0;
  for (const event of events) {
    const told = toUiChunks(state, event, version);
    state = foldRun(state, event);
    if (told === 'again') {
      agains += 1;
      chunks = [...tell(replayRun(state), version).chunks];
    } else chunks.push(...told);
  }
  return { state, chunks, agains };
}

/** The message that the SDK makes of it. */
const messageOf = (chunks: readonly UIMessageChunk[]): Promise<UIMessage | undefined> =>
  readMessage(convertArrayToReadableStream([...chunks]));

describe('the UI message stream', () => {
  test.each([6, 7] as const)(
    'UI-1: ai %i: who comes at any place of a run, and who was there from the beginning, have the same message',
    async (version) => {
      await fc.assert(
        fc.asyncProperty(run, fc.nat(), async (events, place) => {
          const cut = place % (events.length + 1);
          const before = events
            .slice(0, cut)
            .reduce((state, event) => foldRun(state, event), EMPTY_RUN);
          const late = [
            ...tell(replayRun(before), version).chunks,
            ...tell(events.slice(cut), version, before).chunks,
          ];
          const { chunks, state, agains } = tell(events, version);
          // After a step that began anew, the one that came late may have had to begin again, too.
          if (version === 6 && agains > 0) return;
          const message = await messageOf(chunks);
          expect(await messageOf(late)).toEqual(message);
          expect(textOfMessage(message)).toBe(textOfRun(state));
        }),
        { numRuns: 200 },
      );
    },
  );

  test('UI-2: what comes late is as long as the message has parts, not as it had tokens', () => {
    const deltas = Array.from(
      { length: 5_000 },
      (): RunWrite => ({ type: 'text-delta', data: { part: 1, text: 'word ' } }),
    );
    const { state } = tell(
      [
        { type: 'run-accepted', data: ids },
        { type: 'run-start', data: { ...ids, model: 'any' } },
        { type: 'step-start', data: { part: 0 } },
        { type: 'text-start', data: { part: 1 } },
        ...deltas,
      ],
      6,
    );
    expect(tell(replayRun(state), 6).chunks).toEqual([
      { type: 'start', messageId: 'm' },
      { type: 'start-step' },
      { type: 'text-start', id: 'part-1' },
      { type: 'text-delta', id: 'part-1', delta: 'word '.repeat(5_000) },
    ]);
  });

  test('UI-3: a step that begins anew is told to ai 7; ai 6, which would keep what it has, must come again', async () => {
    const events: readonly RunWrite[] = [
      { type: 'run-accepted', data: ids },
      { type: 'run-start', data: { ...ids, model: 'any' } },
      { type: 'step-start', data: { part: 0 } },
      { type: 'text-start', data: { part: 1 } },
      { type: 'text-delta', data: { part: 1, text: 'It made 99' } },
      { type: 'run-resumed', data: { ...ids, attempt: 2, model: 'any' } },
      { type: 'step-reset', data: { part: 0 } },
      { type: 'text-start', data: { part: 1 } },
      { type: 'text-delta', data: { part: 1, text: 'It made 23.' } },
    ];
    const seven = tell(events, 7);
    expect(seven.chunks).toContainEqual({ type: 'reset-step' });
    const six = tell(events, 6);
    expect(six.agains).toBe(1);
    for (const { chunks } of [six, seven]) {
      expect((await messageOf(chunks))?.parts).toMatchObject([
        { type: 'step-start' },
        { type: 'text', text: 'It made 23.' },
      ]);
    }
  });

  test.each([
    ['completed', { type: 'finish', finishReason: 'stop' }],
    ['stopped', { type: 'abort', reason: 'stopped' }],
    ['failed', { type: 'error', errorText: 'no' }],
    ['interrupted', { type: 'error', errorText: 'no' }],
  ] as const)('UI-1: a run that is %s ends so', (status, last) => {
    const none = { inputTokens: 0, outputTokens: 0, isEstimated: false };
    const data = { status, finishReason: 'stop', error: 'no', ...none } as const;
    expect(toUiChunks(EMPTY_RUN, { type: 'run-end', data }, 6)).toEqual([last]);
  });
});
