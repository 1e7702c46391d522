// The shell of one subscription: feeds the machine of subscription.ts and runs its effects on a topic and a link.
// Owns nothing but the machine's state and the topic it holds. Rules: SUB-2, SUB-7, SUB-8, SUB-9.

import { type Cursor, MillraceError, type Start, type Verdict } from '@millrace/protocol';
import type { AloneFrame, TopicReader } from './audience.ts';
import type { Pressure } from './hub-types.ts';
import type { LinkQueue } from './link-queue.ts';
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
export interface ReaderOwner {
  readonly queue: LinkQueue;
  /** A page with that many events is about to be told: for counting. */
  replayed(events: number): void;
  onPressure(outcome: Pressure): void;
  /** A first reader has caught up for the first time, has ended, or has no room: nobody need wait for it. */
  settled(): void;
}

/** A class: one for each channel of each link, and gone through for each event. */
export class Reader implements TopicReader {
  readonly channel: string;
  slot = -1;
  readonly #owner: ReaderOwner;
  #state: Subscription;
  #topic: Topic | null = null;
  #page: TopicPage | null = null;
  /** The last state it was told, so that the same one is not told twice. */
  #lastState: OutboundFrame | null = null;
  #isAwaited: boolean;
  /** It left the tail, and has not come back to it. */
  #hasFallen = false;

  /** @param isAwaited it is one of `connect`, and its owner waits until it has settled */
  constructor(channel: string, start: Start, owner: ReaderOwner, isAwaited: boolean) {
    this.channel = channel;
    this.#owner = owner;
    this.#state = { at: 'authorizing', start };
    this.#isAwaited = isAwaited;
  }

  /** It was allowed, and holds its topic. */
  get isHolding(): boolean {
    return this.#topic !== null;
  }

  get isBehind(): boolean {
    return this.#state.at === 'behind';
  }

  /** Goes on with the topic, or, refused, tells why. */
  allow(topic: Topic): void {
    this.#topic = topic;
    this.#dispatch({ type: 'allowed' });
  }

  refuse(verdict: 'denied' | 'unknown', error: MillraceError): void {
    this.#dispatch({ type: 'refused', verdict, error });
  }

  close(): void {
    this.#dispatch({ type: 'closed' });
    this.#settle();
  }

  offer(alone: AloneFrame): boolean {
    const [frame] = alone;
    if (frame.type === 'events') return this.#owner.queue.offer(alone);
    if (frame === this.#lastState) return true;
    const isTaken = this.#owner.queue.offer(alone);
    if (isTaken) {
      this.#lastState = frame;
      this.#settle();
    }
    return isTaken;
  }

  fallBehind(position: Cursor): void {
    this.#owner.onPressure('fellBehind');
    this.#hasFallen = true;
    this.#dispatch({ type: 'fell-behind', position });
  }

  end(cursor: Cursor): void {
    this.#dispatch({ type: 'channel-ended', cursor });
  }

  look(): void {
    if (this.#topic === null) return;
    const hasRoom = this.#owner.queue.hasRoom();
    if (!hasRoom) this.#settle();
    this.#dispatch({ type: 'look', view: this.#topic.view(), hasRoom });
  }

  #dispatch(event: SubscriptionEvent): void {
    const step = stepSubscription(this.#state, event);
    this.#state = step.state;
    for (const effect of step.effects) {
      // Telling may have closed the link over its limit: what was to follow is no longer wanted.
      if (this.#state !== step.state) return;
      this.#run(effect);
    }
  }

  #run(effect: SubscriptionEffect): void {
    switch (effect.type) {
      case 'tell':
        this.#tell(effect.verdict);
        return;
      case 'tell-state':
        this.#tellState();
        return;
      case 'await-state':
        // Settled once it comes: until then there is nothing to answer a poll with.
        this.#topic?.join(this);
        this.#topic?.sendPaced();
        return;
      case 'read':
        this.#read(effect.after, effect.doubted);
        return;
      case 'send-page':
        this.#sendPage();
        return;
      case 'look':
        this.look();
        return;
      case 'wait':
        this.#topic?.wait(this);
        return;
      case 'join':
        this.#topic?.join(this);
        this.#caughtUp();
        this.#settle();
        return;
      case 'leave':
        this.#topic?.leave(this);
        return;
      case 'tell-end':
        this.#tellEnd(effect.cursor);
        return;
    }
  }

  #tellState(): void {
    this.#lastState = this.#topic?.stateFrame() ?? null;
    if (this.#lastState !== null) this.#owner.queue.tell(this.#lastState);
    else this.#dispatch({ type: 'refused', verdict: 'denied', error: noState(this.channel) });
  }

  #read(after: Cursor['offset'], doubted: string | null): void {
    if (this.#topic === null) return;
    const { queue } = this.#owner;
    const answer = this.#topic.read(after, doubted);
    if (!(answer instanceof Promise)) {
      this.#took(answer);
      return;
    }
    queue.reserve();
    void answer.then((page) => {
      queue.release();
      this.#took(page);
    });
  }

  #took(answer: TopicPage | 'failed' | 'restarted'): void {
    const view = this.#topic?.view() ?? null;
    if (answer === 'failed') {
      this.#dispatch({ type: 'unread' });
    } else if (answer === 'restarted' || view?.epoch !== answer.epoch) {
      this.#dispatch({ type: 'unread' });
      // It may be loaded again already, and would wake nobody a second time.
      this.look();
    } else {
      this.#page = answer;
      this.#dispatch({ type: 'page', view, page: answer });
    }
  }

  #sendPage(): void {
    const frame = this.#page?.frame;
    this.#page = null;
    if (frame === null || frame === undefined) return;
    this.#owner.replayed(frame.batch?.entries.length ?? 0);
    this.#owner.queue.tell(frame);
  }

  #tell(verdict: Verdict): void {
    const frame =
      this.#topic?.exactFrame(verdict) ??
      controlFrame({ type: 'verdict', channel: this.channel, ...verdict });
    this.#owner.queue.tell(frame);
    if (verdict.verdict === 'denied' || verdict.verdict === 'unknown') this.#settle();
  }

  #tellEnd(cursor: Cursor): void {
    this.#owner.queue.tell(controlFrame({ type: 'end', channel: this.channel, cursor }));
    this.#settle();
  }

  #caughtUp(): void {
    if (!this.#hasFallen) return;
    this.#hasFallen = false;
    this.#owner.onPressure('caughtUp');
  }

  #settle(): void {
    if (!this.#isAwaited) return;
    this.#isAwaited = false;
    this.#owner.settled();
  }
}

function noState(channel: string): MillraceError {
  return new MillraceError('server/internal', `The state of ${channel} cannot be told.`);
}
