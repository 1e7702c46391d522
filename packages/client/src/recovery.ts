// What follows a link that opened, failed or was lost: the answer to each error, in one place.
// Rules: CLI-3, CLI-4, CLI-6, CLI-9, CLI-10, CLI-11.

import type { ErrorPolicy, MillraceError } from '@millrace/protocol';
import { backoffMs, STABLE_MS } from './backoff.ts';
import type {
  ConnectionEffect,
  ConnectionState,
  Context,
  In,
  LinkRef,
  Memory,
  Outage,
  Step,
} from './connection-types.ts';
import { isAvoided, planRace, rungDelayMs } from './race.ts';
import type { Carrier } from './transports/transport.ts';
import { upgradeDelayMs } from './upgrade.ts';

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

export function to(memory: Memory, state: ConnectionState, ...effects: ConnectionEffect[]): Step {
  return { connection: { memory, state }, effects };
}

export function isAnswer({ code }: MillraceError): boolean {
  return !OWN_CODES.includes(code);
}

export function policyOf({ code, policy }: MillraceError): ErrorPolicy {
  // Only our own next link replaces a link: a session has one client.
  return code === 'link/replaced' ? 'retry' : policy;
}

export function newOutage(since: number, error: MillraceError | null = null): Outage {
  return { since, isSlow: false, error };
}

/** An attempt at once; while the page is offline, as soon as it no longer is. */
export function connectNow(context: Context, outage: Outage): Step {
  const { memory, now } = context;
  if (!memory.isOnline) return to(memory, { name: 'waiting', outage, retryAt: now });
  const { order, delayMs } = planRace(context);
  return tryNext(context, outage, order, [], delayMs);
}

/** The first of these carriers beside the tries that there are; the others are its race's rungs. */
export function tryNext(
  context: Context,
  outage: Outage,
  [carrier, ...rungs]: readonly [Carrier, ...Carrier[]],
  tries: readonly LinkRef[] = [],
  delayMs: number = rungDelayMs(context, carrier, rungs[0]),
): Step {
  const { memory, link } = beginLink(context, carrier);
  const nextRungAt = context.now + delayMs;
  return to(memory, { name: 'racing', outage, tries: [link, ...tries], rungs, nextRungAt });
}

export function beginLink(
  { memory, now }: Pick<Context, 'memory' | 'now'>,
  carrier: Carrier,
): { readonly memory: Memory; readonly link: LinkRef } {
  const number = memory.lastLink + 1;
  return {
    memory: { ...memory, lastLink: number, lastCarrier: carrier },
    link: { number, carrier, begunAt: now },
  };
}

/** @param tookMs from its beginning to its `hello` */
export function openWith(
  { memory, now, carriers }: Context,
  link: LinkRef,
  tookMs: number,
  since: number = now,
): Step {
  const { carrier } = link;
  const before = memory.remembered?.carrier === carrier ? memory.remembered.usualMs : tookMs;
  const remembered = { carrier, usualMs: (before + tookMs) / 2, at: now };
  const isBest = carrier === carriers[0];
  // A stream has found its place; a proxy in the way stays there.
  const isOver = isBest || (memory.setback === 'crowded' && carrier !== 'poll');
  const upgradeAt = isBest ? null : now + upgradeDelayMs(memory.upgrades);
  return to(
    { ...memory, remembered, setback: isOver ? null : memory.setback },
    { name: 'open', link, since, helloAt: now, renewAt: null, upgradeAt },
    { type: 'remember', remembered },
  );
}

/** The open link ended. Some ends say at once how to go on; the rest is `settle`'s. */
export function loseLink(before: Context, state: In<'open'>, error: MillraceError): Step {
  const { now, carriers } = before;
  const { link, helloAt, renewAt } = state;
  const { carrier } = link;
  const livedMs = now - helloAt;
  const isStable = livedMs >= STABLE_MS;
  const memory: Memory = {
    ...before.memory,
    ...(isStable ? { attempt: 0 } : {}),
    ...(isStable && carrier === carriers[0] ? { upgrades: 0 } : {}),
  };
  const context = { ...before, memory };
  const outage = newOutage(now, error);
  const goOn = (changed: Memory): Step => connectNow({ ...context, memory: changed }, outage);
  if (error.code === 'link/buffered') return goOn(avoidBuffered(context, carrier));
  if (error.details?.['isProbe'] === true) return goOn(memory);
  const aside = avoid(context, carrier, AVOID_SHORT_MS);
  const { lastCarrier } = memory;
  if (error.code === 'link/replaced' && lastCarrier !== null && memory.lastLink > link.number) {
    // A later try of the same race had reached the server when this one's `hello` came out, late: often only
    // because the server, by closing it, made a proxy let go. The later one's carrier is the quick one.
    return goOn({ ...aside, remembered: { carrier: lastCarrier, usualMs: 0, at: now } });
  }
  // One that had been left aside already was the last resort: from there only the backoff leads on.
  const isFirstTime = livedMs < SHORT_LIFE_MS && !isAvoided(context, carrier);
  const hasOthers = carriers.some((other) => !isAvoided({ memory: aside, now }, other));
  if (!isAnswer(error) && isFirstTime && hasOthers) {
    // Each time it is tried again later, or the session would go to and fro for ever.
    return goOn({ ...aside, upgrades: memory.upgrades + 1 });
  }
  if (renewAt !== null && renewAt > now && policyOf(error) !== 'stop') {
    return to(memory, { name: 'waiting', outage, retryAt: renewAt });
  }
  return settle(context, outage, error);
}

/** The attempt or link is over: what the error's policy says comes next. */
export function settle(context: Context, outage: Outage, error: MillraceError): Step {
  const { memory, now, jitter, canReauthenticate } = context;
  const policy = policyOf(error);
  // `auth/required` means that there is no token: asking for one again would not make any.
  const canRetry = canReauthenticate && error.code !== 'auth/required';
  if (policy === 'stop' || (policy === 'reauthenticate' && !canRetry)) {
    return to(memory, { name: 'closed', error, isFinal: true });
  }
  const retryAt = now + backoffMs(memory.attempt, jitter, error);
  return to(
    { ...memory, attempt: memory.attempt + 1 },
    { name: 'waiting', outage: { ...outage, error }, retryAt },
    ...renewal(policy),
  );
}

/** What a refused token asks of the shell before the next link. */
export function renewal(policy: ErrorPolicy): ConnectionEffect[] {
  return policy === 'reauthenticate' ? [{ type: 'forget-token' }] : [];
}

/**
 * Every carrier failed: the server or the network was gone, so a link that ended soon just before tells nothing
 * of its carrier, and what was found out about better ones is void.
 */
export function failRace(context: Context, outage: Outage, error: MillraceError): Step {
  const { memory, now } = context;
  const held = Object.entries(memory.avoided).filter(([, until]) => until - now > AVOID_SHORT_MS);
  const avoided = Object.fromEntries(held);
  return settle({ ...context, memory: { ...memory, avoided, upgrades: 0 } }, outage, error);
}

/** A proxy holds it back: for long, and people are told. */
export function avoidBuffered(context: Context, carrier: Carrier): Memory {
  return { ...avoid(context, carrier, AVOID_BUFFERED_MS), setback: 'buffered' };
}

function avoid({ memory, now }: Context, carrier: Carrier, forMs: number): Memory {
  return { ...memory, avoided: { ...memory.avoided, [carrier]: now + forMs } };
}
