// Who asked, without what belongs to the connection they asked on: kept for as long as a link may get a newer token.

import type { Peer } from './seams/link.ts';

/** Headers that belong to the connection and its first request, not to who asks. */
const OF_THE_CONNECTION =
  /^(accept|cache-control|connection|content-|pragma|sec-websocket-|transfer-encoding|upgrade)/;

export function withoutConnection({ address, headers, url }: Peer): Peer {
  const kept: Record<string, string | readonly string[] | undefined> = {};
  for (const name in headers) if (!OF_THE_CONNECTION.test(name)) kept[name] = headers[name];
  return { address, headers: kept, url };
}
