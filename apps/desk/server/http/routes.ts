// How a route comes to be: only with its row of the access table, which is enforced before the handler runs.

import type { HttpBindings } from '@hono/node-server';
import { MillraceError } from '@millrace/protocol';
import type { Context, Hono } from 'hono';
import { type ApiKeys, isApiKey } from '../api-keys/api-keys.ts';
import { bearerOf, type Who } from '../identity/who.ts';
import type { Ticket, Tickets } from '../tickets/tickets.ts';
import { type Endpoint, type EndpointKey, findEndpoint } from './access.ts';
import { isCronSecret } from './cron-secret.ts';
import { refuseLargeBody } from './read-body.ts';

export interface DeskEnv {
  Bindings: HttpBindings;
  Variables: {
    endpoint: Endpoint;
    who: Who;
    /** The key that the request came with; empty for none. */
    apiKeyId: string;
    ticket: Ticket | null;
  };
}

export type DeskContext = Context<DeskEnv>;
export type RouteHandler = (c: DeskContext) => Response | Promise<Response>;
export type AddRoute = (key: EndpointKey, handler: RouteHandler) => void;

export interface RouteOptions {
  identify(c: DeskContext): Promise<Who>;
  readonly cronSecret: string;
  readonly apiKeys: ApiKeys;
  readonly tickets: Tickets;
}

export function routesOf(app: Hono<DeskEnv>, options: RouteOptions): AddRoute {
  return (key, handler) => {
    const endpoint = findEndpoint(key);
    app.on(endpoint.method, endpoint.path, async (c) => {
      c.set('endpoint', endpoint);
      c.set('apiKeyId', '');
      c.set('ticket', null);
      refuseLargeBody(c.req.header('content-length'), endpoint.maxBodyBytes);
      c.set('who', await admit(c, endpoint, options));
      return handler(c);
    });
  };
}

async function admit(c: DeskContext, endpoint: Endpoint, options: RouteOptions): Promise<Who> {
  if (endpoint.takesCronSecret === true && isCronSecret(c.req.raw.headers, options.cronSecret)) {
    return { user: { id: 'cron', name: 'Schedule', isAdmin: true }, isSignedIn: true };
  }
  const authorization = c.req.header('authorization');
  if (endpoint.takesApiKey === true && isApiKey(authorization)) {
    const { user, apiKeyId } = await options.apiKeys.verify(bearerOf(authorization) ?? '');
    c.set('apiKeyId', apiKeyId);
    return { user, isSignedIn: true };
  }
  const ticketText = endpoint.takesTicket === true ? c.req.query('ticket') : undefined;
  if (ticketText !== undefined && ticketText !== '') {
    const ticket = await options.tickets.find(ticketText);
    c.set('ticket', ticket);
    const { userId: id } = ticket;
    return { user: { id, name: id, isAdmin: false }, isSignedIn: true };
  }
  const who = await options.identify(c).catch((error: unknown) => {
    // A wrong secret looks like a token that is none: the caller must hear of the secret.
    const isNoToken = error instanceof MillraceError && error.code === 'auth/invalid';
    if (!isNoToken || endpoint.takesCronSecret !== true) throw error;
    throw new MillraceError('auth/denied', deniedMessage(endpoint, options), { cause: error });
  });
  if (endpoint.access === 'public') return who;
  if (who.user === null && endpoint.takesCronSecret !== true) {
    throw new MillraceError('auth/required', 'Sign in first.');
  }
  if (endpoint.access === 'admin' && who.user?.isAdmin !== true) {
    throw new MillraceError('auth/denied', deniedMessage(endpoint, options));
  }
  return who;
}

function deniedMessage(endpoint: Endpoint, options: RouteOptions): string {
  if (endpoint.takesCronSecret !== true) return 'This is for administrators.';
  return options.cronSecret === ''
    ? 'This needs an administrator. No CRON_SECRET is set on this server, so no schedule may call it either.'
    : 'This needs the cron secret (header Authorization: Bearer …) or an administrator.';
}
