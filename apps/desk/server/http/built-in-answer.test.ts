// The built-in analyst through Desk as it comes: real trades of the Floor, its own tools, and in time (spec E3, E10).

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ChatDesk, startChatDesk } from '../testing/chat-desk.ts';

let desk: ChatDesk;
beforeAll(async () => {
  desk = await startChatDesk({ environment: { MARKET_WARM_UP_TICKS: '300' } });
});
afterAll(() => desk[Symbol.asyncDispose]());

test('without any settings a question about a run is answered from its record', async () => {
  const startedAt = performance.now();
  const response = await desk.ask(
    'ada',
    `${desk.run}/chat-stream?message=How%20is%20it%20doing%3F`,
  );
  const text = await response.text();
  const tookMs = performance.now() - startedAt;
  expect(text).toMatch(/"type":"tool","tool":"calculate_metrics"/);
  expect(text).toMatch(/"type":"done"/);
  expect(tookMs).toBeLessThan(5_000);
  const rules = await desk.ask('ada', `${desk.run}/chat`, {
    body: { message: 'What rule would have helped?' },
  });
  const { response: answer, suggested_rules: suggested } = (await rules.json()) as {
    response: string;
    suggested_rules: { kind: string }[];
  };
  expect(answer.length).toBeGreaterThan(20);
  for (const { kind } of suggested) expect(kind).toMatch(/^[a-z_]+$/);
});
