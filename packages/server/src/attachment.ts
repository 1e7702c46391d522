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
import { createBeats } from './beats.ts';
import type { ClientPublish } from './client-publish.ts';
import { createExpiry } from './expiry.ts';
import type { Identity, LinkNews } from './hub-types.ts';
import { expired } from './identity.ts';
import type { LinkCounts } from './link-counts.ts';
import { createLinkQueue } from './link-queue.ts';
import { createLinkReaders, type LinkReaders, type ReadersContext } from './link-readers.ts';
import { controlFrame } from './outbound-frame.ts';
import type { Attachment, Link, OutboundFrame, Peer } from './seams/link.ts';
import type { Timers } from './seams/timers.ts';
import { replaced, type SessionLink, type Sessions } from './sessions.ts';

/** Frames that may arrive before `hello`. A client waits for that: more is no client of ours. */
const MAX_EARLY_FRAMES = 32;

export interface AttachmentContext extends ReadersContext {
  readonly timers: Timers;
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
  readonly onClosed: () => void;
}

type State =
  // `connect` is let go with this state: a link that idles for hours must not hold what it began with.
  | {
      readonly at: 'authenticating';
      readonly connect: ConnectFrame;
      readonly early: ClientFrame[];
    }
  | { readonly at: 'open'; readonly identity: Identity | null }
  | { readonly at: 'closed' };

export function createAttachment(
  { link, connect, peer, onClosed }: NewLink,
  context: AttachmentContext,
): OpenAttachment {
  const { limits, timers, gate, sessions } = context;
  const { session } = connect;
  let state: State = { at: 'authenticating', connect, early: [] };
  /** Tokens that came on this link. */
  let refreshes = 0;
  const ready = Promise.withResolvers<void>();
  /** Undone, in order, when the link ends. */
  const cleanups: (() => void)[] = [];
  const queue = createLinkQueue({ link, limits, timers, onRoom, onStuck: close });
  const readers: LinkReaders = createLinkReaders(
    {
      queue,
      identity: () => (state.at === 'open' ? state.identity : null),
      onSettled: ready.resolve,
    },
    context,
  );
  const beats = createBeats({ link, connect, limits, timers, send: sendBeat });
  const expiry = createExpiry(timers, () => close(expired()));
  cleanups.push(ready.resolve, readers.close, beats.stop, expiry.stop, queue.stop);

  cleanups.push(timers.after(limits.connectWithinMs, giveUpIdentifying));
  gate
    .identify(peer, connect.token)
    .then(open)
    .catch((thrown: unknown) => close(toMillraceError(thrown)));

  function giveUpIdentifying(): void {
    if (state.at !== 'authenticating') return;
    close(new MillraceError('server/overloaded', 'Signing in takes too long. Try again.'));
  }

  function open(identity: Identity | null): void {
    if (state.at !== 'authenticating') return;
    const { connect: asked, early } = state;
    claim(asked.link, identity);
    state = { at: 'open', identity };
    queue.tell(
      controlFrame({
        type: 'hello',
        protocol: PROTOCOL_VERSION,
        at: Date.now(),
        beatMs: beats.intervalMs,
        identity: identity?.id ?? null,
      }),
    );
    tell('opened', identity, null);
    beats.start();
    expiry.watch(identity);
    readers.subscribeFirst(asked.channels);
    for (const frame of early) received(frame);
  }

  /**
   * The places this link takes: as its session's one link, and in its identity's count. In this order, because the
   * session's earlier link gives its place back: who is at the limit must still be able to move.
   */
  function claim(number: number, identity: Identity | null): void {
    const place: SessionLink = {
      session,
      number,
      identityId: identity?.id ?? null,
      replace: () => close(replaced()),
    };
    sessions.claim(place);
    cleanups.push(() => sessions.release(place));
    if (identity !== null) cleanups.push(context.identityCounts.take(identity.id));
  }

  function tell(step: LinkNews['step'], who: Identity | null, reason: MillraceError | null): void {
    context.onLink({ step, transport: link.transport, identityId: who?.id ?? null, reason });
  }

  function onRoom(): void {
    readers.look();
  }

  function sendBeat(): void {
    if (!queue.isFull()) queue.tell(context.beatFrame());
  }

  function received(frame: ClientFrame): void {
    if (state.at === 'closed') return;
    if (state.at === 'authenticating') {
      state.early.push(frame);
      if (state.early.length > MAX_EARLY_FRAMES) close(malformed('wait for `hello`'));
      return;
    }
    switch (frame.type) {
      case 'connect':
        close(malformed('a link has one `connect`'));
        return;
      case 'subscribe':
        readers.subscribe(frame.channels);
        return;
      case 'unsubscribe':
        readers.unsubscribe(frame.channels);
        return;
      case 'publish':
        void publish(state.identity, frame.id, frame.events);
        return;
      case 'token':
        void refresh(state.identity, frame.token);
        return;
      case 'probe':
        queue.tell(context.beatFrame());
        return;
    }
  }

  async function publish(
    identity: Identity | null,
    id: number,
    items: readonly PublishItem[],
  ): Promise<void> {
    try {
      const results = await context.clientPublish.publish({ identity, origin: session, items });
      queue.tell(controlFrame({ type: 'published', id, results }));
    } catch (thrown) {
      const error = toMillraceError(thrown);
      if (error.code === 'server/internal') context.onError(error);
      context.onRefused(error);
      queue.tell(controlFrame({ type: 'error', id, error }));
    }
  }

  /** A newer token of the same user: only the expiry moves. Anything else ends the link. */
  async function refresh(identity: Identity | null, token: string): Promise<void> {
    refreshes += 1;
    const mine = refreshes;
    try {
      const fresh = await gate.identify(peer, token);
      // A later token may have been answered first.
      if (state.at !== 'open' || mine !== refreshes) return;
      if (fresh?.id !== identity?.id || fresh === null) {
        close(new MillraceError('auth/invalid', 'That token is of another user. Connect again.'));
        return;
      }
      state = { at: 'open', identity: fresh };
      expiry.watch(fresh);
    } catch (thrown) {
      close(toMillraceError(thrown));
    }
  }

  function close(reason: MillraceError | null): void {
    if (state.at === 'closed') return;
    const before = state;
    state = { at: 'closed' };
    if (before.at === 'open') tell('closed', before.identity, reason);
    for (const undo of cleanups) undo();
    if (reason !== null) context.onRefused(reason);
    link.close(reason);
  }

  return {
    link,
    ready: ready.promise,
    get subscriptions() {
      return readers.count;
    },
    received,
    failed: close,
    drained: queue.drained,
    closed() {
      close(null);
      onClosed();
    },
    goAway(afterMs, spreadMs) {
      if (state.at === 'open') queue.tell(controlFrame({ type: 'goaway', afterMs, spreadMs }));
    },
    close,
  };
}

function malformed(what: string): MillraceError {
  return new MillraceError('protocol/malformed', `This frame does not belong here: ${what}.`);
}
