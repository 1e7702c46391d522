// A run as an HTTP response in the AI SDK's UI message stream. Rules: UI-1 … UI-4.

import type { ServerResponse } from 'node:http';
import type { Hub } from '@millrace/server';
import { DONE, type ServeOptions, serveRun } from './serve-run.ts';
import { type UiVersion, uiStream } from './ui-stream.ts';

export interface UiStreamOptions extends Pick<ServeOptions, 'runId' | 'heartbeatMs'> {
  /** The major version of the `ai` package that reads it. Default 6, which 7 reads too. */
  readonly version?: UiVersion;
}

/**
 * Answers with the run from its beginning, then live, to its end. Resolves when the response is over; one that is cut off
 * without an end has to be asked for again (ai 6 where a step begins anew, a reader that takes nothing in, a hub that
 * closes). Asks nobody for permission: that is the route's.
 */
export function serveUiStream(
  hub: Hub,
  res: ServerResponse,
  options: UiStreamOptions,
): Promise<void> {
  const { version = 6, ...rest } = options;
  return serveRun(hub, res, {
    ...rest,
    told: uiStream(version),
    headers: { 'X-Vercel-AI-UI-Message-Stream': 'v1' },
    last: DONE,
  });
}
