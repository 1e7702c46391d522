// One session in one channel, as its node tells it to the others, and hashes of sets of texts. Pure.
//
// A hash of a set is the sum of its members' hashes, in two lanes of 32 bits: adding and taking away cost one member,
// and the order does not matter. It finds what was lost by accident; it proves nothing against somebody who wants
// two sets to look alike, who would gain no more than an alarm that comes a lost message later.

import { isJsonObject } from '@millrace/protocol/wire';

export interface Entry {
  /** The node that holds the session's link. */
  readonly node: string;
  /** The session's public id. */
  readonly key: string;
  /** The member that it belongs to. */
  readonly user: string;
  /** Number of its link in the session: of two nodes that hold it, the one with the higher has it now. */
  readonly link: number;
  /** When the session came, ms since 1970, by its node's clock. */
  readonly at: number;
  /** Since when its member is present without a pause. */
  readonly since: number;
  /** When its data was set. */
  readonly stamp: number;
  /** JSON text. */
  readonly data: string;
}

/** What begins a guest's member id; an identity's id that begins so too is told apart by `USER`. */
const GUEST = 'guest:';
const USER = 'user:';

export function memberId(identityId: string | null, key: string): string {
  if (identityId === null) return GUEST + key;
  return identityId.startsWith(GUEST) || identityId.startsWith(USER)
    ? USER + identityId
    : identityId;
}

export function isGuest(user: string): boolean {
  return user.startsWith(GUEST);
}

/** What the others are told, and the hash is made of. The node stands beside it. */
export function encodeEntry({ key, user, link, at, since, stamp, data }: Entry): string {
  return JSON.stringify([key, user, link, at, since, stamp, data]);
}

/** Null for what is none: of a node of another version, or not of ours. */
export function decodeEntry(value: unknown, node: string): Entry | null {
  const [key, user, link, at, since, stamp, data] = asList(value);
  return typeof key === 'string' &&
    typeof user === 'string' &&
    typeof data === 'string' &&
    typeof link === 'number' &&
    typeof at === 'number' &&
    typeof since === 'number' &&
    typeof stamp === 'number'
    ? { node, key, user, link, at, since, stamp, data }
    : null;
}

/** Empty for what is none. */
export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function isSameEntry(one: Entry, other: Entry): boolean {
  return (
    one.user === other.user &&
    one.link === other.link &&
    one.at === other.at &&
    one.since === other.since &&
    one.stamp === other.stamp &&
    one.data === other.data
  );
}

/** The hash of a set that changes. */
export class SetHash {
  #low = 0;
  #high = 0;

  add(text: string): void {
    this.#move(text, 1);
  }

  remove(text: string): void {
    this.#move(text, -1);
  }

  clear(): void {
    this.#low = 0;
    this.#high = 0;
  }

  /** The same text for the same set. */
  toString(): string {
    return `${this.#low.toString(36)}.${this.#high.toString(36)}`;
  }

  #move(text: string, sign: 1 | -1): void {
    let low = 0x9e3779b9;
    let high = 0x85ebca6b;
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      low = Math.imul(low ^ code, 0x01000193);
      high = Math.imul((high << 5) | (high >>> 27), 0x2c1b3c6d) ^ code;
    }
    this.#low = (this.#low + sign * mix(low ^ (high >>> 15))) >>> 0;
    this.#high = (this.#high + sign * mix(high ^ (low >>> 13))) >>> 0;
  }
}

/** That of a set of nothing. */
export const EMPTY_HASH: string = new SetHash().toString();

export function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : null;
  } catch {
    // Whatever it is, it is nothing of ours.
    return null;
  }
}

function mix(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
