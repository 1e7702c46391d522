// Presence and ephemeral events of a hub, put together: what links and requests share of them. Owns no behaviour but
// who a session is to others, and the way of an ephemeral event into the bus. Rules: PRES-1, PRES-3, EPH-1 … EPH-3.

import { hash } from 'node:crypto';
import { type Limits, MillraceError, toMillraceError } from '@millrace/protocol';
import { type Beats, createBeats } from '../beats.ts';
import type { AnyContract, ContractSet, KnownChannel } from '../contract-set.ts';
import type { Gate, Refusal } from '../identity.ts';
import { createPublishRate, type PublishRate } from '../publish-rate.ts';
import type { Engine } from '../seams/engine.ts';
import type { Timers } from '../seams/timers.ts';
import { memberId } from './entry.ts';
import { createEphemeral, type Ephemeral, type EphemeralSender } from './ephemeral.ts';
import { createLingering, type Lingering } from './lingering.ts';
import { encodeEphemeralData } from './live-data.ts';
import { createPresence, type Presence, type PresentAs } from './presence.ts';

/** How long other nodes may take to answer before somebody is told who is there, ms. */
const SETTLE_MS = 200;

export interface PassingEvent {
  readonly type: string;
  readonly data: unknown;
}

export interface Live {
  readonly presence: Presence;
  readonly ephemeral: Ephemeral;
  readonly contracts: ContractSet;
  readonly gate: Gate;
  readonly limits: Limits;
  /** Of changes of presence, by link. */
  readonly rate: PublishRate;
  /** Who calls the roll of the links with somebody present. */
  readonly rolls: Pick<Beats, 'start' | 'stop'>;
  readonly lingering: Lingering;
  readonly onRefused: (error: MillraceError) => void;
  readonly onError: (error: MillraceError) => void;
  leaveAfterMs(contract: AnyContract): number;
  /** Null once the event is on its way, else why not. @param origin whose rate counts */
  send(channel: KnownChannel, from: EphemeralSender, event: PassingEvent, origin: string): Refusal;
  /** Never rejects. */
  close(): Promise<void>;
}

export interface LiveOptions {
  readonly engine: Pick<Engine, 'bus' | 'capabilities'>;
  readonly contracts: ContractSet;
  readonly gate: Gate;
  readonly limits: Limits;
  readonly timers: Timers;
  /** Where the contract does not say, ms. */
  readonly leaveAfterMs: number;
  /** ms of a clock that never goes back. Default: the process's. */
  readonly now?: () => number;
  readonly onRefused: (error: MillraceError) => void;
  readonly onError: (error: MillraceError) => void;
}

export function createLive(options: LiveOptions): Live {
  const { engine, contracts, gate, limits, timers, leaveAfterMs, onRefused, onError } = options;
  const { bus, capabilities } = engine;
  if (!(leaveAfterMs > 0)) {
    throw new MillraceError('settings/invalid', '`leaveAfterMs` must be a number above 0.');
  }
  const clock = options.now === undefined ? {} : { now: options.now };
  const presence = createPresence({
    bus,
    timers,
    limits,
    onError,
    ...clock,
    // Within one process the others have answered by the next tick.
    settleMs: capabilities.nodes === 'many' ? SETTLE_MS : 0,
  });
  const ephemeral = createEphemeral({
    bus,
    timers,
    maxEvents: limits.maxEphemeralPerFrame,
    onError,
  });
  const ephemeralRate = createPublishRate(limits.maxEphemeralPerSecond, timers);
  return {
    presence,
    ephemeral,
    contracts,
    gate,
    limits,
    rate: createPublishRate(limits.maxPresencePerSecond, timers),
    rolls: createBeats({ limits, timers, ...clock }),
    lingering: createLingering(limits.maxLinksPerAddress, timers),
    onRefused,
    onError,
    leaveAfterMs: (contract) => contract.leaveAfterMs ?? leaveAfterMs,
    send({ contract, info }, from, event, origin) {
      try {
        const data = encodeEphemeralData(contract, event, limits.maxEphemeralBytes);
        const refusal = ephemeralRate.refusal(origin, 1);
        if (refusal === null) ephemeral.send(info.name, from, event.type, data);
        return refusal;
      } catch (thrown) {
        return toMillraceError(thrown);
      }
    },
    async close() {
      ephemeral.close();
      await presence.close(leaveAfterMs);
    },
  };
}

/** Who a session is to others: the same on every node and link, and nothing of its secret in it. */
export function presentAs(session: string, identityId: string | null, link: number): PresentAs {
  const key = hash('sha256', session, 'base64url').slice(0, 16);
  return { key, user: memberId(identityId, key), link };
}
