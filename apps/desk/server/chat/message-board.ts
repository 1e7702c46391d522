// Where agents' messages are kept and told: a row in `agent_messages` and, in the same transaction, its event in the
// outbox, so that neither is there without the other. Reading is the channel's history, so that ids,
// order and gaps are the stream's own.

import { type Cursor, encodeCursor } from '@millrace/protocol';
import { type AgentMessage, agentMessages } from '@millrace/protocol/channels';
import type { Hub } from '@millrace/server';
import type { GeneratedMessage, MessagesAnswer } from '../../shared/api.ts';
import type { Storage } from '../storage.ts';
import { uuidv7 } from '../uuid.ts';
import type { Draft } from './phrasing.ts';

export interface NewMessage extends Draft {
  readonly agentId: string;
  readonly isFallback?: boolean;
}

export interface MessageQuery {
  /** Empty: every agent. */
  readonly agentIds: readonly string[];
  readonly after: Cursor | null;
  readonly limit: number;
}

export interface MessageBoard {
  /** Stores them, resolves once they are broadcast too; rejects when nothing is stored, then nothing is broadcast. */
  post(drafts: readonly NewMessage[]): Promise<readonly GeneratedMessage[]>;
  read(query: MessageQuery): Promise<MessagesAnswer>;
}

export interface MessageBoardOptions {
  readonly hub: Pick<Hub, 'publishMany' | 'relayed' | 'history'>;
  readonly inTransaction: Storage['inMessageTransaction'];
}

const PAGE = 256;

export function createMessageBoard(options: MessageBoardOptions): MessageBoard {
  const { hub } = options;
  return {
    async post(drafts) {
      const messages = drafts.map(toMessage);
      if (messages.length === 0) return messages;
      await options.inTransaction(async (insert, tx) => {
        await insert(messages);
        const items = messages.map((data) => ({
          channel: agentMessages.of(),
          event: { type: 'message' as const, data, id: data.id },
        }));
        for (const result of await hub.publishMany(items, { tx })) {
          // Thrown inside the transaction: one refused event takes the rows of all with it.
          if ('error' in result) throw result.error;
        }
      });
      // Late is no failure: what is stored will be broadcast.
      await Promise.allSettled([hub.relayed()]);
      return messages;
    },
    read: (query) =>
      query.after === null ? readNewest(hub, query) : readAfter(hub, query, query.after),
  };
}

function toMessage({ agentId, type, content, isFallback }: NewMessage): GeneratedMessage {
  const timestamp = new Date().toISOString();
  const message = { id: uuidv7(), agentId, type, content, timestamp };
  return isFallback === true ? { ...message, isFallback } : message;
}

type History = Pick<Hub, 'history'>;

/** The newest of those asked for, oldest first. What is kept is bounded, so all of it may be looked through. */
async function readNewest(hub: History, query: MessageQuery): Promise<MessagesAnswer> {
  const wanted = wantedBy(query);
  let page = await hub.history(agentMessages.of(), {
    last: agentMessages.history.size,
    limit: PAGE,
  });
  let messages: AgentMessage[] = [];
  while (page.events.length > 0) {
    messages = [...messages, ...page.events.map((event) => event.data).filter(wanted)].slice(
      -query.limit,
    );
    page = await hub.history(agentMessages.of(), { after: page.next, limit: PAGE });
  }
  return { messages, next: encodeCursor(page.next), hasMore: false };
}

async function readAfter(
  hub: History,
  query: MessageQuery,
  after: Cursor,
): Promise<MessagesAnswer> {
  const wanted = wantedBy(query);
  const messages: AgentMessage[] = [];
  let gap: MessagesAnswer['gap'];
  let next = after;
  for (;;) {
    const page = await hub.history(agentMessages.of(), { after: next, limit: PAGE });
    if (page.verdict.verdict === 'gap') gap ??= { reason: page.verdict.reason };
    next = page.next;
    for (const event of page.events) {
      if (!wanted(event.data)) continue;
      messages.push(event.data);
      if (messages.length < query.limit) continue;
      const cursor: Cursor = { epoch: page.next.epoch, offset: event.offset };
      return answer(messages, cursor, {
        hasMore: cursor.offset < page.next.offset || page.events.length === PAGE,
        gap,
      });
    }
    if (page.events.length === 0) return answer(messages, next, { hasMore: false, gap });
  }
}

function answer(
  messages: readonly AgentMessage[],
  next: Cursor,
  rest: { hasMore: boolean; gap: MessagesAnswer['gap'] },
): MessagesAnswer {
  const { hasMore, gap } = rest;
  return { messages, next: encodeCursor(next), hasMore, ...(gap === undefined ? {} : { gap }) };
}

function wantedBy({ agentIds }: MessageQuery): (message: AgentMessage) => boolean {
  return ({ agentId }) => agentIds.length === 0 || agentIds.includes(agentId);
}
