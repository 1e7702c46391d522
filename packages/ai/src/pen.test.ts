// The pen of an owner, by itself: when a call may be made.

import { aiRuns } from '@millrace/protocol/runs';
import { createHub, type Hub } from '@millrace/server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPen, type Pen } from './pen.ts';
import type { RunRow } from './store/run-row.ts';
import { createTicks } from './ticks.ts';

const run: RunRow = {
  ...{ id: 'r1', conversationId: 'c', userId: 'ada', messageId: 'm', retryOf: null },
  ...{ isContinuation: false, status: 'running', settings: null, question: null },
  ...{ owner: 'node', fence: 1, deaths: 0, stoppedBy: null, finishReason: null, error: null },
  usage: { inputTokens: 0, outputTokens: 0, isEstimated: false },
};
const none = { inputTokens: 0, outputTokens: 0, isEstimated: false };

function call(part: number, callId: string) {
  const data = { part, callId, name: 'look', isRemote: false, input: null, provider: null };
  return { type: 'tool-call', data } as const;
}

let hub: Hub;
let pen: Pen;

beforeEach(() => {
  hub = createHub({ contracts: [aiRuns] });
  pen = createPen({ hub, run, ticks: createTicks(0) });
});
afterEach(async () => {
  pen.close();
  await hub.close();
});

describe('the pen of an owner', () => {
  test('RUN-9: who asks for a call before its step has begun is told once it stands, and not of one of the step before', async () => {
    pen.write([
      { type: 'run-start', data: { conversationId: 'c', messageId: 'm', model: 'any' } },
      { type: 'step-start', data: { part: 0 } },
      call(1, 'a'),
    ]);
    expect(await pen.announced('a')).toBe('a');
    const early = pen.announced('b');
    pen.write([
      { type: 'step-end', data: { part: 0, finishReason: 'tool-calls', ...none } },
      { type: 'step-start', data: { part: 2 } },
    ]);
    const again = pen.announced('a');
    pen.write([call(3, 'b'), call(4, 'a~again1')]);
    expect(await early).toBe('b');
    expect(await again).toBe('a~again1');
  });
});
