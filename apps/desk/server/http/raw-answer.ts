// A response that is written by what streams it: with the headers that stand already (CORS), and the one that keeps
// browsers from guessing. Refuses to own: what is written.

import type { ServerResponse } from 'node:http';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Log } from '../log.ts';
import type { DeskContext } from './routes.ts';

/** What fails before the head is the route's to answer; behind it the reader is cut off, and comes again. */
export async function streamAnswer(
  c: DeskContext,
  { log, aiRunId }: { readonly log: Log; readonly aiRunId: string },
  write: (response: ServerResponse) => Promise<void>,
): Promise<Response> {
  const { outgoing } = c.env;
  for (const [name, value] of c.res.headers) outgoing.setHeader(name, value);
  outgoing.setHeader('x-content-type-options', 'nosniff');
  log.info({ tag: 'SSE', aiRunId, path: c.req.routePath }, 'answer watched');
  try {
    await write(outgoing);
    log.debug({ tag: 'SSE', aiRunId }, 'answer left');
  } catch (err) {
    if (!outgoing.headersSent) throw err;
    log.error({ tag: 'SSE', aiRunId, err }, 'an answer could not be streamed');
    outgoing.destroy();
  }
  return RESPONSE_ALREADY_SENT;
}
