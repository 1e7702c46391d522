// Requests of programs with a key of Desk's, and the question that a browser asks before one: they may come from pages of
// any origin. Nothing else of the request counts then, no cookie above all.

import type { IncomingMessage } from 'node:http';
import { isApiKey } from '../api-keys/api-keys.ts';

export function isKeyed({ url = '', method, headers }: IncomingMessage): boolean {
  if (!url.startsWith('/api/v1/')) return false;
  if (isApiKey(headers.authorization)) return true;
  const asked = headers['access-control-request-headers'] ?? '';
  return method === 'OPTIONS' && /(?:^|[\s,])authorization(?:$|[\s,])/i.test(asked);
}
