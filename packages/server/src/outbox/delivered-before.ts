// What was taken so long ago that the engine may have forgotten its keys: it is looked for in the log as it was written,
// id and all, since an id of the application's may stand on several events. Reads whole channels, for a case that needs a node killed at the wrong millisecond and nobody
// in its place for minutes. Rule: OUT-8.

import { MillraceError } from '@millrace/protocol';
import { readJsonObject, toOffset, ZERO_OFFSET } from '@millrace/protocol/wire';
import type { Log, LogPage } from '../seams/log.ts';
import type { OutboxRow } from './outbox-row.ts';
import type { RefusedRow, TakenRows } from './outbox-store.ts';

export interface DeliveredBefore {
  /** Those that stand in the log. */
  readonly done: readonly OutboxRow[];
  /** Those of which nobody can tell: the log was trimmed since. */
  readonly unsure: readonly RefusedRow[];
  /** All others: they were never appended, or may be repeated. */
  readonly rest: readonly OutboxRow[];
}

const PAGE = { maxEvents: 1_000, maxBytes: 1_048_576 };

export async function findDelivered(
  log: Pick<Log, 'read'>,
  { rows, takenAtMs }: TakenRows,
): Promise<DeliveredBefore> {
  const done: OutboxRow[] = [];
  const unsure: RefusedRow[] = [];
  const rest: OutboxRow[] = [];
  const wanted = new Set(rows.map(bodyOf));
  const channels = new Map<string, Found>();
  for (const row of rows) {
    const body = bodyOf(row);
    if (body === undefined) {
      rest.push(row);
      continue;
    }
    const known = channels.get(row.channel) ?? (await find(log, row.channel, wanted, takenAtMs));
    channels.set(row.channel, known);
    if (known.bodies.has(body)) done.push(row);
    else if (known.isWhole) rest.push(row);
    else unsure.push({ row, error: cannotTell() });
  }
  return { done, unsure, rest };
}

interface Found {
  readonly bodies: ReadonlySet<string>;
  /** Nothing that came later than that has been trimmed. */
  readonly isWhole: boolean;
}

async function find(
  log: Pick<Log, 'read'>,
  channel: string,
  wanted: ReadonlySet<string | undefined>,
  sinceMs: number,
): Promise<Found> {
  const bodies = new Set<string>();
  let page = await log.read(channel, ZERO_OFFSET, PAGE);
  const isWhole = page.first === 1 || oldestAtMs(page) < sinceMs;
  for (let last = page.entries.at(-1); last !== undefined; last = page.entries.at(-1)) {
    for (const { text } of page.entries) {
      const body = bodyIn(text);
      if (wanted.has(body)) bodies.add(body);
    }
    page = await log.read(channel, toOffset(last.offset), PAGE);
  }
  return { bodies, isWhole };
}

/** Undefined for what is no event: to end or to forget again does no harm. */
function bodyOf({ request }: OutboxRow): string | undefined {
  return request instanceof MillraceError || !('body' in request) ? undefined : request.body;
}

/** What the publisher made of an event: all of its text behind offset and time, see `encodeEvent`. */
function bodyIn(text: string): string {
  const afterTime = text.indexOf('",', text.indexOf('"at":"')) + 2;
  return text.slice(afterTime, -1);
}

/** When the oldest entry that is kept was appended, by the engine's clock, ms since 1970. NaN where none is kept. */
export function oldestAtMs({ entries: [oldest] }: LogPage): number {
  return oldest === undefined ? Number.NaN : Date.parse(String(readJsonObject(oldest.text)['at']));
}

function cannotTell(): MillraceError {
  return new MillraceError(
    'server/internal',
    'It may have been appended before the relay died, and the log was trimmed since. Look whether its readers got it; if not, publish it again.',
  );
}
