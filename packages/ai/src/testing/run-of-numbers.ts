// A whole run made of numbers: any list of them is one, and a shorter list is a smaller run, so that property tests can
// draw and shrink it. As an owner writes runs: steps of texts, tools and other parts, taken over now and then.

import type { FinalStatus, RunWrite } from '@millrace/protocol/runs';

const ids = { conversationId: 'c', messageId: 'm' };

type Draw = (below: number) => number;

export function runOfNumbers(numbers: readonly number[]): readonly RunWrite[] {
  let at = 0;
  const draw: Draw = (below) => {
    const number = numbers[at] ?? 0;
    at += 1;
    return number % below;
  };
  const events: RunWrite[] = [
    { type: 'run-accepted', data: ids },
    { type: 'run-start', data: { ...ids, model: 'any' } },
  ];
  let part = 0;
  let attempt = 1;
  do {
    const step = part;
    events.push({ type: 'step-start', data: { part: step } });
    const written: RunWrite[] = [];
    const count = draw(4);
    for (let index = 0; index < count; index += 1) written.push(...partOf(draw, step + 1 + index));
    if (draw(4) === 3) {
      attempt += 1;
      events.push(
        ...written.slice(0, draw(8)),
        { type: 'run-resumed', data: { ...ids, attempt, model: 'any' } },
        { type: 'step-reset', data: { part: step } },
      );
    }
    const usage = { inputTokens: draw(100), outputTokens: draw(100), isEstimated: draw(2) === 1 };
    events.push(...written, {
      type: 'step-end',
      data: { part: step, finishReason: draw(2) === 1 ? 'tool-calls' : 'stop', ...usage },
    });
    part += count + 1;
  } while (draw(3) === 2);
  const statuses: readonly FinalStatus[] = ['completed', 'stopped', 'failed', 'interrupted'];
  const status = statuses[draw(4)] ?? 'completed';
  const none = { inputTokens: 1, outputTokens: 1, isEstimated: false };
  events.push({ type: 'run-end', data: { status, finishReason: 'stop', error: 'no', ...none } });
  return events;
}

function partOf(draw: Draw, part: number): readonly RunWrite[] {
  switch (draw(5)) {
    case 0:
    case 1: {
      const type = draw(2) === 0 ? 'text' : 'reasoning';
      const deltas = Array.from({ length: draw(4) }, () => WORDS[draw(WORDS.length)] ?? '');
      return [
        { type: `${type}-start`, data: { part } },
        ...deltas.map((text): RunWrite => ({ type: `${type}-delta`, data: { part, text } })),
        {
          type: `${type}-end`,
          data: { part, provider: draw(2) === 0 ? null : { maker: { a: 1 } } },
        },
      ];
    }
    case 2:
    case 3:
      return toolOf(draw, part);
    default:
      return [otherOf(draw, part)];
  }
}

const WORDS = ['It ', 'made ', '23', ' trades.', '😀', '\n', 'é', '"'];

function toolOf(draw: Draw, part: number): readonly RunWrite[] {
  const at = { part, callId: `call-${part}`, name: 'look', isRemote: draw(4) === 3 };
  const written: readonly RunWrite[] = [
    { type: 'tool-start', data: at },
    { type: 'tool-delta', data: { part, text: '{"n":' } },
    { type: 'tool-delta', data: { part, text: '1}' } },
  ];
  const call: RunWrite = { type: 'tool-call', data: { ...at, input: { n: 1 }, provider: null } };
  switch (draw(4)) {
    case 0:
      return [...written, call, { type: 'tool-result', data: { part, output: { sum: 2 } } }];
    case 1:
      return [
        call,
        { type: 'tool-output', data: { part, output: 'half' } },
        { type: 'tool-result', data: { part, output: 'all' } },
      ];
    case 2:
      return [...written, call, { type: 'tool-error', data: { ...at, error: 'no' } }];
    default:
      return [...written, { type: 'tool-error', data: { ...at, error: 'no such tool' } }];
  }
}

function otherOf(draw: Draw, part: number): RunWrite {
  const id = `id-${part}`;
  switch (draw(4)) {
    case 0:
      return {
        type: 'source',
        data: { part, id, url: 'https://example.com/', mediaType: null, title: 'A page' },
      };
    case 1:
      return {
        type: 'source',
        data: { part, id, url: null, mediaType: 'application/pdf', title: 'A document' },
      };
    case 2:
      return { type: 'file', data: { part, url: 'data:text/plain,a', mediaType: 'text/plain' } };
    default:
      return { type: 'data', data: { part, name: 'progress', id, value: { done: draw(10) } } };
  }
}
