// Frames of presence and of ephemeral events, in both directions, and their parsers. Apart from the other frames so that
// a page that uses neither loads none of it. Refuses to own: who may do what, and who is present (the server's part).
// Rules: PRES-1 … PRES-4, PRES-8, EPH-1.

import { type MillraceError, parseWireError } from './errors.ts';
import { malformed, optionalString, requiredList, requiredObject, requiredString } from './json.ts';
import type { JsonObject } from './json-object.ts';
import { parseName } from './publish-item.ts';

/** What a session wants of one channel, whole: a later item for the channel replaces it. */
export interface PresenceItem {
  readonly channel: string;
  /** Be told who is present. */
  readonly watch?: boolean;
  /** With `watch`: the hash of what is known already, of this server's or of another node's. */
  readonly have?: string;
  /** Be present, with this data; null for none. Left out: not present any more, from now on. */
  readonly data?: unknown;
  /** It was present by an earlier link, and has left: told until a link has opened with it. */
  readonly leave?: boolean;
  /** Be told of ephemeral events. */
  readonly ephemeral?: boolean;
}

/** One tab or device of a member. */
export interface PresentSession {
  /** Public, the same on every node and link; says nothing of the session's secret. */
  readonly id: string;
  /** When it came, ms since 1970. */
  readonly at: number;
  readonly data: unknown;
}

/** A user, or a guest's session, with the sessions it is present with: the one that entered or changed last stands last. */
export interface PresentMember {
  readonly id: string;
  /** Since when it is present without a pause, ms since 1970. */
  readonly since: number;
  readonly guest?: true;
  readonly sessions: readonly PresentSession[];
}

export interface EphemeralEvent {
  readonly type: string;
  readonly data: unknown;
  /** Whose it is; null for the server's own. */
  readonly from: { readonly id: string; readonly session: string } | null;
}

export type LiveFrame =
  /** Everybody who is present, page by page from 0; the last one has the hash of it all. */
  | {
      readonly type: 'presence';
      readonly channel: string;
      readonly page: number;
      readonly members: readonly PresentMember[];
      readonly hash?: string;
      /** How long a session that merely broke off stays, ms. */
      readonly leaveAfterMs: number;
    }
  /** What changed since `from`, in one frame or several: the first has `from`, the last has the new hash. */
  | {
      readonly type: 'presence';
      readonly channel: string;
      readonly from?: string;
      readonly hash?: string;
      /** Whole members that came or changed. */
      readonly present: readonly PresentMember[];
      /** Ids of those who left. */
      readonly gone: readonly string[];
    }
  | {
      readonly type: 'ephemeral';
      readonly channel: string;
      readonly events: readonly EphemeralEvent[];
    }
  /** What was asked of the channel is refused. */
  | {
      readonly type: 'presence' | 'ephemeral';
      readonly channel: string;
      readonly error: MillraceError;
    }
  /** Who the server takes this session for: the member's id, the session's public one. */
  | { readonly type: 'you'; readonly id: string; readonly session: string }
  /** Is anybody there? Answered with a `presence` frame, or with the next link. */
  | { readonly type: 'roll-call' };

/** @throws MillraceError `protocol/malformed`, `channel/invalid-name` */
export function parsePresenceItems(value: unknown): PresenceItem[] {
  return requiredList(value, 'presence').map((one) => {
    const item = requiredObject(one, 'each of `presence`');
    const have = optionalString(item['have'], 'have');
    return {
      channel: parseName(item['channel']),
      ...(isTrue(item['watch'], 'watch') ? { watch: true } : {}),
      ...(have === undefined ? {} : { have }),
      ...(item['data'] === undefined ? {} : { data: item['data'] }),
      ...(isTrue(item['leave'], 'leave') ? { leave: true } : {}),
      ...(isTrue(item['ephemeral'], 'ephemeral') ? { ephemeral: true } : {}),
    };
  });
}

/** One ephemeral event on its way to a channel. @throws MillraceError as `parsePresenceItems` */
export function parseEphemeralItem(value: JsonObject): {
  readonly channel: string;
  readonly event: { readonly type: string; readonly data: unknown };
} {
  const { type, data } = requiredObject(value['event'], 'event');
  return {
    channel: parseName(value['channel']),
    event: { type: requiredString(type, 'event.type'), data: data ?? null },
  };
}

/** The frame, or null for one of a type or shape that this build does not know. @throws MillraceError `protocol/malformed` */
export function parseLiveFrame(frame: JsonObject): LiveFrame | null {
  const { type } = frame;
  if (type === 'roll-call') return { type };
  if (type === 'you') {
    return {
      type,
      id: requiredString(frame['id'], 'id'),
      session: requiredString(frame['session'], 'session'),
    };
  }
  if (type !== 'presence' && type !== 'ephemeral') return null;
  const channel = requiredString(frame['channel'], 'channel');
  if (frame['error'] !== undefined) return { type, channel, error: parseWireError(frame['error']) };
  if (type === 'ephemeral') {
    return { type, channel, events: requiredList(frame['events'], 'events').map(parseEphemeral) };
  }
  const hash = optionalString(frame['hash'], 'hash');
  const end = hash === undefined ? {} : { hash };
  if (frame['page'] !== undefined) {
    const members = requiredList(frame['members'], 'members').map(parseMember);
    const leaveAfterMs = requiredNumber(frame['leaveAfterMs'], 'leaveAfterMs');
    return {
      type,
      channel,
      page: requiredNumber(frame['page'], 'page'),
      members,
      leaveAfterMs,
      ...end,
    };
  }
  const from = optionalString(frame['from'], 'from');
  return {
    type,
    channel,
    ...(from === undefined ? {} : { from }),
    present: requiredList(frame['present'], 'present').map(parseMember),
    gone: requiredList(frame['gone'], 'gone').map((id) => requiredString(id, 'gone')),
    ...end,
  };
}

function parseMember(value: unknown): PresentMember {
  const member = requiredObject(value, 'a member');
  return {
    id: requiredString(member['id'], 'id'),
    since: requiredNumber(member['since'], 'since'),
    ...(member['guest'] === true ? { guest: true } : {}),
    sessions: requiredList(member['sessions'], 'sessions').map((one) => {
      const session = requiredObject(one, 'a session');
      return {
        id: requiredString(session['id'], 'id'),
        at: requiredNumber(session['at'], 'at'),
        data: session['data'] ?? null,
      };
    }),
  };
}

function parseEphemeral(value: unknown): EphemeralEvent {
  const { type, data, from } = requiredObject(value, 'an event');
  const sender = from === null ? null : requiredObject(from, 'from');
  return {
    type: requiredString(type, 'type'),
    data: data ?? null,
    from: sender && {
      id: requiredString(sender['id'], 'from.id'),
      session: requiredString(sender['session'], 'from.session'),
    },
  };
}

function isTrue(value: unknown, name: string): boolean {
  if (value === undefined || typeof value === 'boolean') return value === true;
  throw malformed(`${name} is true or false`);
}

function requiredNumber(value: unknown, name: string): number {
  if (typeof value === 'number') return value;
  throw malformed(`${name} is a number`);
}
