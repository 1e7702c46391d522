// What a client's session wants of channels besides their events, told to each of its links: in `connect`, in a frame
// where the link can send, else by the next link. Hands out what comes back. Owns no meaning of it: presence and
// ephemeral events are its parts. One for each client. Rules: PRES-1, PRES-3, PRES-4, PRES-6, EPH-1.

import type { MillraceError } from '@millrace/protocol';
import {
  encodeClientFrame,
  type JsonObject,
  type LiveFrame,
  PROTOCOL_VERSION,
  type PresenceItem,
  parseLiveFrame,
} from '@millrace/protocol/wire';
import type { Client } from '../client-types.ts';
import type { Extension, ExtensionHost } from '../extension.ts';
import type { Link } from '../link.ts';
import { post } from '../transports/http.ts';

/** What is wanted of one channel. */
export interface Wish {
  readonly watch: boolean;
  /** The data to be present with; undefined: not to be present. */
  readonly data: unknown;
  readonly ephemeral: boolean;
}

/** Who the server takes this session for. */
export interface You {
  readonly id: string;
  readonly session: string;
}

export type ChannelFrame = Extract<LiveFrame, { readonly channel: string }>;

/** One channel's place in the session. */
export interface LivePlace {
  want(part: Partial<Wish>): void;
  /** The hash of what is known of its members; asked for whenever it is told to a link. */
  have: () => string | undefined;
  /** Returns the function that ends it. */
  listen(listener: (frame: ChannelFrame) => void): () => void;
}

export interface LiveSession {
  readonly host: ExtensionHost;
  /** Null before the first link that wanted something. */
  you(): You | null;
  place(channel: string): LivePlace;
}

interface Place extends LivePlace {
  readonly listeners: Set<(frame: ChannelFrame) => void>;
  wish: Wish;
  /** Another one with each wish: what a link was told is compared by it. */
  version: number;
  /** It was present, and no open link has told the server that it has left. */
  mustLeave: boolean;
  /** The link that refused it presence, or ephemeral events; it is not asked again for those. */
  refusedOn: { readonly presence: number; readonly ephemeral: number };
}

const NOTHING: Wish = { watch: false, data: undefined, ephemeral: false };
const NOT_REFUSED = { presence: 0, ephemeral: 0 };
const FAREWELL_MS = 5_000;

const sessions = new WeakMap<Client, LiveSession>();

export function liveSessionOf(client: Client): LiveSession {
  const session = sessions.get(client) ?? createLiveSession(client);
  sessions.set(client, session);
  return session;
}

function createLiveSession(client: Client): LiveSession {
  const places = new Map<string, Place>();
  /** By link: the version of each channel's wish that it was told. */
  const told = new Map<number, Map<string, number>>();
  let you: You | null = null;
  let lastVersion = 0;
  let newestLink = 0;
  let isSyncPlanned = false;

  const extension: Extension = {
    connect(link) {
      newestLink = Math.max(newestLink, link);
      // A poll that asks again has had its answer.
      settleTold(link);
      const items = [...places].flatMap(([channel, place]) => itemOf(channel, place, link) ?? []);
      told.set(link, new Map([...places].map(([channel, { version }]) => [channel, version])));
      return items.length === 0 ? {} : { presence: items };
    },
    frame: readFrame,
    opened() {
      const open = host.link()?.ref.number ?? 0;
      for (const number of told.keys()) if (number < open) told.delete(number);
      settleTold(open);
      planSync();
    },
    closing() {
      const present = [...places].filter(
        ([, { wish, mustLeave }]) => wish.data !== undefined || mustLeave,
      );
      // A link that is still on its way may have made it present.
      if (newestLink === 0 || present.length === 0) return;
      const link = host.link();
      const channels = present.map(([channel]): PresenceItem => ({ channel, leave: true }));
      // The next link may have taken its place already.
      const isNewest = link?.ref.number === newestLink;
      if (link?.isDuplex === true && isNewest) link.send({ type: 'presence', channels });
      else sayFarewell(channels).catch(ignore);
    },
  };
  const host = client.extend(extension);

  function readFrame(raw: JsonObject): void {
    const frame = parseLiveFrame(raw);
    const link = host.link();
    if (frame === null || link === null) return;
    if (frame.type === 'you') you = { id: frame.id, session: frame.session };
    else if (frame.type === 'roll-call') answerRoll(link);
    else readChannelFrame(frame, link.ref.number);
  }

  function readChannelFrame(frame: ChannelFrame, link: number): void {
    const place = places.get(frame.channel);
    if (place === undefined) return;
    if ('error' in frame) refused(place, frame.type, frame.error, link);
    for (const listener of [...place.listeners]) listener(frame);
  }

  function refused(
    place: Place,
    type: ChannelFrame['type'],
    error: MillraceError,
    link: number,
  ): void {
    place.refusedOn = { ...place.refusedOn, [type]: link };
    const retryAfterMs = error.details?.['retryAfterMs'];
    if (typeof retryAfterMs !== 'number') return;
    host.request.host.setTimer(() => {
      place.refusedOn = NOT_REFUSED;
      place.version = nextVersion();
      planSync();
    }, retryAfterMs);
  }

  /** Only what arrives is answered, never a timer: those of a hidden page come once a minute. */
  function answerRoll(link: Link): void {
    if (link.isDuplex) link.send({ type: 'presence', channels: [] });
    else host.feed({ type: 'renew' });
  }

  function isTold(channel: string, { version }: Place, link: number): boolean {
    return told.get(link)?.get(channel) === version;
  }

  /** Those of which the server knows all that is wanted. */
  function settleTold(link: number): void {
    for (const [channel, place] of places) {
      if (isTold(channel, place, link)) settle(channel, place);
    }
  }

  function settle(channel: string, place: Place): void {
    place.mustLeave = false;
    if (isNothing(place.wish) && place.listeners.size === 0) places.delete(channel);
  }

  /** Once for all that changes now: who leaves and enters in one go stays. */
  function planSync(): void {
    if (isSyncPlanned) return;
    isSyncPlanned = true;
    queueMicrotask(() => {
      isSyncPlanned = false;
      sync();
    });
  }

  function sync(): void {
    const link = host.link();
    if (link === null) return;
    const { number } = link.ref;
    const changed = [...places].filter(([channel, place]) => !isTold(channel, place, number));
    if (changed.length === 0) return;
    if (!link.isDuplex) {
      host.feed({ type: 'renew' });
      return;
    }
    const channels = changed.map(
      ([channel, place]) => itemOf(channel, place, number) ?? { channel },
    );
    link.send({ type: 'presence', channels });
    for (const [channel, place] of changed) {
      told.get(number)?.set(channel, place.version);
      settle(channel, place);
    }
  }

  /** A poll that is answered at once, and takes the link's place: any node may get it. */
  async function sayFarewell(presence: readonly PresenceItem[]): Promise<void> {
    const { request, session, tokens } = host;
    const token = await tokens.get();
    const controller = new AbortController();
    request.host.setTimer(() => controller.abort(), FAREWELL_MS);
    const body = encodeClientFrame({
      type: 'connect',
      protocol: PROTOCOL_VERSION,
      session,
      link: newestLink,
      holdMs: 0,
      ...(token === null ? {} : { token }),
      channels: [],
      presence,
    });
    const say = (): Promise<unknown> => post(request, 'poll', { body, signal: controller.signal });
    // The first may go out on a pooled connection that is dead.
    await say().catch(say);
  }

  function nextVersion(): number {
    lastVersion += 1;
    return lastVersion;
  }

  function createPlace(): Place {
    const place: Place = {
      listeners: new Set(),
      wish: NOTHING,
      version: nextVersion(),
      mustLeave: false,
      refusedOn: NOT_REFUSED,
      have: () => undefined,
      want(part) {
        const before = place.wish;
        place.wish = { ...before, ...part };
        place.mustLeave =
          place.wish.data === undefined && (place.mustLeave || before.data !== undefined);
        place.version = nextVersion();
        // What was refused may be allowed by now: whoever wants it anew is asked for again.
        place.refusedOn = NOT_REFUSED;
        // The first wish opens the connection, as a subscription does.
        const isIdle = client.status.getSnapshot().status === 'idle';
        if (isIdle && !isNothing(place.wish)) client.connect();
        planSync();
      },
      listen(listener) {
        place.listeners.add(listener);
        return () => void place.listeners.delete(listener);
      },
    };
    return place;
  }

  return {
    host,
    you: () => you,
    place(channel) {
      const place = places.get(channel) ?? createPlace();
      places.set(channel, place);
      return place;
    },
  };
}

/** Null where nothing is to be told. */
function itemOf(channel: string, place: Place, link: number): PresenceItem | null {
  const { wish, mustLeave, refusedOn } = place;
  const isAsked = refusedOn.presence !== link;
  const have = wish.watch && isAsked ? place.have() : undefined;
  const item: PresenceItem = {
    channel,
    ...(wish.watch && isAsked ? { watch: true } : {}),
    ...(have === undefined ? {} : { have }),
    ...(wish.data !== undefined && isAsked ? { data: wish.data } : {}),
    ...(mustLeave ? { leave: true } : {}),
    ...(wish.ephemeral && refusedOn.ephemeral !== link ? { ephemeral: true } : {}),
  };
  return Object.keys(item).length > 1 ? item : null;
}

function isNothing({ watch, data, ephemeral }: Wish): boolean {
  return !watch && data === undefined && !ephemeral;
}

/** What could not be told, the end of the link tells a little later. */
function ignore(): void {}
