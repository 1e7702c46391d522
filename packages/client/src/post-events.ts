// Publishing by its own POST. Rules: HTTP-1, PUB-5, CLI-13.

import { MillraceError, type PublishResult } from '@millrace/protocol';
import { type PublishItem, parseServerFrames, readJsonObject } from '@millrace/protocol/wire';
import type { TokenSource } from './token.ts';
import { linkError, post } from './transports/http.ts';
import type { LinkRequest } from './transports/transport.ts';

/** How long an answer may take; after it the request is repeated with the same keys. */
const ANSWER_WITHIN_MS = 15_000;

/** @throws MillraceError for the request as a whole; one event's refusal stands in its result */
export async function postEvents(
  request: Pick<LinkRequest, 'url' | 'credentials' | 'host'>,
  events: readonly PublishItem[],
  tokens: TokenSource,
): Promise<readonly PublishResult[]> {
  const token = await tokens.get();
  const controller = new AbortController();
  const cancel = request.host.setTimer(() => controller.abort(), ANSWER_WITHIN_MS);
  try {
    const { signal } = controller;
    const asked = { body: JSON.stringify({ events }), signal, token };
    const response = await post(request, 'publish', asked);
    const body = readJsonObject(await response.text());
    // The answer has the shape of a `published` frame, and so the same reader.
    const [frame] = parseServerFrames([{ ...body, type: 'published', id: 0 }]);
    if (frame?.type === 'published') return frame.results;
    throw new MillraceError('link/lost', 'Unreadable answer.');
  } catch (thrown) {
    const error = linkError(thrown);
    if (error.policy === 'reauthenticate') tokens.forget();
    throw error;
  } finally {
    cancel();
  }
}
