// The fold of two sources, by example and by property: any interleaving gives each message once, in order.

import type { Cursor } from '@millrace/protocol';
import type { AgentMessage } from '@millrace/protocol/channels';
import { toOffset } from '@millrace/protocol/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  emptyFeed,
  type Feed,
  type FeedRules,
  foldPage,
  foldPosition,
  foldStreamed,
} from './agent-messages-fold.ts';

const RULES: FeedRules = { agentIds: ['ada', 'bob'], maxPerAgent: 3 };

function cursor(offset: number, epoch = 'e1'): Cursor {
  return { epoch, offset: toOffset(offset) };
}

function message(offset: number, agentId = 'ada'): AgentMessage {
  const timestamp = '2026-01-02T03:04:05Z';
  return { id: `m${offset}`, agentId, type: 'opinion', content: `No. ${offset}`, timestamp };
}

function ids(feed: Feed, agentId = 'ada'): string[] {
  return (feed.messages[agentId] ?? []).map((one) => one.id);
}

describe('feed of agents’ messages', () => {
  it('has an empty list for each asked agent before anything came', () => {
    expect(emptyFeed(RULES).messages).toEqual({ ada: [], bob: [] });
    expect(emptyFeed({ agentIds: null, maxPerAgent: 3 }).messages).toEqual({});
  });

  it('keeps the newest of each agent, oldest first', () => {
    let feed = emptyFeed(RULES);
    for (const offset of [1, 2, 3, 4, 5]) {
      feed = foldStreamed(feed, message(offset), cursor(offset), RULES);
    }
    expect(ids(feed)).toEqual(['m3', 'm4', 'm5']);
    expect(ids(feed, 'bob')).toEqual([]);
  });

  it('leaves the lists of other agents the same objects', () => {
    const before = foldStreamed(emptyFeed(RULES), message(1, 'bob'), cursor(1), RULES);
    const after = foldStreamed(before, message(2), cursor(2), RULES);
    expect(after.messages['bob']).toBe(before.messages['bob']);
  });

  it('moves the position past an agent that nobody asked for', () => {
    const feed = foldStreamed(emptyFeed(RULES), message(7, 'eve'), cursor(7), RULES);
    expect(feed.position).toEqual(cursor(7));
    expect(feed.messages).toEqual({ ada: [], bob: [] });
  });

  it('drops what a resumed stream tells again, also when the window has dropped it before', () => {
    const page = { messages: [1, 2, 3, 4, 5].map((at) => message(at)), next: cursor(5) };
    let feed = foldPage(emptyFeed(RULES), null, page, RULES) ?? emptyFeed(RULES);
    for (const offset of [1, 2, 3, 4, 5]) {
      feed = foldStreamed(feed, message(offset), cursor(offset), RULES);
    }
    expect(ids(feed)).toEqual(['m3', 'm4', 'm5']);
  });

  it('refuses a page that was asked from an overtaken position', () => {
    const feed = foldStreamed(emptyFeed(RULES), message(9), cursor(9), RULES);
    const page = { messages: [message(1)], next: cursor(1) };
    expect(foldPage(feed, null, page, RULES)).toBeNull();
    expect(foldPage(feed, cursor(9, 'e0'), page, RULES)).toBeNull();
  });

  it('takes a new epoch’s order for messages that it holds already', () => {
    let feed = emptyFeed(RULES);
    for (const offset of [8, 9]) feed = foldStreamed(feed, message(offset), cursor(offset), RULES);
    for (const offset of [7, 8, 9]) {
      feed = foldStreamed(feed, message(offset), cursor(offset - 6, 'e2'), RULES);
    }
    expect(ids(feed)).toEqual(['m7', 'm8', 'm9']);
    expect(feed.position).toEqual(cursor(3, 'e2'));
  });

  it('begins where the subscription does, and moves only to another epoch', () => {
    const feed = foldPosition(emptyFeed(RULES), cursor(4));
    expect(feed.position).toEqual(cursor(4));
    expect(foldPosition(feed, cursor(2)).position).toEqual(cursor(4));
    expect(foldPosition(feed, cursor(2, 'e2')).position).toEqual(cursor(2, 'e2'));
  });

  it('takes an agent’s id for a name only, whatever it is', () => {
    const rules = { agentIds: null, maxPerAgent: 3 };
    const feed = foldStreamed(emptyFeed(rules), message(1, '__proto__'), cursor(1), rules);
    expect(Object.keys(feed.messages)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(feed.messages)).toBe(Object.prototype);
  });
});

type Step =
  | { readonly do: 'publish'; readonly agentId: string }
  | { readonly do: 'stream' }
  | { readonly do: 'resume'; readonly back: number }
  | { readonly do: 'ask' }
  | { readonly do: 'answer' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('ada', 'bob', 'eve').map(publish) },
  { weight: 4, arbitrary: fc.constant<Step>({ do: 'stream' }) },
  { weight: 1, arbitrary: fc.nat(6).map((back): Step => ({ do: 'resume', back })) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'ask' }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'answer' }) },
);

function publish(agentId: string): Step {
  return { do: 'publish', agentId };
}

/** The endpoint: at most two messages of the asked agents, and the place after the last one that it looked at. */
function answer(
  log: readonly AgentMessage[],
  after: number,
): { messages: AgentMessage[]; next: Cursor } {
  const messages: AgentMessage[] = [];
  let next = after;
  for (; next < log.length && messages.length < 2; next += 1) {
    const one = log[next];
    if (one !== undefined && one.agentId !== 'eve') messages.push(one);
  }
  return { messages, next: cursor(next) };
}

it('gives each message once and in order under any interleaving of stream and polls', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const log: AgentMessage[] = [];
      let feed = foldPosition(emptyFeed(RULES), cursor(0));
      let streamed = 0;
      let pending: { asked: Cursor | null; page: ReturnType<typeof answer> } | null = null;

      for (const one of steps) {
        if (one.do === 'publish') log.push(message(log.length + 1, one.agentId));
        if (one.do === 'stream' && streamed < log.length) {
          streamed += 1;
          feed = foldStreamed(feed, log[streamed - 1]!, cursor(streamed), RULES);
        }
        if (one.do === 'resume') {
          // A new stream begins at the feed's position or tells some of what came before again.
          streamed = Math.max(0, (feed.position?.offset ?? 0) - one.back);
        }
        if (one.do === 'ask') {
          const asked = feed.position;
          pending = { asked, page: answer(log, asked?.offset ?? 0) };
        }
        if (one.do === 'answer' && pending !== null) {
          feed = foldPage(feed, pending.asked, pending.page, RULES) ?? feed;
          pending = null;
        }
        const told = log.slice(0, feed.position?.offset ?? 0);
        for (const agentId of ['ada', 'bob']) {
          const all = told.filter((each) => each.agentId === agentId).map((each) => each.id);
          expect(ids(feed, agentId)).toEqual(all.slice(-RULES.maxPerAgent));
        }
        expect(Object.keys(feed.messages)).toEqual(['ada', 'bob']);
      }
    }),
    { numRuns: 300 },
  );
});
