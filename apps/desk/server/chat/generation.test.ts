// A generation without a server: joining, slow and failing agents, all or nothing.

import { expect, test } from 'vitest';
import { SILENT_LOG } from '../log.ts';
import type { AgentStanding } from '../market/report.ts';
import { createGeneration, type Generation } from './generation.ts';
import type { MessageBoard, NewMessage } from './message-board.ts';
import type { Briefing, Phrasing } from './phrasing.ts';

const briefing = (agentId: string, count: number): Briefing => ({
  ...{ agentId, name: agentId, count, quotes: [], time: '2026-01-05T09:30:00.000Z' },
  // No phrasing of this test looks at it.
  standing: {} as AgentStanding,
});

const plain: Phrasing = {
  name: 'plain',
  write: async ({ agentId, count }) =>
    Array.from({ length: count }, (_, n) => ({ type: 'opinion', content: `${agentId} ${n}` })),
};

function boardOf(posted: NewMessage[][]): MessageBoard {
  return {
    async post(drafts) {
      posted.push([...drafts]);
      return drafts.map((draft, n) => ({ ...draft, id: String(n), timestamp: '' })) as never;
    },
    read: () => Promise.reject(new Error('not asked for')),
  };
}

function generation(phrasing: Phrasing, posted: NewMessage[][], timeoutMs = 1_000): Generation {
  return createGeneration({
    ...{
      phrasing,
      fallback: plain,
      timeoutMs,
      messagesPerAgent: 2,
      log: SILENT_LOG,
      readers: () => 0,
    },
    board: boardOf(posted),
    brief: async (count) => ['a', 'b', 'c', 'd', 'e'].map((id) => briefing(id, count)),
  });
}

test('five agents write two messages each, posted together', async () => {
  const posted: NewMessage[][] = [];
  const answer = await generation(plain, posted).run('test');
  expect(answer).toMatchObject({ success: true, messagesGenerated: 10 });
  expect(posted.map((batch) => batch.length)).toEqual([10]);
  expect(posted[0]?.some((message) => message.isFallback)).toBe(false);
});

test('a second call joins the running one, a later call starts anew', async () => {
  const posted: NewMessage[][] = [];
  const { run } = generation(plain, posted);
  const [first, second] = await Promise.all([run('one'), run('two')]);
  expect(second).toBe(first);
  expect(posted).toHaveLength(1);
  await run('three');
  expect(posted).toHaveLength(2);
});

test('an agent that is late or fails is written for by the built-in phrasing, marked so, and told to stop', async () => {
  const stopped: string[] = [];
  const flaky: Phrasing = {
    name: 'flaky',
    write(about, signal) {
      if (about.agentId === 'b') return Promise.reject(new Error('no answer from the model'));
      if (about.agentId !== 'a') return plain.write(about, signal);
      signal.addEventListener('abort', () => stopped.push('a'));
      return new Promise(() => undefined);
    },
  };
  const posted: NewMessage[][] = [];
  const answer = await generation(flaky, posted, 30).run('test');
  expect(answer.messagesGenerated).toBe(10);
  const marked = posted.flat().filter((message) => message.isFallback === true);
  expect(marked.map(({ agentId }) => agentId)).toEqual(['a', 'a', 'b', 'b']);
  expect(stopped).toEqual(['a']);
});

test('a generation that cannot be stored fails for everybody who waited, and the next one may work', async () => {
  let isBroken = true;
  const posted: NewMessage[][] = [];
  const good = boardOf(posted);
  const board: MessageBoard = {
    ...good,
    post: (drafts) => (isBroken ? Promise.reject(new Error('disk full')) : good.post(drafts)),
  };
  const { run } = createGeneration({
    ...{ board, phrasing: plain, fallback: plain, timeoutMs: 1_000, messagesPerAgent: 1 },
    brief: async (count) => [briefing('a', count)],
    log: SILENT_LOG,
    readers: () => 0,
  });
  const both = await Promise.allSettled([run('one'), run('two')]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  isBroken = false;
  expect((await run('three')).messagesGenerated).toBe(1);
});
