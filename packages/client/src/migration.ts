// From one link to the next without a pause: the new link opens beside the old one, at the same cursors, and
// takes over with its `hello`; if it fails, the old one stays. Rules: CLI-5, LINK-5, LINK-8.

import type { MillraceError } from '@millrace/protocol';
import { backoffMs, spreadMs } from './backoff.ts';
import type { ConnectionEvent, In, Outage, Step } from './connection-types.ts';
import {
  avoidBuffered,
  beginLink,
  type Context,
  isAnswer,
  openWith,
  policyOf,
  settle,
  stay,
  to,
} from './recovery.ts';
import type { Carrier } from './transports/transport.ts';
import { upgradeDelayMs } from './upgrade.ts';

/** What the new link gets alone once the old one is lost. */
const TAKE_OVER_MS = 600;

/** Opens the first of these carriers beside the link that stands; with none of them it stays as it is. */
export function migrate(
  context: Context,
  state: In<'open' | 'migrating'>,
  cause: 'upgrade' | 'renew',
  carriers: readonly Carrier[],
): Step {
  const { memory, moment } = context;
  const [carrier, ...rungs] = carriers;
  if (carrier === undefined) return keepOld(context, state);
  const begun = beginLink(memory, carrier, moment.now);
  return to(begun.memory, {
    ...state,
    name: 'migrating',
    next: begun.link,
    cause,
    rungs,
    goneAt: state.name === 'migrating' ? state.goneAt : null,
    renewAt: cause === 'renew' ? null : state.renewAt,
  });
}

/** The next link on the same carrier; with a second try, should the first find only a dead connection. */
export function renew(context: Context, state: In<'open'>): Step {
  const { carrier } = state.link;
  return migrate(context, state, 'renew', [carrier, carrier]);
}

export function stepMigrating(
  context: Context,
  state: In<'migrating'>,
  event: ConnectionEvent,
): Step {
  switch (event.type) {
    case 'hello':
      return event.link === state.next.number
        ? openWith(context, { link: state.next, tookMs: event.tookMs, since: state.since })
        : stay(context, state);
    case 'failed':
      if (event.link === state.next.number) return failNext(context, state, event.error);
      if (event.link !== state.link.number || state.goneAt !== null) return stay(context, state);
      return failOld(context, state, event.error);
    case 'goaway': {
      // The old one is being left anyway; a server that sends the new one away wants it later.
      if (event.link !== state.next.number) return stay(context, state);
      const { now, jitter } = context.moment;
      const at = now + spreadMs(event.afterMs, event.spreadMs, jitter);
      return state.goneAt !== null
        ? to(context.memory, { ...newOutage(now), name: 'waiting', retryAt: at })
        : keepOld(context, { ...state, renewAt: state.cause === 'renew' ? at : state.renewAt });
    }
    case 'due':
      if (event.timer !== 'rung') return stay(context, state);
      return state.goneAt === null
        ? migrate(context, state, state.cause, state.rungs)
        : goBack(context, state);
    case 'wake':
    case 'online':
    case 'retry':
      return to(context.memory, state, [{ type: 'probe', link: state.link.number }]);
    default:
      return stay(context, state);
  }
}

function failOld(context: Context, state: In<'migrating'>, error: MillraceError): Step {
  // The server read the new link's `connect` before we read its `hello`: the hand-over is under way.
  if (error.code === 'link/replaced') {
    return to(context.memory, { ...state, goneAt: context.moment.now });
  }
  if (isAnswer(error) && policyOf(error) !== 'retry')
    return settle(context, newOutage(context.moment.now), error);
  const others = context.config.carriers.filter((carrier) => carrier !== state.next.carrier);
  return to(context.memory, {
    ...newOutage(context.moment.now, error),
    name: 'racing',
    tries: [state.next],
    rungs: others,
    nextRungAt: context.moment.now + TAKE_OVER_MS,
  });
}

/**
 * The server has let the old link go, and the new one's `hello` does not come: something holds it back. The
 * carrier that worked gets the next link; the silent one is not waited for, since closing it may set its
 * `hello` free.
 */
function goBack({ memory, moment }: Context, state: In<'migrating'>): Step {
  const { carrier } = state.link;
  const held = state.next.carrier;
  const avoiding = held === carrier ? memory : avoidBuffered(memory, held, moment.now);
  const begun = beginLink(avoiding, carrier, moment.now);
  return to(begun.memory, {
    ...newOutage(moment.now),
    name: 'racing',
    tries: [begun.link],
    rungs: [],
    nextRungAt: moment.now,
  });
}

function failNext(context: Context, state: In<'migrating'>, error: MillraceError): Step {
  const { memory, moment } = context;
  if (state.goneAt !== null) return settle(context, newOutage(context.moment.now), error);
  if (!isAnswer(error) && state.rungs.length > 0)
    return migrate(context, state, state.cause, state.rungs);
  if (state.cause === 'upgrade') return keepOld(context, state);
  if (policyOf(error) === 'stop') return settle(context, newOutage(context.moment.now), error);
  // The old link lacks a channel or has an old token: the new one is still needed, a little later.
  const attempt = memory.attempt + 1;
  const renewAt = moment.now + backoffMs(attempt, moment.jitter, error);
  const isAuth = policyOf(error) === 'reauthenticate';
  return keepOld(
    { ...context, memory: { ...memory, attempt } },
    { ...state, renewAt },
    isAuth ? [{ type: 'forget-token' }] : [],
  );
}

function keepOld(
  { memory, moment }: Context,
  state: In<'open' | 'migrating'>,
  effects: Step['effects'] = [],
): Step {
  const { link, since, helloAt, notice, renewAt } = state;
  const isUpgrade = state.name === 'open' || state.cause === 'upgrade';
  const upgrades = memory.upgrades + (isUpgrade ? 1 : 0);
  const upgradeAt = isUpgrade ? moment.now + upgradeDelayMs(upgrades) : state.upgradeAt;
  return to(
    { ...memory, upgrades },
    { name: 'open', link, since, helloAt, notice, renewAt, upgradeAt },
    effects,
  );
}

function newOutage(now: number, error: MillraceError | null = null): Outage {
  return { since: now, isSlow: false, error };
}
