import type { AgentMessage } from '@millrace/react/chat';
import { describe, expect, it } from 'vitest';
import { countAfter } from './count-after.ts';
import { summaryText } from './use-news-summary.ts';

function messages(...ids: string[]): AgentMessage[] {
  const timestamp = '2026-01-02T03:04:05Z';
  return ids.map((id) => ({ id, agentId: 'ada', type: 'trade', content: 'x', timestamp }));
}

const AGENTS = [
  { id: 'ada', name: 'Ada', color: 'red' },
  { id: 'bob', name: 'Bob', color: 'blue' },
];

describe('news', () => {
  it('counts what stands after a message', () => {
    expect(countAfter(messages('a', 'b', 'c'), 'a')).toBe(2);
    expect(countAfter(messages('a', 'b', 'c'), 'c')).toBe(0);
    expect(countAfter([], null)).toBe(0);
  });

  it('counts all where the message has been dropped or there was none', () => {
    expect(countAfter(messages('x', 'y'), 'gone')).toBe(2);
    expect(countAfter(messages('x', 'y'), null)).toBe(2);
  });

  it('is summed up by agent, and nothing is said of nothing', () => {
    const before = { ada: messages('a'), bob: messages() };
    const after = { ada: messages('a', 'b', 'c'), bob: messages('d') };
    expect(summaryText(AGENTS, before, after)).toBe('3 new messages: Ada 2, Bob 1.');
    expect(summaryText(AGENTS, after, after)).toBe('');
    expect(summaryText(AGENTS, { ...after, bob: [] }, after)).toBe('1 new message: Bob 1.');
  });
});
