// The HTTP application: headers, CORS, routes by the access table, the page, and one shape for every error.
// Refuses to own: the socket (node-server.ts), the real-time carriers (the hub takes them first).

import { Hono, type MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import { type Credentials, sessionCookieName, type Who, whoIs } from '../identity/who.ts';
import { answerNotFound, answerThrown } from './answers.ts';
import { isKeyed } from './keyed.ts';
import { addPage } from './page.ts';
import { addChatRoutes } from './routes/chat.ts';
import { addChatSessionRoutes } from './routes/chat-sessions.ts';
import { addHealthRoutes } from './routes/health.ts';
import { addIdentityRoutes } from './routes/identity.ts';
import { addInferenceRoutes } from './routes/inference.ts';
import { addKeyRoutes } from './routes/keys.ts';
import { addMarketRoutes } from './routes/market.ts';
import { addModelAiRoutes } from './routes/model-ai.ts';
import { addModelRunRoutes } from './routes/model-runs.ts';
import { addModelRoutes } from './routes/models.ts';
import { addRunChatRoutes } from './routes/run-chat.ts';
import { addUiChatRoutes } from './routes/ui-chat.ts';
import { type DeskContext, type DeskEnv, routesOf } from './routes.ts';
import { securityHeaders } from './security-headers.ts';
import type { Services } from './services.ts';

export function createApp(services: Services): Hono<DeskEnv> {
  const { settings, tokens, log, apiKeys, tickets } = services;
  const app = new Hono<DeskEnv>();
  app.onError((thrown, c) => answerThrown(thrown, c, log));
  app.notFound(answerNotFound);
  app.use(securityHeaders(settings.isProduction));
  const ours = cors({ ...FOR_PAGES, origin: [...settings.ORIGINS], credentials: true });
  // Whoever has a key calls from any page: the key is all that counts there, no cookie goes with it (gate.ts).
  const anybodys = cors({ ...FOR_PAGES, origin: '*' });
  const chosen: MiddlewareHandler<DeskEnv> = (c, next) =>
    (isKeyed(c.env.incoming) ? anybodys : ours)(c, next);
  app.use('/api/*', chosen);

  const whoOptions = { tokens, ...settings };
  const identify = (c: DeskContext): Promise<Who> => {
    const from: Credentials = {
      cookie: isSessionless(c.req.path) ? undefined : c.req.header('cookie'),
      authorization: c.req.header('authorization'),
    };
    if (c.req.path !== '/api/me') return whoIs(from, whoOptions);
    return whoIs(from, whoOptions).catch((error: unknown) => {
      // The page's first question. A cookie that no longer counts is taken away here, or nobody could get rid of it.
      if (from.cookie === undefined) throw error;
      c.header('Set-Cookie', expiredCookie(settings.isProduction));
      return whoIs({ ...from, cookie: undefined }, whoOptions);
    });
  };
  const add = routesOf(app, { identify, cronSecret: settings.CRON_SECRET, apiKeys, tickets });
  addHealthRoutes(add, services);
  addIdentityRoutes(add, services);
  addMarketRoutes(add, services);
  addChatRoutes(add, services);
  addChatSessionRoutes(add, services);
  addUiChatRoutes(add, services);
  addRunChatRoutes(add, services);
  addModelAiRoutes(add, services);
  addKeyRoutes(add, services);
  addInferenceRoutes(add, services);
  addModelRoutes(add, services);
  addModelRunRoutes(add, services);
  addPage(app, services.pageFolder);
  return app;
}

/** What a page of another origin may read of an answer's head. Its own headers are let through as it names them. */
const FOR_PAGES = {
  maxAge: 600,
  exposeHeaders: [
    'X-Generation-Id',
    'X-Request-Id',
    'X-Should-Retry',
    'Retry-After',
    'Retry-After-Ms',
  ],
};

/** Signing in or out, and health, must work whatever cookie the browser still has. */
function isSessionless(path: string): boolean {
  return path === '/api/sign-in' || path === '/api/sign-out' || path.startsWith('/health');
}

function expiredCookie(isProduction: boolean): string {
  const secure = isProduction ? '; Secure' : '';
  return `${sessionCookieName(isProduction)}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax${secure}`;
}
