// No event of a run is too large for the channel, whatever a model or a tool gives.

import { aiRuns, type Json, type RunWrite } from '@millrace/protocol/runs';
import { createHub } from '@millrace/server';
import { expect, test } from 'vitest';
import { bounded } from './bounded.ts';

const huge: Json = { text: '"é'.repeat(60_000) };
const at = { part: 1, callId: 'c', name: 'n', isRemote: false };

const events: readonly RunWrite[] = [
  { type: 'tool-call', data: { ...at, input: huge, provider: null } },
  { type: 'tool-output', data: { part: 1, output: huge } },
  { type: 'tool-result', data: { part: 1, output: huge } },
  { type: 'tool-error', data: { ...at, error: 'é'.repeat(60_000) } },
  { type: 'data', data: { part: 1, name: 'n', id: '', value: huge } },
  { type: 'file', data: { part: 1, url: `data:,${'a'.repeat(60_000)}`, mediaType: 'text/plain' } },
  { type: 'text-end', data: { part: 1, provider: huge } },
  { type: 'reasoning-end', data: { part: 1, provider: huge } },
];

test.each(events.map((event) => [event.type, event] as const))(
  'RUN-12: a %s that is too large is said to be, and fits',
  async (_type, event) => {
    const hub = createHub({ contracts: [aiRuns] });
    const channel = aiRuns.of({ runId: '1' });
    await expect(hub.publish(channel, event)).rejects.toMatchObject({ code: 'limit/event-size' });
    await hub.publish(channel, bounded(event));
    await hub.close();
  },
);

test('RUN-12: what fits is not touched', () => {
  const fits: readonly RunWrite[] = [
    { type: 'tool-result', data: { part: 1, output: { text: 'é'.repeat(10_000) } } },
    { type: 'tool-error', data: { ...at, error: 'no' } },
    { type: 'text-delta', data: { part: 1, text: 'a' } },
  ];
  for (const event of fits) expect(bounded(event)).toBe(event);
});
