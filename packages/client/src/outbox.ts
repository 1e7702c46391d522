// Publishes on their way, as data: what was not answered goes out again on the next link, in the same order and
// with the same idempotency key, so that the server keeps it once. Pure. Rule: CLI-13.

import type { PublishItem } from '@millrace/protocol';

export interface Pending {
  readonly id: number;
  readonly item: PublishItem;
  /** When it first went out; null before. From then on the server may have it. */
  readonly sentAt: number | null;
  /** The link that carried it last; null when it must go out (again). */
  readonly sentOn: number | null;
}

export type Outbox = readonly Pending[];

/** More than this and `publish` is refused: a page that is offline must not fill its memory. */
export const MAX_PENDING = 1_000;

/** The server remembers a key for 10 min: a repetition must stay well within. */
const REPEAT_WITHIN_MS = 5 * 60_000;

export function withItem(outbox: Outbox, id: number, item: PublishItem): Outbox {
  return [...outbox, { id, item, sentAt: null, sentOn: null }];
}

export function withoutIds(outbox: Outbox, ids: ReadonlySet<number>): Outbox {
  return outbox.filter(({ id }) => !ids.has(id));
}

/** What must go out on this link, oldest first. */
export function unsentOn(outbox: Outbox, link: number): Outbox {
  return outbox.filter(({ sentOn }) => sentOn !== link);
}

export function markSent(
  outbox: Outbox,
  ids: ReadonlySet<number>,
  sent: { readonly link: number | null; readonly now: number },
): Outbox {
  return outbox.map((entry) =>
    ids.has(entry.id) ? { ...entry, sentOn: sent.link, sentAt: entry.sentAt ?? sent.now } : entry,
  );
}

/** Those that were sent too long ago to be repeated safely. */
export function outdated(outbox: Outbox, now: number): Outbox {
  return outbox.filter(({ sentAt }) => sentAt !== null && now - sentAt > REPEAT_WITHIN_MS);
}

/** The first ones that fit one request: at most `maxEvents`, and `maxBytes` unless one alone is larger. */
export function firstBatch(
  outbox: Outbox,
  size: { readonly maxEvents: number; readonly maxBytes: number },
): Outbox {
  const encoder = new TextEncoder();
  let bytes = 0;
  const end = outbox.slice(0, size.maxEvents).findIndex(({ item }, index) => {
    bytes += encoder.encode(JSON.stringify(item)).length + 1;
    return index > 0 && bytes > size.maxBytes;
  });
  return outbox.slice(0, end === -1 ? size.maxEvents : end);
}
