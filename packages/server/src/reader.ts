// The shell of one subscription: feeds the machine of subscription.ts and runs its effects on a topic and a link.
// Owns nothing but the machine's state and the topic it holds. Rules: SUB-2, SUB-7, SUB-8, SUB-9.

import { type Cursor, MillraceError, type Start, type Verdict } from '@millrace/protocol';
import type { TopicReader } from './audience.ts';
import { controlFrame } from './outbound-frame.ts';
import type { TopicPage } from './page.ts';
import type { OutboundFrame } from './seams/link.ts';
import {
  type Subscription,
  type SubscriptionEffect,
  type SubscriptionEvent,
  stepSubscription,
} from './subscription.ts';
import type { Topic } from './topic.ts';

/** What a reader needs of its link. */
export interface Outlet {
  /** Room for a page: the queue is below its limit. */
  hasRoom(): boolean;
  /** A page is being read. Returns what to call once it was told, or did not come. */
  reserve(): () => void;
  /** Sends an events frame if the queue takes it. */
  offer(frame: OutboundFrame): boolean;
  /** Sends a frame that must not be left out. */
  tell(frame: OutboundFrame): void;
  /** A page is about to be told: for counting. */
  onReplayed(frame: OutboundFrame): void;
  /** This reader has caught up for the first time, has ended, or has no room: nobody need wait for it. */
  settled(): void;
}

export interface Reader {
  /** Finds the topic and goes on, or, without one, tells why. */
  allow(topic: Topic): void;
  refuse(verdict: 'denied' | 'unknown', error: MillraceError): void;
  look(): void;
  close(): void;
  isBehind(): boolean;
}

export function createReader(channel: string, start: Start, outlet: Outlet): Reader {
  let state: Subscription = { at: 'authorizing', start };
  let topic: Topic | null = null;
  let page: TopicPage | null = null;
  /** The last state it was told, so that the same one is not told twice. */
  let lastState: OutboundFrame | null = null;

  const seat: TopicReader = {
    slot: -1,
    offer(frame) {
      if (frame === lastState) return true;
      const isTaken = outlet.offer(frame);
      if (isTaken && frame.type === 'verdict') {
        lastState = frame;
        outlet.settled();
      }
      return isTaken;
    },
    fallBehind: (position) => dispatch({ type: 'fell-behind', position }),
    look,
    end: (cursor) => dispatch({ type: 'channel-ended', cursor }),
  };

  function dispatch(event: SubscriptionEvent): void {
    const step = stepSubscription(state, event);
    state = step.state;
    for (const effect of step.effects) {
      // Telling may have closed the link over its limit: what was to follow is no longer wanted.
      if (state !== step.state) return;
      run(effect);
    }
  }

  function look(): void {
    if (topic === null) return;
    const hasRoom = outlet.hasRoom();
    if (!hasRoom) outlet.settled();
    dispatch({ type: 'look', view: topic.view(), hasRoom });
  }

  function run(effect: SubscriptionEffect): void {
    switch (effect.type) {
      case 'tell':
        tell(effect.verdict);
        return;
      case 'tell-state':
        lastState = topic?.stateFrame() ?? null;
        if (lastState !== null) outlet.tell(lastState);
        else dispatch({ type: 'refused', verdict: 'denied', error: noState(channel) });
        return;
      case 'await-state':
        // Settled once it comes: until then there is nothing to answer a poll with.
        topic?.join(seat);
        topic?.sendPaced();
        return;
      case 'read':
        read(effect.after);
        return;
      case 'send-page':
        sendPage();
        return;
      case 'look':
        look();
        return;
      case 'wait':
        topic?.wait(seat);
        return;
      case 'join':
        topic?.join(seat);
        outlet.settled();
        return;
      case 'leave':
        topic?.leave(seat);
        return;
      case 'tell-end':
        tellEnd(effect.cursor);
        return;
    }
  }

  function read(after: Cursor['offset']): void {
    if (topic === null) return;
    const release = outlet.reserve();
    const answer = topic.read(after);
    if (answer instanceof Promise) {
      void answer.then((page) => {
        release();
        took(page);
      });
    } else {
      release();
      took(answer);
    }
  }

  function took(answer: TopicPage | 'failed' | 'restarted'): void {
    const view = topic?.view() ?? null;
    if (answer === 'failed') {
      dispatch({ type: 'unread' });
    } else if (answer === 'restarted' || view?.epoch !== answer.epoch) {
      dispatch({ type: 'unread' });
      // It may be loaded again already, and would wake nobody a second time.
      look();
    } else {
      page = answer;
      dispatch({ type: 'page', view, page: answer });
    }
  }

  function sendPage(): void {
    const frame = page?.frame;
    page = null;
    if (frame === null || frame === undefined) return;
    outlet.onReplayed(frame);
    outlet.tell(frame);
  }

  function tell(verdict: Verdict): void {
    outlet.tell(controlFrame({ type: 'verdict', channel, ...verdict }));
    if (verdict.verdict === 'denied' || verdict.verdict === 'unknown') outlet.settled();
  }

  function tellEnd(cursor: Cursor): void {
    outlet.tell(controlFrame({ type: 'end', channel, cursor }));
    outlet.settled();
  }

  return {
    allow(found) {
      topic = found;
      dispatch({ type: 'allowed' });
    },
    refuse: (verdict, error) => dispatch({ type: 'refused', verdict, error }),
    look,
    close() {
      dispatch({ type: 'closed' });
      outlet.settled();
    },
    isBehind: () => state.at === 'behind',
  };
}

function noState(channel: string): MillraceError {
  return new MillraceError('server/internal', `The state of ${channel} cannot be told.`);
}
