// What a run took: the provider's figures, estimates where there are none, and nothing lost on the way.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { retryDelayMs } from './backoff.ts';
import { partsTokens, promptTokens, textTokens } from './estimate.ts';
import { MAX_RETRY_MS, RETRY_MS } from './limits.ts';
import { addUsage, createMeter, NO_USAGE } from './meter.ts';

describe('a meter', () => {
  test('RUN-14: takes the figures that are told for what they are', () => {
    const meter = createMeter();
    meter.ask(100);
    meter.hear('anything');
    meter.tell({ inputTokens: 7, outputTokens: 3 });
    expect(meter.rest).toEqual({ inputTokens: 7, outputTokens: 3, isEstimated: false });
    expect(meter.takeStep()).toEqual({ inputTokens: 7, outputTokens: 3, isEstimated: false });
    expect(meter.rest).toEqual(NO_USAGE);
  });

  test('RUN-14: estimates what is not told, what broke off, and nothing that was refused', () => {
    const meter = createMeter();
    meter.ask(10);
    meter.refuse();
    expect(meter.rest).toEqual(NO_USAGE);
    meter.ask(10);
    meter.hear('12345678');
    meter.lose();
    meter.ask(10);
    meter.hear('1234');
    meter.tell({ inputTokens: undefined, outputTokens: 5 });
    expect(meter.takeStep()).toEqual({ inputTokens: 20, outputTokens: 7, isEstimated: true });
    meter.ask(10);
    meter.hear('1');
    expect(meter.rest).toEqual({ inputTokens: 10, outputTokens: 1, isEstimated: true });
  });

  test('RUN-14: whatever happens, steps and rest together are all that was asked for and not refused', () => {
    const told = fc.constantFrom('tell', 'lose', 'refuse', 'nothing', 'take');
    fc.assert(
      fc.property(fc.array(fc.tuple(told, fc.nat(100))), (asks) => {
        const meter = createMeter();
        let taken = NO_USAGE;
        let due = 0;
        for (const [end, inputTokens] of asks) {
          meter.ask(inputTokens);
          if (end !== 'refuse') due += inputTokens;
          if (end === 'tell') meter.tell({ inputTokens, outputTokens: 0 });
          if (end === 'lose') meter.lose();
          if (end === 'refuse') meter.refuse();
          if (end === 'take') taken = addUsage(taken, meter.takeStep());
        }
        expect(addUsage(taken, meter.rest).inputTokens).toBe(due);
      }),
    );
  });
});

describe('estimates', () => {
  test('RUN-14: four ASCII characters are a token, others one each; binary content is not read as text', () => {
    expect(textTokens('It made ')).toBe(2);
    expect(textTokens('日本')).toBe(2);
    const file = { type: 'file', data: new Uint8Array(1_000_000), mediaType: 'image/png' };
    const prompt = [{ content: '12345678' }, { content: [{ type: 'text', text: '1234' }, file] }];
    expect(promptTokens({ prompt })).toBe(2 + 1 + 2 * 4 + 1_000);
    expect(
      partsTokens([
        { type: 'step', finishReason: null },
        { type: 'text', text: '12345', isDone: false, provider: null },
      ]),
    ).toBe(2);
  });
});

describe('what is tried again in the background', () => {
  test('RUN-5: waits anything up to a bound that doubles, and stays well within a lease', () => {
    expect(retryDelayMs(1, () => 1)).toBe(RETRY_MS);
    expect(retryDelayMs(2, () => 0.5)).toBe(RETRY_MS);
    expect(retryDelayMs(3, () => 0)).toBe(0);
    expect(retryDelayMs(40, () => 1)).toBe(MAX_RETRY_MS);
  });
});
