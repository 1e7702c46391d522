// The presence of one channel as a page sees it: who is there, whether that is so right now, and this session among
// them. One for each client and channel, however many components use it. Refuses to own: links, and when they are told
// (live-session.ts). Rules: PRES-2, PRES-3, PRES-6, PRES-11.

import type { MillraceError, StandardSchema } from '@millrace/protocol';
import type { Client } from '../client-types.ts';
import { type ChannelFrame, type LiveSession, liveSessionOf } from './live-session.ts';
import type { DataOf, InputOf } from './live-types.ts';
import { createMembersFold, type MembersFold, type PresenceMember } from './members-fold.ts';
import { createThrottle } from './throttle.ts';

/** Changes of the data go out at most so often, ms: over a link that can send, and where each needs a new link. */
const UPDATE_EVERY_MS = { duplex: 100, renewed: 2_000 } as const;

/** The part of a channel that presence needs. */
export interface PresenceChannel<Schema extends StandardSchema> {
  readonly name: string;
  readonly contract: { readonly presence: Schema | undefined };
}

/**
 * `idle`: nobody here watches · `loading`: nothing is known yet · `live`: as the server sees it now · `stale`: as it was
 * before the link was lost · `refused`: `error` says why.
 */
export type PresenceStatus = 'idle' | 'loading' | 'live' | 'stale' | 'refused';

export interface PresenceView<Data> {
  readonly status: PresenceStatus;
  /** Those who are present longest first; the same list until something changes. */
  readonly members: readonly PresenceMember<Data>[];
  /** The member that this session belongs to; null while it is not present. */
  readonly me: PresenceMember<Data> | null;
  readonly error: MillraceError | null;
}

/** One reason to be present. The session leaves with its last one. */
export interface PresenceEntry<Input> {
  /** Replaces the session's data. At most ten times a second goes out (every 2 s over SSE and poll), always the newest. */
  update(data: Input): void;
  /** At once. Idempotent. */
  leave(): void;
}

export interface ChannelPresence<Input, Data> {
  /** Makes this session present, until it leaves or `client.close()`; the same across links and carriers. */
  enter(data: Input): PresenceEntry<Input>;
  /** Watches while somebody listens. Returns an unsubscribe that may be called twice. */
  subscribe(listener: () => void): () => void;
  /** The same object until something changes. */
  getSnapshot(): PresenceView<Data>;
}

/** What refuses the channel as a whole, and not the data alone. */
const OF_THE_CHANNEL = /^(auth|channel)\/|^limit\/channels$/;

type ErasedPresence = ChannelPresence<unknown, unknown>;

const IDLE: PresenceView<never> = { status: 'idle', members: [], me: null, error: null };

const made = new WeakMap<Client, Map<string, ErasedPresence>>();

/**
 * Who is present in a channel, and to be present in it oneself.
 *
 * ```ts
 * const presence = presenceOf(client, room.of({ id: '7' }));
 * const entry = presence.enter({ name: 'Ada' });
 * const stop = presence.subscribe(() => show(presence.getSnapshot().members));
 * ```
 * The data is checked by the server, against the contract's `presence` and the limit `maxPresenceBytes`; what it refuses
 * stands in `error`, and the data before it holds.
 */
export function presenceOf<Schema extends StandardSchema>(
  client: Client,
  channel: PresenceChannel<Schema>,
): ChannelPresence<InputOf<Schema>, DataOf<Schema>> {
  const byName = made.get(client) ?? new Map<string, ErasedPresence>();
  made.set(client, byName);
  const presence = byName.get(channel.name) ?? createChannelPresence(client, channel.name);
  byName.set(channel.name, presence);
  return typed(presence);
}

/** A channel's name names its contract, and so its data's type, which the compiler cannot know. */
function typed<Input, Data>(presence: ErasedPresence): ChannelPresence<Input, Data> {
  return presence as ChannelPresence<Input, Data>;
}

function createChannelPresence(client: Client, name: string): ErasedPresence {
  const session: LiveSession = liveSessionOf(client);
  const { host } = session;
  const { now, setTimer } = host.request.host;
  const listeners = new Set<() => void>();
  /** Those who want to be present, the one whose data counts last. */
  const entries = new Set<object>();
  let fold: MembersFold = createMembersFold();
  let view: PresenceView<unknown> = IDLE;
  /** What changed since `view` was made; null while nothing has. */
  let isOld: { hasMoved: boolean } | null = null;
  let error: MillraceError | null = null;
  let stop: (() => void) | null = null;
  let cancelExpiry = (): void => undefined;

  // A place lives as long as it is wanted: it is looked up, never kept.
  const place = () => session.place(name);

  const updates = createThrottle<unknown>({
    now,
    setTimer,
    everyMs: () =>
      host.link()?.isDuplex === false ? UPDATE_EVERY_MS.renewed : UPDATE_EVERY_MS.duplex,
    pass: wantData,
  });

  function statusNow(): PresenceStatus {
    if (stop === null) return 'idle';
    if (!fold.isKnown()) return error === null ? 'loading' : 'refused';
    return client.status.getSnapshot().status === 'open' ? 'live' : 'stale';
  }

  function meNow(): PresenceMember<unknown> | null {
    const you = session.you();
    return you === null ? null : fold.find(you.id);
  }

  /** Made when somebody looks: ten changes between two frames of a page sort one list. */
  function viewNow(): PresenceView<unknown> {
    if (isOld === null) return view;
    const members = isOld.hasMoved ? fold.list() : view.members;
    isOld = null;
    view = { status: statusNow(), members, me: meNow(), error };
    return view;
  }

  /** @param hasMoved members changed: else the list stays the one it was */
  function show(hasMoved: boolean): void {
    const isSame = statusNow() === view.status && meNow() === view.me && error === view.error;
    if (!hasMoved && isSame) return;
    isOld = { hasMoved: hasMoved || isOld?.hasMoved === true };
    for (const listener of [...listeners]) if (listeners.has(listener)) host.call(listener);
  }

  function read(frame: ChannelFrame): void {
    if (frame.type !== 'presence') return;
    if ('error' in frame) {
      ({ error } = frame);
      const isWhole = OF_THE_CHANNEL.test(error.code);
      if (isWhole) fold = createMembersFold();
      show(isWhole);
      return;
    }
    if (!fold.isKnown()) error = null;
    const hasMoved = fold.take(frame, now());
    show(expire() || hasMoved);
  }

  /** Whether anybody left who did not come back. */
  function expire(): boolean {
    cancelExpiry();
    const { hasLeft, next } = fold.expire(now());
    if (next !== null) cancelExpiry = setTimer(() => show(expire()), Math.max(0, next - now()));
    return hasLeft;
  }

  function wantData(data: unknown): void {
    error = null;
    place().want({ data });
    show(false);
  }

  function watch(): () => void {
    const own = place();
    own.have = () => fold.hash();
    const unlisten = own.listen(read);
    const unwatch = client.status.subscribe(() => show(false));
    own.want({ watch: true });
    return () => {
      unlisten();
      unwatch();
      cancelExpiry();
      place().want({ watch: false });
      // What is not watched grows old: the next one begins anew.
      fold = createMembersFold();
      error = null;
    };
  }

  return {
    enter(data) {
      const entry = {};
      entries.add(entry);
      updates.cancel();
      wantData(data ?? null);
      return {
        update(next) {
          if (entries.has(entry)) updates.push(next ?? null);
        },
        leave() {
          if (!entries.delete(entry) || entries.size > 0) return;
          updates.cancel();
          wantData(undefined);
        },
      };
    },
    subscribe(listener) {
      // A function of its own: the same listener may subscribe twice.
      const own = (): void => listener();
      listeners.add(own);
      if (stop === null) {
        stop = watch();
        // Nobody is told: whoever subscribes looks anyway.
        isOld = { hasMoved: true };
      }
      return () => {
        listeners.delete(own);
        if (listeners.size > 0 || stop === null) return;
        stop();
        stop = null;
        isOld = null;
        view = IDLE;
      };
    },
    getSnapshot: viewNow,
  };
}
