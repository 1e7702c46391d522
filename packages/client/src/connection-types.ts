// The words of the connection machine: its states, events and effects. Rule: CLI-1.

import type { MillraceError } from '@millrace/protocol';
import type { Carrier } from './transports/transport.ts';

/** The carrier that won last time on this origin, and what it needed until its `hello`. */
export interface Remembered {
  readonly carrier: Carrier;
  readonly usualMs: number;
  /** When it won, ms since 1970. */
  readonly at: number;
}

/** Carriers not to be tried before a time (ms since 1970), because they let a link down. */
export type Avoided = Readonly<Partial<Record<Carrier, number>>>;

/** A link that there should be. Numbers rise in a session: the server keeps the highest. */
export interface LinkRef {
  readonly number: number;
  readonly carrier: Carrier;
  /** When it was begun, ms since 1970. */
  readonly begunAt: number;
}

/** The time without an open link, from its beginning to its end. */
export interface Outage {
  readonly since: number;
  /** Whether it lasts longer than people wait without a word. */
  readonly isSlow: boolean;
  /** Why the last link or attempt ended; null before the first. */
  readonly error: MillraceError | null;
}

interface Open {
  readonly name: 'open';
  readonly link: LinkRef;
  /** When the connection opened; a migration doesn't change it. */
  readonly since: number;
  /** When this link's `hello` came. */
  readonly helloAt: number;
  /** When to open the next link on the same carrier (channels or token changed, `goaway`); null: no need. */
  readonly renewAt: number | null;
  /** When to look for a better carrier; null on the best one. */
  readonly upgradeAt: number | null;
}

export type ConnectionState =
  | { readonly name: 'idle' }
  | {
      readonly name: 'racing';
      readonly outage: Outage;
      readonly tries: readonly [LinkRef, ...LinkRef[]];
      /** Carriers that this race has not tried yet. */
      readonly rungs: readonly Carrier[];
      readonly nextRungAt: number;
    }
  | { readonly name: 'waiting'; readonly outage: Outage; readonly retryAt: number }
  | Open
  | {
      readonly name: 'migrating';
      /** What stands until the next link's `hello`, and again if it fails. */
      readonly from: Open;
      readonly next: LinkRef;
      readonly cause: 'upgrade' | 'renew';
      readonly rungs: readonly Carrier[];
      /** When the server closed the old link for the new one, whose `hello` is still on its way; null: not yet. */
      readonly goneAt: number | null;
    }
  | { readonly name: 'closed'; readonly error: MillraceError | null; readonly isFinal: boolean };

export type In<Name extends ConnectionState['name']> = Extract<
  ConnectionState,
  { readonly name: Name }
>;

/** Why a better carrier is not used: a proxy holds it back, or other tabs hold all its streams. Else it is blocked. */
export type Setback = 'buffered' | 'crowded';

/** What outlives each state. */
export interface Memory {
  readonly lastLink: number;
  readonly lastCarrier: Carrier | null;
  /** Failed attempts since the last stable link. */
  readonly attempt: number;
  /** Tries of better carriers since the network was new. */
  readonly upgrades: number;
  readonly remembered: Remembered | null;
  readonly avoided: Avoided;
  readonly setback: Setback | null;
  readonly isOnline: boolean;
  /** Since when nobody sees the page; null while somebody may. */
  readonly hiddenAt: number | null;
}

export interface Connection {
  readonly memory: Memory;
  readonly state: ConnectionState;
}

export interface ConnectionConfig {
  /** Best first. */
  readonly carriers: readonly [Carrier, ...Carrier[]];
  /** Whether a token that was refused can be replaced. */
  readonly canReauthenticate: boolean;
}

export type TimerName = 'rung' | 'retry' | 'slow' | 'upgrade' | 'renew';

/** What a step may not find out by itself. */
export interface Moment {
  readonly now: number;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly jitter: number;
  /** The page's own measured round trip, if there is one. */
  readonly roundTripMs: number | null;
}

/** All that a step knows besides state and event. */
export interface Context extends Moment, ConnectionConfig {
  readonly memory: Memory;
}

export type ConnectionEvent =
  | { readonly type: 'start' | 'stop' | 'renew' | 'online' | 'offline' | 'hidden' }
  /** A person pressed the button / sees the page again, or it was asleep. */
  | { readonly type: 'retry' | 'wake' }
  | { readonly type: 'due'; readonly timer: TimerName }
  | { readonly type: 'hello'; readonly link: number; readonly tookMs: number }
  | { readonly type: 'failed'; readonly link: number; readonly error: MillraceError }
  | {
      readonly type: 'goaway';
      readonly link: number;
      readonly afterMs: number;
      readonly spreadMs: number;
    };

export type ConnectionEffect =
  | { readonly type: 'remember'; readonly remembered: Remembered }
  | { readonly type: 'forget-token' }
  | { readonly type: 'probe'; readonly link: number };

export interface Step {
  readonly connection: Connection;
  readonly effects: readonly ConnectionEffect[];
}
