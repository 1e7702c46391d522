// What has come lately, as one sentence at most every 15 s: a screen reader hears that something came, not each word.

import type { MessagesByAgent } from '@millrace/react/chat';
import { useEffect, useRef, useState } from 'react';
import type { Agent } from './agent.ts';
import { countAfter, lastId } from './count-after.ts';

const EVERY_MS = 15_000;

export function useNewsSummary(
  agents: readonly Agent[],
  messages: MessagesByAgent,
  isLoading: boolean,
): string {
  const [summary, setSummary] = useState('');
  const latest = useRef({ agents, messages });
  useEffect(() => {
    latest.current = { agents, messages };
  });

  useEffect(() => {
    if (isLoading) return undefined;
    let told = latest.current.messages;
    const timer = setInterval(() => {
      const now = latest.current;
      setSummary(summaryText(now.agents, told, now.messages));
      told = now.messages;
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [isLoading]);

  return summary;
}

/** E.g. "5 new messages: Gemini Grid 3, DeepSeek ML 2."; empty where nothing came. */
export function summaryText(
  agents: readonly Agent[],
  before: MessagesByAgent,
  after: MessagesByAgent,
): string {
  const news = agents
    .map(({ id, name }) => ({ name, count: countAfter(after[id] ?? [], lastId(before[id] ?? [])) }))
    .filter(({ count }) => count > 0);
  const total = news.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return '';
  const parts = news.map(({ name, count }) => `${name} ${count}`).join(', ');
  return `${total} new ${total === 1 ? 'message' : 'messages'}: ${parts}.`;
}
