// The JSON that Desk's HTTP endpoints answer with, as types for server and browser. Types only.
// Every refusal, whatever the endpoint: status of its code, and `ErrorAnswer`.

import type { WireError } from '@millrace/protocol';
import type { AgentMessage } from '@millrace/protocol/channels';
import type { EquitySeries } from './equity-series.ts';
import type { FillEvent, MarketTick } from './market-events.ts';

export interface ErrorAnswer {
  readonly error: WireError;
}

export interface User {
  readonly id: string;
  readonly name: string;
  readonly isAdmin: boolean;
}

/** `GET /api/me`. Without a session in development: the development identity, `isSignedIn` false. */
export interface MeAnswer {
  /** Null only where nobody is signed in and the development sign-in is off. */
  readonly user: User | null;
  readonly isSignedIn: boolean;
  /** Whether `POST /api/sign-in` with a bare name works here. */
  readonly canSignInByName: boolean;
}

/** `GET /api/users`: who can be picked at sign-in; 404 where the development sign-in is off. */
export interface UsersAnswer {
  readonly users: readonly User[];
}

/** `POST /api/sign-in`; the answer is a `MeAnswer` and sets the session cookie. */
export interface SignInRequest {
  /** 1 to 40 characters; an existing user of that name (whatever the case) is picked, else one is made. */
  readonly name: string;
}

/** `GET /api/token`: a short-lived token for the real-time link; null for the development identity. */
export interface TokenAnswer {
  readonly token: string | null;
  /** ISO 8601 UTC; null with the token. */
  readonly expiresAt: string | null;
}

export interface AgentInfo {
  readonly id: string;
  readonly name: string;
  /** `#RRGGBB`. */
  readonly color: string;
  /** Its strategy in one sentence. */
  readonly description: string;
  /** Dollars. */
  readonly startingCash: number;
}

export interface InstrumentInfo {
  readonly symbol: string;
  readonly name: string;
}

export interface PositionInfo {
  readonly agentId: string;
  readonly symbol: string;
  readonly quantity: number;
  /** Dollars per share. */
  readonly averageCost: number;
  readonly price: number;
  /** Quantity × price, and what of it is profit not yet realised. */
  readonly value: number;
  readonly profit: number;
}

/** `GET /api/market`: everything for the first paint. Channels go on from there. */
export interface MarketAnswer {
  readonly agents: readonly AgentInfo[];
  readonly instruments: readonly InstrumentInfo[];
  /** The newest tick; null before the first. */
  readonly tick: MarketTick | null;
  /** As the state of channel `agent_equity`. */
  readonly equity: EquitySeries;
  readonly positions: readonly PositionInfo[];
  /** The newest 50, oldest first. */
  readonly fills: readonly FillEvent[];
  /** Real milliseconds between ticks, and ticks in a trading day. */
  readonly tickMs: number;
  readonly ticksPerDay: number;
}

/** `POST /api/chat/generate`. */
export interface GenerateAnswer {
  readonly success: true;
  readonly messagesGenerated: number;
  readonly messages: readonly GeneratedMessage[];
  readonly timestamp: string;
}

export interface GeneratedMessage extends AgentMessage {
  /** Present and true where the agent's own phrasing was too slow or failed, and the built-in one wrote it. */
  readonly isFallback?: true;
}

/** `GET /api/chat/messages`. */
export interface MessagesAnswer {
  /** Oldest first. */
  readonly messages: readonly AgentMessage[];
  /** Give it back as `after`: what came since. Also the SSE id of that place. */
  readonly next: string;
  /** Whether more stands after `next` already. */
  readonly hasMore: boolean;
  /** Present where what came after `after` is not all kept any more; `messages` begin at the oldest kept. */
  readonly gap?: { readonly reason: 'trimmed' | 'restarted' | 'rolled-back' };
}
