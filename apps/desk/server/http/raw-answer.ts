// Handing the response to what writes it itself, a stream: with the headers that stand already (CORS), and the one that
// keeps browsers from guessing.

import type { ServerResponse } from 'node:http';
import type { DeskContext } from './routes.ts';

export function takeResponse(c: DeskContext): ServerResponse {
  const { outgoing } = c.env;
  for (const [name, value] of c.res.headers) outgoing.setHeader(name, value);
  outgoing.setHeader('x-content-type-options', 'nosniff');
  return outgoing;
}
