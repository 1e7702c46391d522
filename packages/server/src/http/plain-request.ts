// Where a plain SSE request begins: its channel from the query, its start from `Last-Event-ID` or the query, its token.
// Rules: PLAIN-1, SUB-1.

import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isChannelName, MillraceError, parseCursor, type Start } from '@millrace/protocol';
import { type ConnectFrame, PROTOCOL_VERSION } from '@millrace/protocol/wire';
import type { ContractSet } from '../contract-set.ts';
import { unknownChannel } from '../prepare-event.ts';

/**
 * The `connect` that stands for this request: it has no session of a client's, so it gets one of its own.
 * @throws MillraceError `channel/unknown`, `channel/invalid-name`, `cursor/malformed`, `request/invalid`
 */
export function plainRequest(
  req: IncomingMessage,
  contracts: ContractSet,
  channel: string | null,
): ConnectFrame {
  const query = new URL(req.url ?? '', 'http://host').searchParams;
  const name = channel ?? query.get('channel');
  if (name === null || !isChannelName(name)) {
    throw new MillraceError('channel/invalid-name', 'Say which channel: `?channel=NAME`.');
  }
  const known = contracts.find(name);
  if (known === null) throw unknownChannel(name);
  return {
    type: 'connect',
    protocol: PROTOCOL_VERSION,
    session: randomBytes(16).toString('base64url'),
    link: 1,
    channels: [
      {
        channel: name,
        start: startOf(req.headers['last-event-id'], query),
        version: known.contract.version,
      },
    ],
  };
}

/** `Last-Event-ID` first: on a reconnection the address still says where the first request began. */
function startOf(lastEventId: string | string[] | undefined, query: URLSearchParams): Start {
  if (typeof lastEventId === 'string' && lastEventId !== '') return parseCursor(lastEventId);
  const cursor = query.get('cursor');
  if (cursor !== null) return parseCursor(cursor);
  const last = query.get('last');
  if (last !== null) {
    if (!/^[0-9]{1,6}$/.test(last)) {
      throw new MillraceError('request/invalid', '`last` is a whole number.');
    }
    return { last: Number(last) };
  }
  const from = query.get('from');
  if (from === null || from === 'now') return 'now';
  if (from === 'start') return 'start';
  throw new MillraceError('request/invalid', '`from` is `start` or `now`.');
}
