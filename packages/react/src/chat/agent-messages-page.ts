// The polling endpoint (`GET messagesUrl?agentId=…&after=…&limit=…`): its address, its answer, its failures.
// Every message is checked like one of the channel: a proxy's login page must not end up in the list.

import {
  type Cursor,
  checkSchema,
  encodeCursor,
  MillraceError,
  parseCursor,
  parseWireError,
} from '@millrace/protocol';
import { type AgentMessage, agentMessages } from '@millrace/protocol/channels';
import { parseJson } from '@millrace/protocol/wire';

/** The most that the endpoint gives at once. */
export const PAGE_LIMIT = 200;

export interface MessagesPage {
  readonly messages: readonly AgentMessage[];
  /** What to ask after next; null from an empty history. */
  readonly next: Cursor | null;
  readonly hasMore: boolean;
}

export function messagesAddress(
  url: string,
  agentIds: readonly string[] | null,
  after: Cursor | null,
): string {
  const query = new URLSearchParams();
  if (agentIds !== null) query.set('agentId', agentIds.join(','));
  if (after !== null) query.set('after', encodeCursor(after));
  query.set('limit', String(PAGE_LIMIT));
  return `${url}${url.includes('?') ? '&' : '?'}${query.toString()}`;
}

/** @throws MillraceError what the server said, `link/refused` when it cannot be reached, `protocol/malformed` */
export async function fetchMessages(
  get: typeof fetch,
  address: string,
  signal: AbortSignal,
): Promise<MessagesPage> {
  const response = await reach(get, address, signal);
  const text = await response.text();
  if (!response.ok) throw refusal(response, text);
  return parsePage(parseJson(text));
}

async function reach(get: typeof fetch, address: string, signal: AbortSignal): Promise<Response> {
  try {
    return await get(address, { signal, headers: { accept: 'application/json' } });
  } catch (cause) {
    throw new MillraceError(
      'link/refused',
      'The server cannot be reached. Check the network; the next try comes by itself.',
      { cause },
    );
  }
}

/** @throws MillraceError `protocol/malformed`, `cursor/malformed` */
export function parsePage(answer: unknown): MessagesPage {
  const page: Readonly<Record<string, unknown>> = isRecord(answer) ? answer : {};
  if (!Array.isArray(page['messages'])) throw unreadable('`messages` is no list');
  const messages = page['messages'].map((message: unknown) => {
    const checked = checkSchema(agentMessages.events.message, message);
    if ('value' in checked) return checked.value;
    throw unreadable(checked.problems.join('; '));
  });
  const { next, hasMore } = page;
  return {
    messages,
    next: next === undefined || next === null || next === '' ? null : parseCursor(next),
    hasMore: typeof hasMore === 'boolean' ? hasMore : messages.length >= PAGE_LIMIT,
  };
}

function refusal(response: Response, text: string): MillraceError {
  const error = readError(text);
  if (error !== null) return error;
  return new MillraceError(
    response.status >= 500 ? 'server/internal' : 'request/invalid',
    `The message history answered with status ${response.status}. Check that messagesUrl names the right endpoint.`,
  );
}

function readError(text: string): MillraceError | null {
  try {
    const body = parseJson(text);
    return isRecord(body) && isRecord(body['error']) ? parseWireError(body['error']) : null;
  } catch {
    // Not our JSON: a proxy's page. The status is all that there is to tell.
    return null;
  }
}

function unreadable(problem: string): MillraceError {
  return new MillraceError(
    'protocol/malformed',
    `The message history gave an answer that cannot be read (${problem}). Check that messagesUrl names the right endpoint.`,
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
