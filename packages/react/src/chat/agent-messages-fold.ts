// Messages of agents from two sources, the channel and the polls, folded into one list per agent.
// Pure. Owns order and duplicates; refuses to know where a delivery came from beyond its cursor.
//
// Both sources tell the same sequence, each from some place on without a hole. So one position is enough:
//
//   sequence   1 2 3 4 5 6 7 8 9
//   stream     ─────▶│                 cut after 4
//   polls             ───▶│            5, 6
//   stream            ───────────▶     resumes after 4: 5 and 6 are at or below the position, 7 is new
//
// A poll's page counts only when it was asked from the very position that holds when it arrives: one that
// was overtaken by the stream would bring, out of order, what the window has dropped already.

import type { Cursor } from '@millrace/protocol';
import type { AgentMessage } from '@millrace/protocol/channels';

export type MessagesByAgent = Readonly<Record<string, readonly AgentMessage[]>>;

export interface Feed {
  /** The furthest place that any source has reached; null before the first. */
  readonly position: Cursor | null;
  /** Oldest first, the newest `maxPerAgent` of each. */
  readonly messages: MessagesByAgent;
}

export interface FeedRules {
  /** Null: every agent. */
  readonly agentIds: readonly string[] | null;
  readonly maxPerAgent: number;
}

/** The asked agents have a list from the beginning, so that `messages[id]` can be rendered before any came. */
export function emptyFeed({ agentIds }: FeedRules): Feed {
  return {
    position: null,
    messages: Object.fromEntries((agentIds ?? []).map((id) => [id, []])),
  };
}

/** A message of the channel, at its cursor. One at or below the position is dropped. */
export function foldStreamed(
  feed: Feed,
  message: AgentMessage,
  cursor: Cursor,
  rules: FeedRules,
): Feed {
  if (isReached(feed.position, cursor)) return feed;
  return { position: cursor, messages: addMessage(feed.messages, message, rules) };
}

/** Where a subscription begins: a position for one that has none, or whose own is of another epoch. */
export function foldPosition(feed: Feed, cursor: Cursor): Feed {
  return feed.position?.epoch === cursor.epoch ? feed : { ...feed, position: cursor };
}

/** A poll's page, asked after `asked`; null where that is no longer the position, and the page is of no use. */
export function foldPage(
  feed: Feed,
  asked: Cursor | null,
  page: { readonly messages: readonly AgentMessage[]; readonly next: Cursor | null },
  rules: FeedRules,
): Feed | null {
  if (!isSame(feed.position, asked)) return null;
  let { messages } = feed;
  for (const message of page.messages) messages = addMessage(messages, message, rules);
  const isAhead = page.next !== null && !isReached(feed.position, page.next);
  return { position: isAhead ? page.next : feed.position, messages };
}

/**
 * Appends. A message that is here already is moved to the end instead: it can only come again in another
 * epoch, told from its beginning, and then the new telling's order is the true one.
 */
export function addMessage(
  messages: MessagesByAgent,
  message: AgentMessage,
  { agentIds, maxPerAgent }: FeedRules,
): MessagesByAgent {
  const { agentId } = message;
  if (agentIds !== null && !agentIds.includes(agentId)) return messages;
  const held = Object.hasOwn(messages, agentId) ? (messages[agentId] ?? []) : [];
  const others = held.some((one) => one.id === message.id)
    ? held.filter((one) => one.id !== message.id)
    : held;
  const list = [...others, message];
  return { ...messages, [agentId]: list.slice(Math.max(0, list.length - maxPerAgent)) };
}

function isReached(position: Cursor | null, cursor: Cursor): boolean {
  return position !== null && position.epoch === cursor.epoch && cursor.offset <= position.offset;
}

function isSame(one: Cursor | null, other: Cursor | null): boolean {
  return one?.epoch === other?.epoch && one?.offset === other?.offset;
}
