// One link in the hub, from its `connect` to its end: identity, hello, beats, expiry, its subscriptions and requests.
// Owns who closes it and why. Refuses to own: bytes (transports), what a subscription is told (subscription.ts).
// Rules: LINK-3, LINK-5 … LINK-7, LINK-9, AUTH-1, AUTH-3, LIM-3.
//
//   authenticating ──identified──▶ open ──▶ closed      (and from each state straight to closed)

import { MillraceError, toMillraceError } from '@millrace/protocol';
import {
  type ClientFrame,
  type ConnectFrame,
  PROTOCOL_VERSION,
  type PublishItem,
} from '@millrace/protocol/wire';
import type { Beating, Beats } from './beats.ts';
import type { ClientPublish } from './client-publish.ts';
import { watchExpiry } from './expiry.ts';
import type { Identity, LinkNews } from './hub-types.ts';
import { expired } from './identity.ts';
import type { LinkCounts } from './link-counts.ts';
import { LinkQueue, type QueueContext, type QueueOwner } from './link-queue.ts';
import { LinkReaders, type ReadersContext, type ReadersOwner } from './link-readers.ts';
import { controlFrame } from './outbound-frame.ts';
import { LinkPresence } from './presence/link-presence.ts';
import { type Live, presentAs } from './presence/live.ts';
import type { Attachment, Link, OutboundFrame, Peer } from './seams/link.ts';
import { replaced, type SessionLink, type Sessions } from './sessions.ts';
import { withoutConnection } from './without-connection.ts';

/** Frames that may arrive before `hello`. A client waits for that: more is no client of ours. */
const MAX_EARLY_FRAMES = 32;

export interface AttachmentContext extends ReadersContext, QueueContext {
  readonly live: Live;
  readonly beats: Beats;
  readonly sessions: Sessions;
  readonly identityCounts: LinkCounts;
  readonly clientPublish: ClientPublish;
  readonly beatFrame: () => OutboundFrame;
  readonly onError: (error: MillraceError) => void;
  readonly onLink: (news: LinkNews) => void;
}

export interface OpenAttachment extends Attachment {
  readonly link: Link;
  readonly subscriptions: number;
  goAway(afterMs: number, spreadMs: number): void;
  close(reason: MillraceError | null): void;
}

export interface NewLink {
  readonly link: Link;
  readonly connect: ConnectFrame;
  readonly peer: Peer;
  /** The transport has reported the end: nothing of the link is left. */
  readonly onClosed: (attachment: OpenAttachment, address: string) => void;
}

type State =
  // `connect` is let go with this state: a link that idles for hours must not hold what it began with.
  | {
      readonly at: 'authenticating';
      readonly connect: ConnectFrame;
      readonly early: ClientFrame[];
      readonly giveUp: () => void;
    }
  | { readonly at: 'open'; readonly identity: Identity | null }
  | { readonly at: 'closed' };

const CLOSED: State = { at: 'closed' };
/** Shared by all links of nobody. */
const OPEN_TO_NOBODY: State = { at: 'open', identity: null };

export function createAttachment(one: NewLink, context: AttachmentContext): OpenAttachment {
  const attachment = new LinkAttachment(one, context);
  attachment.begin(one.connect);
  return attachment;
}

/**
 * A class, and few objects beside it: one for each link, ten thousand of them idle. As functions around variables it
 * took 13 KiB a link (`npm run bench -- idle-memory`).
 */
class LinkAttachment implements OpenAttachment, QueueOwner, ReadersOwner, SessionLink, Beating {
  readonly link: Link;
  readonly session: string;
  readonly number: number;
  beatPlace = -1;
  beatIndex = -1;
  readonly #context: AttachmentContext;
  readonly #address: string;
  /** Who asked, for a newer token. Let go for a guest: headers take as much memory as a quarter of a link. */
  #peer: Peer | null;
  readonly #onClosed: NewLink['onClosed'];
  readonly #queue: LinkQueue;
  readonly #readers: LinkReaders;
  readonly #beatMs: number;
  /** Null while it wants nothing of presence and ephemeral events, as most. */
  #presence: LinkPresence | null = null;
  #state: State = CLOSED;
  /** Holds its session, and a place in its identity's count. */
  #isClaimed = false;
  /** What `ready` waits for: the readers of `connect`, and its presence. */
  #awaited = 1;
  /** Its end was told, for which there is one place to give back. */
  #isReported = false;
  /** Who waits for `ready`. Only a long-poll does. */
  #whenReady: PromiseWithResolvers<void> | null = null;
  /** Tokens that came on this link. */
  #refreshes = 0;
  #stopExpiry: (() => void) | null = null;

  constructor({ link, connect, peer, onClosed }: NewLink, context: AttachmentContext) {
    this.link = link;
    this.session = connect.session;
    this.number = connect.link;
    this.#context = context;
    this.#address = peer.address;
    this.#peer = peer;
    this.#onClosed = onClosed;
    this.#queue = new LinkQueue(link, this, context);
    this.#readers = new LinkReaders(this.#queue, this, context);
    this.#beatMs = context.beats.intervalMs(connect.beatMs, link.beatMs);
  }

  get ready(): Promise<void> {
    if (this.#awaited <= 0) return Promise.resolve();
    this.#whenReady ??= Promise.withResolvers();
    return this.#whenReady.promise;
  }

  get subscriptions(): number {
    return this.#readers.count;
  }

  get identity(): Identity | null {
    return this.#state.at === 'open' ? this.#state.identity : null;
  }

  get identityId(): string | null {
    return this.identity?.id ?? null;
  }

  get isShared(): boolean {
    return this.#readers.count > 1;
  }

  begin(connect: ConnectFrame): void {
    this.#state = { at: 'authenticating', connect, early: [], giveUp: () => undefined };
    try {
      const identity = this.#context.gate.identify(this.#asker(), connect.token);
      if (identity instanceof Promise) this.#await(connect, identity);
      else this.#open(identity);
    } catch (thrown) {
      this.close(toMillraceError(thrown));
    }
  }

  received(frame: ClientFrame): void {
    if (this.#state.at === 'closed') return;
    if (this.#state.at === 'authenticating') {
      this.#state.early.push(frame);
      if (this.#state.early.length > MAX_EARLY_FRAMES) this.close(malformed('wait for `hello`'));
      return;
    }
    this.#presence?.heard();
    switch (frame.type) {
      case 'connect':
        this.close(malformed('a link has one `connect`'));
        return;
      case 'subscribe':
        this.#readers.subscribe(frame.channels);
        return;
      case 'unsubscribe':
        this.#readers.unsubscribe(frame.channels);
        return;
      case 'publish':
        void this.#publish(this.#state.identity, frame.id, frame.events);
        return;
      case 'presence':
        this.#live().want(frame.channels);
        return;
      case 'ephemeral':
        void this.#live().send(frame.channel, frame.event);
        return;
      case 'token':
        void this.#refresh(this.#state.identity, frame.token);
        return;
      case 'probe':
        this.#queue.tell(this.#context.beatFrame());
        return;
    }
  }

  failed(error: MillraceError): void {
    this.close(error);
  }

  drained(): void {
    this.#queue.drained();
  }

  closed(): void {
    this.close(null);
    if (this.#isReported) return;
    this.#isReported = true;
    this.#onClosed(this, this.#address);
  }

  goAway(afterMs: number, spreadMs: number): void {
    if (this.#state.at !== 'open') return;
    this.#queue.tell(controlFrame({ type: 'goaway', afterMs, spreadMs }));
  }

  close(reason: MillraceError | null): void {
    const before = this.#state;
    if (before.at === 'closed') return;
    this.#state = CLOSED;
    if (before.at === 'open') this.#tell('closed', before.identity, reason);
    else before.giveUp();
    // What was told in this tick stands before the end of the link.
    this.#queue.close();
    this.#awaited = 0;
    this.settled();
    this.#readers.close();
    this.#presence?.close();
    this.#context.beats.stop(this, this.#beatMs);
    this.#stopExpiry?.();
    if (this.#isClaimed) this.#release(before.at === 'open' ? before.identity : null);
    if (reason !== null) this.#context.onRefused(reason);
    this.link.close(reason);
  }

  /** A newer link of the session took over. */
  replace(): void {
    this.close(replaced());
  }

  beat(): void {
    if (!this.#queue.isFull()) this.#queue.tell(this.#context.beatFrame());
  }

  hasRoomAgain(): void {
    this.#readers.look();
    this.#presence?.look();
  }

  isStuck(reason: MillraceError): void {
    this.close(reason);
  }

  settled(): void {
    this.#awaited -= 1;
    if (this.#awaited > 0) return;
    this.#whenReady?.resolve();
    this.#whenReady = null;
  }

  #await(connect: ConnectFrame, identity: Promise<Identity | null>): void {
    const { timers, limits } = this.#context;
    const giveUp = timers.after(limits.connectWithinMs, () => this.#giveUpIdentifying());
    this.#state = { at: 'authenticating', connect, early: [], giveUp };
    identity
      .then((found) => this.#open(found))
      .catch((thrown: unknown) => this.close(toMillraceError(thrown)));
  }

  #giveUpIdentifying(): void {
    if (this.#state.at !== 'authenticating') return;
    this.close(new MillraceError('server/overloaded', 'Signing in takes too long. Try again.'));
  }

  #open(identity: Identity | null): void {
    const before = this.#state;
    if (before.at !== 'authenticating') return;
    before.giveUp();
    this.#peer = identity === null ? null : withoutConnection(this.#asker());
    this.#state = identity === null ? OPEN_TO_NOBODY : { at: 'open', identity };
    try {
      this.#claim(identity);
    } catch (thrown) {
      // It was never open to anybody.
      this.#state = before;
      throw thrown;
    }
    this.#queue.tell(
      controlFrame({
        type: 'hello',
        protocol: PROTOCOL_VERSION,
        at: Date.now(),
        beatMs: this.#beatMs,
        identity: identity?.id ?? null,
      }),
    );
    this.#tell('opened', identity, null);
    this.#context.beats.start(this, this.#beatMs);
    this.#watchExpiry(identity);
    const { channels, presence } = before.connect;
    if (presence !== undefined) {
      this.#awaited += 1;
      this.#live(before.connect.holdMs).begin(presence);
    }
    this.#readers.subscribeFirst(channels);
    for (const frame of before.early) this.received(frame);
  }

  /**
   * The places this link takes: as its session's one link, and in its identity's count. In this order, because the
   * session's earlier link gives its place back: who is at the limit must still be able to move.
   */
  #claim(identity: Identity | null): void {
    const { sessions, identityCounts } = this.#context;
    sessions.claim(this);
    try {
      if (identity !== null) identityCounts.take(identity.id);
      this.#isClaimed = true;
    } catch (thrown) {
      sessions.release(this);
      throw thrown;
    }
  }

  #release(identity: Identity | null): void {
    this.#isClaimed = false;
    this.#context.sessions.release(this);
    if (identity !== null) this.#context.identityCounts.give(identity.id);
  }

  #tell(step: LinkNews['step'], who: Identity | null, reason: MillraceError | null): void {
    const { transport } = this.link;
    this.#context.onLink({ step, transport, identityId: who?.id ?? null, reason });
  }

  #watchExpiry(identity: Identity | null): void {
    this.#stopExpiry?.();
    this.#stopExpiry = watchExpiry(identity, this.#context.timers, () => this.close(expired()));
  }

  async #publish(
    identity: Identity | null,
    id: number,
    items: readonly PublishItem[],
  ): Promise<void> {
    const { clientPublish, onError, onRefused } = this.#context;
    try {
      const results = await clientPublish.publish({ identity, origin: this.session, items });
      this.#queue.tell(controlFrame({ type: 'published', id, results }));
    } catch (thrown) {
      const error = toMillraceError(thrown);
      if (error.code === 'server/internal') onError(error);
      onRefused(error);
      this.#queue.tell(controlFrame({ type: 'error', id, error }));
    }
  }

  #asker(): Peer {
    return this.#peer ?? { address: this.#address, headers: {}, url: '' };
  }

  #live(holdMs?: number): LinkPresence {
    this.#presence ??= new LinkPresence(
      {
        queue: this.#queue,
        transport: this.link.transport,
        address: this.#address,
        as: presentAs(this.session, this.identityId, this.number),
        isUnheldPoll: this.link.transport === 'poll' && holdMs === 0,
        identity: () => this.identity,
        livened: () => this.settled(),
      },
      this.#context.live,
    );
    return this.#presence;
  }

  /** A newer token of the same user: only the expiry moves. Anything else ends the link. */
  async #refresh(identity: Identity | null, token: string): Promise<void> {
    this.#refreshes += 1;
    const mine = this.#refreshes;
    try {
      const fresh = await this.#context.gate.identify(this.#asker(), token);
      // A later token may have been answered first.
      if (this.#state.at !== 'open' || mine !== this.#refreshes) return;
      if (fresh?.id !== identity?.id || fresh === null) {
        this.close(
          new MillraceError('auth/invalid', 'That token is of another user. Connect again.'),
        );
        return;
      }
      this.#state = { at: 'open', identity: fresh };
      this.#watchExpiry(fresh);
    } catch (thrown) {
      this.close(toMillraceError(thrown));
    }
  }
}

function malformed(what: string): MillraceError {
  return new MillraceError('protocol/malformed', `This frame does not belong here: ${what}.`);
}
