// `POST <path>/publish`: who it is, what they publish, what became of it. Rules: HTTP-1, PUB-2, PUB-5.

import { encodeCursor, type Limits, MillraceError, type PublishResult } from '@millrace/protocol';
import { parseJson, parsePublishItems } from '@millrace/protocol/wire';
import type { ClientPublish } from '../client-publish.ts';
import type { Gate } from '../identity.ts';
import type { Peer } from '../seams/link.ts';

export interface PublishRequestOptions {
  readonly gate: Gate;
  readonly limits: Limits;
  readonly clientPublish: ClientPublish;
}

/** The answer's JSON text. @throws MillraceError for what concerns the request as a whole */
export async function publishRequest(
  body: string,
  peer: Peer,
  { gate, clientPublish }: PublishRequestOptions,
): Promise<string> {
  const value = parseJson(body);
  if (typeof value !== 'object' || value === null || !('events' in value)) {
    throw new MillraceError('protocol/malformed', 'The body is `{events: [{channel, event}]}`.');
  }
  const items = parsePublishItems(value.events);
  const identity = await gate.identify(peer, undefined);
  const results = await clientPublish.publish({
    identity,
    origin: peer.address,
    items,
    isAlone: true,
  });
  return JSON.stringify({ results: results.map(encodeResult) });
}

function encodeResult(result: PublishResult): unknown {
  return 'cursor' in result ? { cursor: encodeCursor(result.cursor) } : result;
}
