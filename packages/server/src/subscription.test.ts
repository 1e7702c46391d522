// The subscription machine as tables: where a start leads, what each event does in each state.

import { type Cursor, MillraceError, type Start } from '@millrace/protocol';
import { toOffset } from '@millrace/protocol/wire';
import { describe, expect, test } from 'vitest';
import {
  type PageRange,
  type Subscription,
  type SubscriptionEvent,
  stepSubscription,
  type TopicView,
} from './subscription.ts';

const at = (offset: number, epoch = 'e'): Cursor => ({ epoch, offset: toOffset(offset) });
const view: TopicView = {
  epoch: 'e',
  first: toOffset(4),
  head: toOffset(10),
  heard: toOffset(10),
  isEnded: false,
  hasState: false,
  deliversState: false,
};
const range = (begin: number, last: number, logHead = 10): PageRange => ({
  begin: toOffset(begin),
  last: toOffset(last),
  logHead: toOffset(logHead),
});
const behind = (from: Start, isTold = false, isReading = false): Subscription => ({
  at: 'behind',
  from,
  isTold,
  isReading,
});
const look = (over: Partial<TopicView> = {}, hasRoom = true): SubscriptionEvent => ({
  type: 'look',
  view: { ...view, ...over },
  hasRoom,
});

/** The step as words, short enough for a table. */
function run(state: Subscription, event: SubscriptionEvent): string {
  const step = stepSubscription(state, event);
  const effects = step.effects.map((effect) => {
    switch (effect.type) {
      case 'tell': {
        const { verdict } = effect;
        if ('error' in verdict) return `${verdict.verdict} ${verdict.error.code}`;
        if (verdict.verdict !== 'gap') return `${verdict.verdict} ${verdict.cursor.offset}`;
        return `gap ${verdict.reason} ${verdict.from}–${verdict.to} → ${verdict.cursor.offset}`;
      }
      case 'read':
        return `read ${effect.after}`;
      case 'tell-end':
        return `end ${effect.cursor.offset}`;
      default:
        return effect.type;
    }
  });
  return [...effects, `= ${step.state.at}`].join(', ');
}

describe('looking where a start leads', () => {
  const rows: readonly [rule: string, name: string, Subscription, SubscriptionEvent, string][] = [
    ['SUB-1', 'now is live at the head', behind('now'), look(), 'exact 10, join, = live'],
    ['SUB-1', 'start asks the log for its oldest', behind('start'), look(), 'read 0, = behind'],
    ['SUB-1', 'the last n are read', behind({ last: 3 }), look(), 'read 7, = behind'],
    ['SUB-1', 'more than there is reads all', behind({ last: 30 }), look(), 'read 0, = behind'],
    ['SUB-1', 'the last 0 is now', behind({ last: 0 }), look(), 'exact 10, join, = live'],
    [
      'SUB-1',
      'now is after what was told of, although the topic has not read it yet',
      behind('now'),
      look({ heard: toOffset(12) }),
      'read 12, = behind',
    ],
    [
      'SUB-1',
      'start of an empty channel is live',
      behind('start'),
      look({ head: toOffset(0), first: toOffset(1) }),
      'exact 0, join, = live',
    ],
    [
      'SUB-3',
      'a cursor at the head needs no reading',
      behind(at(10)),
      look(),
      'exact 10, join, = live',
    ],
    ['SUB-3', 'a cursor in the past is read', behind(at(6)), look(), 'read 6, = behind'],
    [
      'CUR-4',
      'a cursor of another epoch is no position: the log is asked',
      behind(at(6, 'x')),
      look(),
      'read 0, = behind',
    ],
    [
      'SUB-4',
      'a cursor past the head: the log may know more than the topic',
      behind(at(12)),
      look(),
      'read 12, = behind',
    ],
    [
      'SUB-4',
      'a told reader past the head: the log may have gone back',
      behind(at(12), true),
      look(),
      'read 12, = behind',
    ],
    [
      'SUB-7',
      'told once, a reader joins without another verdict',
      behind(at(10), true),
      look(),
      'join, = live',
    ],
    [
      'SUB-5',
      'a contract with state opens with it',
      behind('now'),
      look({ hasState: true }),
      'tell-state, look, = behind',
    ],
    [
      'SUB-5',
      'state delivery skips to the newest state',
      behind(at(6), true),
      look({ hasState: true, deliversState: true }),
      'tell-state, look, = behind',
    ],
    [
      'SUB-5a',
      'who resumes is sent the next state that goes out',
      behind(at(6)),
      look({ hasState: true, deliversState: true }),
      'await-state, = live',
    ],
    [
      'SUB-5a',
      'the last state of an ended channel is told at once',
      behind(at(6)),
      look({ hasState: true, deliversState: true, isEnded: true }),
      'tell-state, look, = behind',
    ],
    [
      'SUB-9',
      'the head of an ended channel is its end',
      behind(at(10)),
      look({ isEnded: true }),
      'exact 10, leave, end 10, = ended',
    ],
    ['SUB-8', 'no room, no step', behind(at(6)), look({}, false), '= behind'],
    ['SUB-8', 'one read at a time', behind(at(6), true, true), look(), '= behind'],
    [
      'SUB-7',
      'a topic that loads is waited for',
      behind('now'),
      { type: 'look', view: null, hasRoom: true },
      'wait, = behind',
    ],
  ];
  test.each(rows)('%s: %s', (_rule, _name, state, event, expected) => {
    expect(run(state, event)).toBe(expected);
  });
});

describe('taking a page', () => {
  const page = (one: PageRange, over: Partial<TopicView> = {}): SubscriptionEvent => ({
    type: 'page',
    view: { ...view, ...over },
    page: one,
  });
  const state = { hasState: true };
  const rows: readonly [rule: string, name: string, Subscription, SubscriptionEvent, string][] = [
    [
      'SUB-5a',
      'where states are delivered a page ahead of the topic is no state: it waits for the topic',
      behind(at(12), false, true),
      page(range(12, 14, 14), { hasState: true, deliversState: true }),
      'exact 12, wait, = behind',
    ],
    [
      'SUB-3',
      'the first page comes after its verdict',
      behind(at(6)),
      page(range(6, 10)),
      'exact 6, send-page, look, = behind',
    ],
    [
      'SUB-2',
      'the next pages need none',
      behind(at(6), true),
      page(range(6, 8)),
      'send-page, look, = behind',
    ],
    [
      'SUB-1',
      'start begins where the log does',
      behind('start'),
      page(range(3, 10)),
      'exact 3, send-page, look, = behind',
    ],
    [
      'SUB-4',
      'what was trimmed is named',
      behind(at(1)),
      page(range(3, 10)),
      'gap trimmed 2–3 → 3, send-page, look, = behind',
    ],
    [
      'SUB-2',
      'trimmed in mid-life: a further verdict',
      behind(at(1), true),
      page(range(3, 10)),
      'gap trimmed 2–3 → 3, send-page, look, = behind',
    ],
    [
      'CUR-4',
      'another epoch',
      behind(at(6, 'x')),
      page(range(3, 10)),
      'gap restarted null–null → 3, send-page, look, = behind',
    ],
    [
      'SUB-4',
      'a log that went back',
      behind(at(12)),
      page(range(10, 10)),
      'gap rolled-back null–null → 3, look, = behind',
    ],
    [
      'SUB-4',
      'a log that is ahead of the topic is no gap: its news is waited for',
      behind(at(12)),
      page(range(14, 14, 14)),
      'exact 12, wait, = behind',
    ],
    [
      'SUB-5',
      'state stands in for a gap',
      behind(at(1)),
      page(range(3, 10), state),
      'tell-state, look, = behind',
    ],
    [
      'SUB-5',
      'with state an exact resume needs none',
      behind(at(6)),
      page(range(6, 10), state),
      'exact 6, send-page, look, = behind',
    ],
    [
      'SUB-3',
      'nothing after the cursor',
      behind(at(10)),
      page(range(10, 10)),
      'exact 10, look, = behind',
    ],
  ];
  test.each(rows)('%s: %s', (_rule, _name, from, event, expected) => {
    expect(run(from, event)).toBe(expected);
  });

  test('SUB-3: the position moves to the last event of the page', () => {
    const step = stepSubscription(behind(at(6)), page(range(6, 8)));
    expect(step.state).toEqual(behind(at(8), true));
  });
});

describe('the rest of its life', () => {
  const error = new MillraceError('auth/denied', 'no');
  const start: Subscription = { at: 'authorizing', start: 'now' };
  const live: Subscription = { at: 'live' };
  const ended: Subscription = { at: 'ended' };
  const fell: SubscriptionEvent = { type: 'fell-behind', position: at(9) };
  const over: SubscriptionEvent = { type: 'channel-ended', cursor: at(10) };
  const rows: readonly [rule: string, name: string, Subscription, SubscriptionEvent, string][] = [
    [
      'SUB-6',
      'refused',
      start,
      { type: 'refused', verdict: 'denied', error },
      'leave, denied auth/denied, = ended',
    ],
    [
      'SUB-5',
      'a state that cannot be told ends it later too',
      live,
      { type: 'refused', verdict: 'denied', error },
      'leave, denied auth/denied, = ended',
    ],
    ['SUB-2', 'nothing is told before it is allowed', start, look(), '= authorizing'],
    ['SUB-2', 'allowed', start, { type: 'allowed' }, 'look, = behind'],
    ['SUB-8', 'a full link leaves the tail', live, fell, 'leave, look, = behind'],
    ['SUB-9', 'ended while live', live, over, 'leave, end 10, = ended'],
    ['SUB-9', 'ended while behind: the pages come first', behind(at(6), true), over, '= behind'],
    [
      'SUB-7',
      'a failed read waits',
      behind(at(6), true, true),
      { type: 'unread' },
      'wait, = behind',
    ],
    ['SUB-2', 'closed while live', live, { type: 'closed' }, 'leave, = ended'],
    ['SUB-2', 'closed before it was allowed', start, { type: 'closed' }, 'leave, = ended'],
    ['SUB-2', 'a late permission changes nothing', ended, { type: 'allowed' }, '= ended'],
    [
      'SUB-2',
      'a late page changes nothing',
      ended,
      { type: 'page', view, page: range(6, 10) },
      '= ended',
    ],
    ['SUB-2', 'closing twice is fine', ended, { type: 'closed' }, '= ended'],
  ];
  test.each(rows)('%s: %s', (_rule, _name, state, event, expected) => {
    expect(run(state, event)).toBe(expected);
  });

  test('SUB-8: whoever fell behind goes on from there without another verdict', () => {
    const step = stepSubscription(live, fell);
    expect(step.state).toEqual(behind(at(9), true));
  });
});
