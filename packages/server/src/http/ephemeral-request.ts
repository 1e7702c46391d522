// `POST <path>/ephemeral`: ephemeral events of a session whose link cannot send. Rules: EPH-1, EPH-3, EPH-5.

import { MillraceError, toMillraceError } from '@millrace/protocol';
import {
  isJsonObject,
  parseEphemeralItem,
  parseJsonObject,
  parseSession,
} from '@millrace/protocol/wire';
import type { Refusal } from '../identity.ts';
import { unknownChannel } from '../prepare-event.ts';
import { type Live, type PassingEvent, presentAs } from '../presence/live.ts';
import type { Peer } from '../seams/link.ts';

/** The answer's JSON text: for each event `{}`, or its error. @throws MillraceError for the request as a whole */
export async function ephemeralRequest(body: string, peer: Peer, live: Live): Promise<string> {
  const { session, events } = parseJsonObject(body);
  if (!Array.isArray(events) || !events.every(isJsonObject)) {
    throw new MillraceError(
      'protocol/malformed',
      'The body is `{session, events: [{channel, event}]}`.',
    );
  }
  const items = events.map(parseEphemeralItem);
  const { limits, gate, contracts, onRefused } = live;
  if (items.length > limits.maxEphemeralPerFrame) throw tooMany(limits.maxEphemeralPerFrame);
  const secret = parseSession(session);
  const identity = await gate.identify(peer, undefined);
  const { key, user } = presentAs(secret, identity?.id ?? null, 0);
  // A session is easily made up: the rate is the identity's, or the address's.
  const origin = identity === null ? `from ${peer.address}` : `of ${identity.id}`;

  async function send(channel: string, event: PassingEvent): Promise<Refusal> {
    const known = contracts.find(channel);
    if (known === null) return unknownChannel(channel);
    const refusal = await gate.refusal(identity, 'ephemeral', known);
    return refusal ?? live.send(known, { id: user, session: key }, event, origin);
  }

  const results: object[] = [];
  // One after the other: of two events of a kind the second is the newer.
  for (const { channel, event } of items) {
    const error = await send(channel, event).catch(toMillraceError);
    if (error !== null) onRefused(error);
    results.push(error === null ? {} : { error });
  }
  return JSON.stringify({ results });
}

function tooMany(limit: number): MillraceError {
  return new MillraceError('limit/publishes', `A request may hold ${limit} events. Send several.`, {
    details: { limit },
  });
}
