// What an operator reads of pages that come and go: one line each, tagged with its carrier.

import { expect, test } from 'vitest';
import { type Carrier, openLiveLink } from './doctor/live-link.ts';
import { createMessageWatch } from './doctor/message-watch.ts';
import { type Facts, SILENT_LOG } from './log.ts';
import { eventually } from './testing/eventually.ts';
import { startTestDesk } from './testing/test-desk.ts';

test('each link is one line when it opens and one when it closes; polls only at debug', async () => {
  const lines: { level: string; step: string; facts: Facts }[] = [];
  const write = (level: string) => (facts: Facts, step: string) => {
    lines.push({ level, step, facts });
  };
  await using desk = await startTestDesk({
    log: { ...SILENT_LOG, info: write('info'), debug: write('debug') },
  });
  const linesOf = (transport: Carrier) =>
    lines.filter(({ facts }) => facts['transport'] === transport);
  const visit = async (transport: Carrier): Promise<void> => {
    const watch = createMessageWatch();
    const link = await openLiveLink(transport, { url: desk.address, watch, withinMs: 8_000 });
    if ('error' in link) throw new Error(`no link over ${transport}`);
    await link.close();
    await eventually('the end in the log', () =>
      linesOf(transport).find(({ step }) => step === 'link closed'),
    );
  };
  for (const transport of ['websocket', 'sse', 'poll'] as const) await visit(transport);
  const opened = { level: 'info', step: 'link opened' };
  expect(linesOf('websocket')).toMatchObject([
    { ...opened, facts: { tag: 'WebSocket', userId: 'developer' } },
    { step: 'link closed', facts: { tag: 'WebSocket' } },
  ]);
  expect(linesOf('sse')[0]).toMatchObject({ ...opened, facts: { tag: 'SSE' } });
  const polls = linesOf('poll');
  expect(polls[0]).toMatchObject({ step: 'link opened', facts: { tag: 'real-time' } });
  expect(new Set(polls.map(({ level }) => level))).toEqual(new Set(['debug']));
});
