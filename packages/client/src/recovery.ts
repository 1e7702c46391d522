// What follows a link that opened, failed or was lost: the answer to each error, in one place.
// Rules: CLI-3, CLI-4, CLI-6, CLI-9, CLI-10, CLI-11.

import type { ErrorPolicy, MillraceError } from '@millrace/protocol';
import { backoffMs, STABLE_MS } from './backoff.ts';
import type {
  ConnectionConfig,
  ConnectionEffect,
  ConnectionState,
  In,
  LinkRef,
  Memory,
  Moment,
  Outage,
  Step,
} from './connection-types.ts';
import { type Avoided, isAvoided, planRace } from './race.ts';
import type { Carrier } from './transports/transport.ts';
import { describeDowngrade, upgradeDelayMs } from './upgrade.ts';

export interface Context {
  readonly memory: Memory;
  readonly moment: Moment;
  readonly config: ConnectionConfig;
}

/** A link that ends sooner after its `hello` was let through for show: its carrier is left aside for a while. */
const SHORT_LIFE_MS = 2_000;
const AVOID_SHORT_MS = 30_000;
const AVOID_BUFFERED_MS = 10 * 60_000;

/** Codes that the client itself gives a link; every other one is the server's word. */
const OWN_CODES: readonly string[] = [
  'link/refused',
  'link/lost',
  'link/no-beat',
  'link/buffered',
  // By our own newer link: in a race the lower of two may be let in last.
  'link/replaced',
];

export function to(
  memory: Memory,
  state: ConnectionState,
  effects: readonly ConnectionEffect[] = [],
): Step {
  return { connection: { memory, state }, effects };
}

export function stay({ memory }: Context, state: ConnectionState): Step {
  return to(memory, state);
}

export function isAnswer({ code }: MillraceError): boolean {
  return !OWN_CODES.includes(code);
}

export function policyOf({ code, policy }: MillraceError): ErrorPolicy {
  // Only our own next link replaces a link: a session has one client.
  return code === 'link/replaced' ? 'retry' : policy;
}

/** An attempt at once; while the page is offline, as soon as it no longer is. */
export function connectNow({ memory, moment, config }: Context, outage: Outage): Step {
  const { since, isSlow, error } = outage;
  if (!memory.isOnline) {
    return to(memory, { name: 'waiting', since, isSlow, error, retryAt: moment.now });
  }
  const plan = planRace({ ...memory, ...moment, ...config });
  const begun = beginLink(memory, plan.first, moment.now);
  return to(begun.memory, {
    name: 'racing',
    since,
    isSlow,
    error,
    tries: [begun.link],
    rungs: plan.rungs,
    nextRungAt: moment.now + plan.delayMs,
  });
}

export function beginLink(
  memory: Memory,
  carrier: Carrier,
  now: number,
): { readonly memory: Memory; readonly link: LinkRef } {
  const number = memory.lastLink + 1;
  return {
    memory: { ...memory, lastLink: number, lastCarrier: carrier },
    link: { number, carrier, begunAt: now },
  };
}

export interface Opened {
  readonly link: LinkRef;
  /** From its beginning to its `hello`. */
  readonly tookMs: number;
  readonly since: number;
}

export function openWith({ memory, moment, config }: Context, opened: Opened): Step {
  const { link, tookMs, since } = opened;
  const { now } = moment;
  const before = memory.remembered?.carrier === link.carrier ? memory.remembered.usualMs : tookMs;
  const remembered = { carrier: link.carrier, usualMs: (before + tookMs) / 2, at: now };
  const isBest = link.carrier === config.carriers[0];
  const isBuffered = memory.isBuffered && !isBest;
  return to(
    { ...memory, remembered, isBuffered },
    {
      name: 'open',
      link,
      since,
      helloAt: now,
      notice: describeDowngrade(config.carriers, link.carrier, isBuffered),
      renewAt: null,
      upgradeAt: isBest ? null : now + upgradeDelayMs(memory.upgrades),
    },
    [{ type: 'remember', remembered }],
  );
}

/** The open link ended. Some ends say at once how to go on; the rest is `settle`'s. */
export function loseLink(context: Context, state: In<'open'>, error: MillraceError): Step {
  const { moment, config } = context;
  const { link, helloAt, renewAt } = state;
  const livedMs = moment.now - helloAt;
  const isStable = livedMs >= STABLE_MS;
  const memory: Memory = isStable
    ? {
        ...context.memory,
        attempt: 0,
        upgrades: link.carrier === config.carriers[0] ? 0 : context.memory.upgrades,
      }
    : context.memory;
  const outage = { since: moment.now, isSlow: false, error };
  const now = { ...context, memory };
  if (error.code === 'link/buffered') {
    return connectNow({ ...now, memory: avoidBuffered(memory, link.carrier, moment.now) }, outage);
  }
  if (error.details?.['isProbe'] === true) return connectNow(now, outage);
  if (
    error.code === 'link/replaced' &&
    memory.lastCarrier !== null &&
    memory.lastLink > link.number
  ) {
    // A later try of the same race had reached the server when this one's `hello` came out, late: often only
    // because the server, by closing it, made a proxy let go. The later one's carrier is the quick one.
    const remembered = { carrier: memory.lastCarrier, usualMs: 0, at: moment.now };
    const next = avoid(memory, link.carrier, moment.now + AVOID_SHORT_MS);
    return connectNow({ ...now, memory: { ...next, remembered } }, outage);
  }
  // One that had been left aside already was the last resort: from there only the backoff leads on.
  const isLastResort = isAvoided(memory.avoided, link.carrier, moment.now);
  if (!isAnswer(error) && livedMs < SHORT_LIFE_MS && !isLastResort) {
    const avoiding = avoid(memory, link.carrier, moment.now + AVOID_SHORT_MS);
    // Each time it is tried again later, or the session would go to and fro for ever.
    const next = { ...avoiding, upgrades: memory.upgrades + 1 };
    const others = config.carriers.filter(
      (carrier) => !isAvoided(next.avoided, carrier, moment.now),
    );
    if (others.length > 0) return connectNow({ ...now, memory: next }, outage);
  }
  if (renewAt !== null && renewAt > moment.now && policyOf(error) !== 'stop') {
    return to(memory, { ...outage, name: 'waiting', retryAt: renewAt });
  }
  return settle(now, outage, error);
}

/** The attempt or link is over: what the error's policy says comes next. */
export function settle(
  { memory, moment, config }: Context,
  outage: Outage,
  error: MillraceError,
): Step {
  const policy = policyOf(error);
  // `auth/required` means that there is no token: asking for one again would not make any.
  const canRetry = config.canReauthenticate && error.code !== 'auth/required';
  if (policy === 'stop' || (policy === 'reauthenticate' && !canRetry)) {
    return to(memory, { name: 'closed', error, isFinal: true });
  }
  const { since, isSlow } = outage;
  const retryAt = moment.now + backoffMs(memory.attempt, moment.jitter, error);
  return to(
    { ...memory, attempt: memory.attempt + 1 },
    { name: 'waiting', since, isSlow, error, retryAt },
    policy === 'reauthenticate' ? [{ type: 'forget-token' }] : [],
  );
}

/**
 * Every carrier failed: the server or the network was gone, so a link that ended soon just before tells nothing
 * of its carrier, and what was found out about better ones is void.
 */
export function failRace(context: Context, outage: Outage, error: MillraceError): Step {
  const { memory, moment } = context;
  const held = Object.entries(memory.avoided).filter(
    ([, until]) => until - moment.now > AVOID_SHORT_MS,
  );
  const avoided: Avoided = Object.fromEntries(held);
  return settle({ ...context, memory: { ...memory, avoided, upgrades: 0 } }, outage, error);
}

/** A proxy holds it back: for long, and people are told. */
export function avoidBuffered(memory: Memory, carrier: Carrier, now: number): Memory {
  return { ...avoid(memory, carrier, now + AVOID_BUFFERED_MS), isBuffered: true };
}

function avoid(memory: Memory, carrier: Carrier, until: number): Memory {
  return { ...memory, avoided: { ...memory.avoided, [carrier]: until } };
}
