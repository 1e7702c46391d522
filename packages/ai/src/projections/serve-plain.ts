// A run as plain events over HTTP, for a native EventSource and `curl -N`, which come back by `Last-Event-ID` to what they
// have not had. Rules: PLAINRUN-1 … PLAINRUN-4.

import type { ServerResponse } from 'node:http';
import type { Cursor } from '@millrace/protocol';
import { aiRuns, isFinalStatus, type RunEvent } from '@millrace/protocol/runs';
import { encodeSse, previousOffset } from '@millrace/protocol/wire';
import type { Hub } from '@millrace/server';
import {
  encodePlainEventId,
  type Missed,
  missedOf,
  type PlainEvent,
  readPlainEventId,
  toPlainEvents,
  wholeOf,
} from './plain.ts';
import type { RunPlace } from './run-places.ts';
import { type ServeOptions, serveRun } from './serve-run.ts';

/** How soon an EventSource comes back, ms. */
const RETRY_MS = 1_000;

export interface ServePlainOptions extends Pick<ServeOptions, 'runId' | 'heartbeatMs'> {
  /** The request's `Last-Event-ID`; one of another run, or of nobody, is as if there were none. */
  readonly lastEventId?: string | readonly string[] | undefined;
}

/**
 * Answers with the run from its beginning, or strictly after `lastEventId`, then live, to its end; with status 204 where
 * that was the end, so that an EventSource stays away. Its first block has an id, before there is any event: whoever
 * comes back with it must not start another run (`readPlainEventId`), which is the route's, as is permission.
 */
export async function servePlainRun(
  hub: Hub,
  res: ServerResponse,
  options: ServePlainOptions,
): Promise<void> {
  const { runId, heartbeatMs, lastEventId } = options;
  const id = readPlainEventId(lastEventId);
  const after = id?.runId === runId ? id.cursor : null;
  if (after !== null && (await isOver(hub, runId, after))) {
    res.writeHead(204).end();
    return;
  }
  const idOf = (cursor: Cursor | null): string => encodePlainEventId({ runId, cursor });
  return serveRun(hub, res, {
    runId,
    told: {
      key: `plain ${runId}`,
      project: (before, event) => toPlainEvents(before, event, runId),
      idOf,
    },
    first: encodeSse({ id: idOf(after), retryMs: RETRY_MS }),
    resume: { after, begin: (place) => begin(hub, runId, { place, after, idOf }) },
    ...(heartbeatMs !== undefined && { heartbeatMs }),
  });
}

/** Whether a reader that has had this much has had the end. */
async function isOver(hub: Hub, runId: string, after: Cursor): Promise<boolean> {
  const { events, next } = await hub.history(aiRuns.of({ runId }), { last: 1 });
  if (next.epoch !== after.epoch || next.offset > after.offset) return false;
  const last = events.at(-1);
  // A run that is at work has events of this day; one that waits has none yet.
  return last === undefined ? next.offset > 0 : last.type === 'run-end';
}

interface Beginning {
  readonly place: RunPlace;
  readonly after: Cursor | null;
  idOf(cursor: Cursor | null): string;
}

async function begin(hub: Hub, runId: string, beginning: Beginning): Promise<string> {
  const { cursor, state } = beginning.place;
  const { after } = beginning;
  if (after === null || after.offset === 0) return blocksOf(beginning, wholeOf(state, runId));
  // Another node may be further than this one.
  if (after.epoch === cursor.epoch && after.offset >= cursor.offset) return '';
  return blocksOf(beginning, missedOf(await readMissed(hub, runId, after, cursor), state));
}

/** Null where the log has not all of them any more. */
async function readMissed(
  hub: Hub,
  runId: string,
  from: Cursor,
  to: Cursor,
): Promise<readonly RunEvent[] | null> {
  const events: RunEvent[] = [];
  let after = from;
  while (after.offset < to.offset) {
    const page = await hub.history(aiRuns.of({ runId }), { after });
    if (page.verdict.verdict !== 'exact' || page.next.offset === after.offset) return null;
    for (const event of page.events) if (event.offset <= to.offset) events.push(event);
    after = page.next;
  }
  return from.epoch === to.epoch ? events : null;
}

/**
 * The id moves with what must not be told twice, behind what may be: whoever is cut off in between comes back to where it
 * was. An end is an event of its own, behind all text.
 */
function blocksOf({ place, after, idOf }: Beginning, { repeatable, text, end }: Missed): string {
  const { cursor, state } = place;
  const beforeEnd: Cursor = { ...cursor, offset: previousOffset(cursor.offset) };
  const ofText = isFinalStatus(state.status) ? beforeEnd : cursor;
  const block = (id: Cursor | null, one: PlainEvent): string =>
    encodeSse({ id: idOf(id), data: JSON.stringify(one) });
  const blocks = repeatable.map((one) => block(after, one));
  if (text !== null) blocks.push(block(ofText, text));
  if (end !== null) blocks.push(block(cursor, end));
  else if (text === null) blocks.push(encodeSse({ id: idOf(cursor) }));
  return blocks.join('');
}
