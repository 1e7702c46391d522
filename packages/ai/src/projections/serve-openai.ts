// A run as the answer to a chat-completions request, streamed or whole. Rules: OAI-1 … OAI-3.

import type { ServerResponse } from 'node:http';
import type { Hub } from '@millrace/server';
import { type OpenAiOptions, openAiStream, toOpenAiCompletion } from './openai.ts';
import { readToEnd } from './read-to-end.ts';
import { DONE, type ServeOptions, serveRun } from './serve-run.ts';

export interface ServeOpenAiOptions extends OpenAiOptions, Pick<ServeOptions, 'heartbeatMs'> {
  /** The request's `stream`. */
  readonly isStreamed: boolean;
}

/**
 * Resolves when the response is over. One that is not streamed waits for the end of the run; a client that leaves before
 * ends nothing but its waiting. Asks nobody for permission: that is the route's.
 */
export async function serveOpenAi(
  hub: Hub,
  res: ServerResponse,
  options: ServeOpenAiOptions,
): Promise<void> {
  if (options.isStreamed) {
    return serveRun(hub, res, {
      ...options,
      told: openAiStream(options),
      headers: { 'X-Generation-Id': options.runId },
      last: DONE,
    });
  }
  if (res.closed || res.destroyed) return;
  const left = new AbortController();
  res.once('close', () => left.abort());
  const state = await readToEnd(hub, options.runId, left.signal);
  if (state === null || left.signal.aborted) return;
  const answer = toOpenAiCompletion(state, options);
  // Repeated it would only be paid again: the run has ended.
  const status = 'error' in answer ? 502 : 200;
  res.writeHead(status, { 'Content-Type': 'application/json', 'X-Should-Retry': 'false' });
  res.end(JSON.stringify(answer));
}
