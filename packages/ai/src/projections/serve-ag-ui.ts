// A run as the answer to an AG-UI request. Rules: AGUI-1 … AGUI-3.

import type { ServerResponse } from 'node:http';
import type { Hub } from '@millrace/server';
import { type AgUiOptions, agUiStream } from './ag-ui.ts';
import { type ServeOptions, serveRun } from './serve-run.ts';

export interface ServeAgUiOptions
  extends AgUiOptions,
    Pick<ServeOptions, 'runId' | 'heartbeatMs'> {}

/**
 * Answers with the run from its beginning, then live, to its end. Resolves when the response is over; one that is cut off
 * without an end has to be asked for again (a step that begins anew, without `messages`; a reader that takes nothing in, a hub that closes).
 * Asks nobody for permission: that is the route's.
 */
export function serveAgUi(hub: Hub, res: ServerResponse, options: ServeAgUiOptions): Promise<void> {
  return serveRun(hub, res, { ...options, told: agUiStream(options) });
}
