// From one link to the next without a pause: the new link opens beside the old one, at the same cursors, and
// takes over with its `hello`; if it fails, the old one stays. Rules: CLI-5, LINK-5, LINK-8.

import type { MillraceError } from '@millrace/protocol';
import { backoffMs, spreadMs } from './backoff.ts';
import type { ConnectionEvent, Context, In, Step } from './connection-types.ts';
import {
  avoidBuffered,
  beginLink,
  isAnswer,
  newOutage,
  openWith,
  policyOf,
  renewal,
  settle,
  to,
  tryNext,
} from './recovery.ts';
import type { Carrier } from './transports/transport.ts';
import { upgradeDelayMs } from './upgrade.ts';

/** What the new link gets alone once the old one is lost. */
const TAKE_OVER_MS = 600;

/** Opens the first of these carriers beside the link that stands; with none of them it stays as it is. */
export function migrate(
  context: Context,
  from: In<'open'>,
  cause: 'upgrade' | 'renew',
  [carrier, ...rungs]: readonly Carrier[],
): Step {
  if (carrier === undefined) return keepOld(context, from, cause);
  const { memory, link } = beginLink(context, carrier);
  const standing = cause === 'renew' ? { ...from, renewAt: null } : from;
  return to(memory, { name: 'migrating', from: standing, next: link, cause, rungs, goneAt: null });
}

/** The next link on the same carrier; with a second try, should the first find only a dead connection. */
export function renew(context: Context, from: In<'open'>): Step {
  const { carrier } = from.link;
  return migrate(context, from, 'renew', [carrier, carrier]);
}

/** Null: nothing changes. */
export function stepMigrating(
  context: Context,
  state: In<'migrating'>,
  event: ConnectionEvent,
): Step | null {
  const { memory, now } = context;
  const { from, next, cause, rungs, goneAt } = state;
  switch (event.type) {
    case 'hello':
      return event.link === next.number ? openWith(context, next, event.tookMs, from.since) : null;
    case 'failed':
      if (event.link === next.number) return failNext(context, state, event.error);
      return event.link === from.link.number && goneAt === null
        ? failOld(context, state, event.error)
        : null;
    case 'goaway': {
      // The old one is being left anyway; a server that sends the new one away wants it later.
      if (event.link !== next.number) return null;
      const at = now + spreadMs(event.afterMs, event.spreadMs, context.jitter);
      return goneAt === null
        ? keepOld(context, cause === 'renew' ? { ...from, renewAt: at } : from, cause)
        : to(memory, { name: 'waiting', outage: newOutage(now), retryAt: at });
    }
    case 'due':
      if (event.timer !== 'rung') return null;
      return goneAt === null ? migrate(context, from, cause, rungs) : goBack(context, state);
    default:
      return null;
  }
}

function failOld(context: Context, state: In<'migrating'>, error: MillraceError): Step {
  const { memory, now, carriers } = context;
  const { next } = state;
  // The server read the new link's `connect` before we read its `hello`: the hand-over is under way.
  if (error.code === 'link/replaced') return to(memory, { ...state, goneAt: now });
  const outage = newOutage(now, error);
  if (isAnswer(error) && policyOf(error) !== 'retry') return settle(context, outage, error);
  const rungs = carriers.filter((carrier) => carrier !== next.carrier);
  const nextRungAt = now + TAKE_OVER_MS;
  return to(memory, { name: 'racing', outage, tries: [next], rungs, nextRungAt });
}

/**
 * The server has let the old link go, and the new one's `hello` does not come: something holds it back. The
 * carrier that worked gets the next link; the silent one is not waited for, since closing it may set its
 * `hello` free.
 */
function goBack(context: Context, { from, next }: In<'migrating'>): Step {
  const { carrier } = from.link;
  const memory = next.carrier === carrier ? context.memory : avoidBuffered(context, next.carrier);
  return tryNext({ ...context, memory }, newOutage(context.now), [carrier]);
}

function failNext(context: Context, state: In<'migrating'>, error: MillraceError): Step {
  const { memory, now, jitter } = context;
  const { from, cause, rungs, goneAt } = state;
  const policy = policyOf(error);
  const isOver = goneAt !== null;
  if (!isOver && !isAnswer(error) && rungs.length > 0) return migrate(context, from, cause, rungs);
  if (!isOver && cause === 'upgrade') return keepOld(context, from, cause);
  if (isOver || policy === 'stop') return settle(context, newOutage(now), error);
  // The old link lacks a channel or has an old token: the new one is still needed, a little later.
  const attempt = memory.attempt + 1;
  const renewAt = now + backoffMs(attempt, jitter, error);
  return to({ ...memory, attempt }, { ...from, renewAt }, ...renewal(policy));
}

/** An upgrade that did not work is tried again later. */
function keepOld({ memory, now }: Context, from: In<'open'>, cause: 'upgrade' | 'renew'): Step {
  if (cause === 'renew') return to(memory, from);
  const upgrades = memory.upgrades + 1;
  return to({ ...memory, upgrades }, { ...from, upgradeAt: now + upgradeDelayMs(upgrades) });
}
