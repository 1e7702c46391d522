// Reading a channel inside the process: one page of the log with a verdict on the cursor it was asked after.
// Rules: SUB-3, SUB-4, CUR-4.

import {
  type Channel,
  type Cursor,
  type EventSchemas,
  type Limits,
  MillraceError,
  type Offset,
  type Verdict,
} from '@millrace/protocol';
import { previousOffset, toOffset, ZERO_OFFSET } from '@millrace/protocol/wire';
import { readEvent } from './folded-state.ts';
import type { HistoryOptions, HistoryPage } from './hub-types.ts';
import type { Log, LogPage } from './seams/log.ts';
import { judgeCursor } from './subscription.ts';

/**
 * @throws MillraceError `request/invalid` when both `after` and `last` are given, or a number makes no sense; what the
 * engine throws
 */
export async function readHistory<Events extends EventSchemas, State>(
  log: Log,
  limits: Limits,
  { name: channel }: Channel<Events, State>,
  options: HistoryOptions,
): Promise<HistoryPage<Events>> {
  const maxEvents = checkOptions(options, limits);
  const size = { maxEvents, maxBytes: limits.maxPageBytes };
  const { after, last } = options;
  let asked = after?.offset ?? ZERO_OFFSET;
  if (last !== undefined) {
    const { head } = await log.read(channel, ZERO_OFFSET, { maxEvents: 0, maxBytes: 0 });
    asked = last >= head ? ZERO_OFFSET : toOffset(head - last);
  }
  let page = await log.read(channel, asked, size);
  const { verdict, from } = judge(after, page);
  // Another epoch, or a log that went back: the place that was asked for is none of this log's.
  if (verdict.verdict === 'gap' && verdict.reason !== 'trimmed') {
    page = await log.read(channel, from, size);
  }
  const events = page.entries.map((entry) => readEvent<Events>(entry));
  const offset = page.entries.at(-1)?.offset ?? from;
  return { verdict, events, next: { epoch: page.epoch, offset } };
}

function judge(
  after: Cursor | undefined,
  page: LogPage,
): { readonly verdict: Verdict; readonly from: Offset } {
  if (after === undefined) {
    const oldest = page.entries[0]?.offset;
    const from = oldest === undefined ? page.head : previousOffset(oldest);
    return { verdict: { verdict: 'exact', cursor: { epoch: page.epoch, offset: from } }, from };
  }
  const verdict = judgeCursor(after, page, page.head);
  return { verdict, from: verdict.cursor.offset };
}

function checkOptions({ after, last, limit }: HistoryOptions, limits: Limits): number {
  if (after !== undefined && last !== undefined) {
    throw new MillraceError('request/invalid', 'Give `after` or `last`, not both.');
  }
  for (const value of [last, limit]) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
      throw new MillraceError('request/invalid', '`last` and `limit` are whole numbers above 0.');
    }
  }
  return Math.min(limit ?? last ?? limits.maxPageEvents, limits.maxPageEvents);
}
