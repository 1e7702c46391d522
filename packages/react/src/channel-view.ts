// What `useChannel` shows, as a pure fold over what a subscription reports. No clock, no client.

import type { ChannelEvent, Cursor, MillraceError, Verdict } from '@millrace/protocol';

export interface ChannelView<Event, State> {
  /** The newest `keep` events, oldest first. Empty for a contract with state. */
  readonly events: readonly Event[];
  /** The folded state; undefined before the first one, and for a contract without. */
  readonly state: State | undefined;
  /** What the last (re)subscription got: whether anything is missing before the next event. */
  readonly verdict: Verdict | null;
  /** The last event that this view holds. */
  readonly cursor: Cursor | null;
  /** Why nothing comes, safe to render; null while all is well. */
  readonly error: string | null;
  /** The channel has ended and everything of it has arrived. */
  readonly isEnded: boolean;
  /** Nothing is known of the channel yet. */
  readonly isLoading: boolean;
}

export type ChannelReport<Event, State> =
  | { readonly type: 'event'; readonly event: Event; readonly cursor: Cursor }
  | { readonly type: 'state'; readonly state: State; readonly cursor: Cursor }
  | { readonly type: 'verdict'; readonly verdict: Verdict }
  | { readonly type: 'end'; readonly cursor: Cursor }
  | { readonly type: 'failed'; readonly error: MillraceError };

export function emptyView<Event, State>(isLoading: boolean): ChannelView<Event, State> {
  return {
    events: [],
    state: undefined,
    verdict: null,
    cursor: null,
    error: null,
    isEnded: false,
    isLoading,
  };
}

/** The view after these reports; the same object when there are none. One copy of `events` however many came. */
export function foldReports<Event extends ChannelEvent, State>(
  view: ChannelView<Event, State>,
  reports: readonly ChannelReport<Event, State>[],
  keep: number,
): ChannelView<Event, State> {
  if (reports.length === 0) return view;
  const added: Event[] = [];
  let next = view;
  for (const report of reports) {
    if (report.type === 'event') added.push(report.event);
    next = foldReport(next, report);
  }
  if (added.length === 0) return next;
  return { ...next, events: newest([...view.events, ...added], keep) };
}

/** The last `count` of a list; the list itself when it is no longer than that. */
export function newest<Item>(list: readonly Item[], count: number): readonly Item[] {
  return list.length <= count ? list : list.slice(list.length - Math.max(0, count));
}

function foldReport<Event, State>(
  view: ChannelView<Event, State>,
  report: ChannelReport<Event, State>,
): ChannelView<Event, State> {
  switch (report.type) {
    case 'event':
      return { ...view, cursor: report.cursor, isLoading: false };
    case 'state':
      return { ...view, state: report.state, cursor: report.cursor, isLoading: false };
    case 'verdict':
      return foldVerdict(view, report.verdict);
    case 'end':
      return { ...view, cursor: report.cursor, isEnded: true, isLoading: false };
    case 'failed':
      return { ...view, error: report.error.message, isLoading: false };
  }
}

function foldVerdict<Event, State>(
  view: ChannelView<Event, State>,
  verdict: Verdict,
): ChannelView<Event, State> {
  if ('error' in verdict) {
    return { ...view, verdict, error: verdict.error.message, isLoading: false };
  }
  return { ...view, verdict, cursor: verdict.cursor, error: null, isLoading: false };
}
