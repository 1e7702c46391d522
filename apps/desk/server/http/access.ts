// The access table: every endpoint of Desk and who may call it in production.
// In development the development identity is an admin, so everything answers a bare `curl`.
// A route that is not listed here cannot be registered (routes.ts), and a test walks the table.

export type Access = 'public' | 'user' | 'admin';

export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly access: Access;
  /** Whether the cron secret opens it too. */
  readonly takesCronSecret?: boolean;
  /** Whether a key of a user's (`Bearer mr_…`) opens it too, from pages of any origin. */
  readonly takesApiKey?: boolean;
  /** Whether a ticket in its address opens it too. */
  readonly takesTicket?: boolean;
  /** Largest body, in bytes; 16 KiB unless told. */
  readonly maxBodyBytes?: number;
  /** Whose clients call it: errors have that form. Default: Millrace's own. */
  readonly speaks?: 'openai';
}

/** Conversations are sent whole by some clients, with pictures in them. */
const CHAT_BYTES = 4_194_304;
/** 10,000 trades or 20,000 bars, with room. */
const CSV_BYTES = 2 * 1_024 * 1_024;

export const ENDPOINTS = [
  { method: 'GET', path: '/health', access: 'public' },
  { method: 'GET', path: '/health/live', access: 'public' },
  { method: 'GET', path: '/api/me', access: 'public' },
  { method: 'GET', path: '/api/users', access: 'public' },
  { method: 'POST', path: '/api/sign-in', access: 'public' },
  { method: 'POST', path: '/api/sign-out', access: 'public' },
  { method: 'GET', path: '/api/token', access: 'public' },
  { method: 'GET', path: '/api/market', access: 'public' },
  { method: 'GET', path: '/api/chat/stream', access: 'public' },
  { method: 'GET', path: '/api/chat/messages', access: 'public' },
  { method: 'POST', path: '/api/chat/generate', access: 'admin', takesCronSecret: true },
  { method: 'GET', path: '/api/realtime/stats', access: 'admin' },
  { method: 'GET', path: '/api/chat/sessions', access: 'user' },
  { method: 'POST', path: '/api/chat/sessions', access: 'user' },
  { method: 'PATCH', path: '/api/chat/sessions/:id', access: 'user' },
  { method: 'DELETE', path: '/api/chat/sessions/:id', access: 'user' },
  { method: 'GET', path: '/api/chat/:id/messages', access: 'user' },
  { method: 'POST', path: '/api/chat/:id/runs', access: 'user', maxBodyBytes: 65_536 },
  { method: 'POST', path: '/api/chat/:id/stop', access: 'user' },
  { method: 'POST', path: '/api/chat/:id/retry', access: 'user' },
  { method: 'POST', path: '/api/chat', access: 'user', maxBodyBytes: CHAT_BYTES },
  { method: 'GET', path: '/api/chat/:id/stream', access: 'user' },
  // As a WebSocket: chat-socket.ts asks who it is.
  { method: 'GET', path: '/api/chat/ws', access: 'user' },
  { method: 'POST', path: '/api/agui', access: 'user', maxBodyBytes: CHAT_BYTES },
  {
    method: 'GET',
    path: '/api/models/:modelId/runs/:runId/chat-stream',
    access: 'user',
    takesTicket: true,
  },
  {
    method: 'POST',
    path: '/api/models/:modelId/runs/:runId/chat-stream',
    access: 'user',
    maxBodyBytes: 65_536,
  },
  { method: 'POST', path: '/api/models/:modelId/runs/:runId/chat-stop', access: 'user' },
  {
    method: 'POST',
    path: '/api/models/:modelId/runs/:runId/chat',
    access: 'user',
    maxBodyBytes: 65_536,
  },
  { method: 'GET', path: '/api/models/:modelId/runs/:runId/chat-history', access: 'user' },
  { method: 'POST', path: '/api/models/:modelId/runs/:runId/chat-ticket', access: 'user' },
  { method: 'GET', path: '/api/models/:modelId/ai', access: 'user' },
  { method: 'PUT', path: '/api/models/:modelId/ai', access: 'user' },
  { method: 'POST', path: '/api/models/:modelId/ai/test', access: 'user' },
  { method: 'GET', path: '/api/models/:modelId/instructions', access: 'user' },
  { method: 'POST', path: '/api/models/:modelId/instructions', access: 'user' },
  { method: 'DELETE', path: '/api/models/:modelId/instructions/:id', access: 'user' },
  { method: 'GET', path: '/api/keys', access: 'user' },
  { method: 'POST', path: '/api/keys', access: 'user' },
  { method: 'DELETE', path: '/api/keys/:id', access: 'user' },
  { method: 'GET', path: '/api/v1/models', access: 'user', takesApiKey: true, speaks: 'openai' },
  {
    method: 'POST',
    path: '/api/v1/chat/completions',
    access: 'user',
    takesApiKey: true,
    speaks: 'openai',
    maxBodyBytes: CHAT_BYTES,
  },
  {
    method: 'POST',
    path: '/api/v1/inference/stream',
    access: 'user',
    takesApiKey: true,
    speaks: 'openai',
    maxBodyBytes: CHAT_BYTES,
  },
  {
    method: 'POST',
    path: '/api/v1/runs/:runId/stop',
    access: 'user',
    takesApiKey: true,
    speaks: 'openai',
  },
  { method: 'GET', path: '/api/models', access: 'user' },
  { method: 'POST', path: '/api/models', access: 'user' },
  { method: 'GET', path: '/api/models/:modelId', access: 'user' },
  { method: 'PATCH', path: '/api/models/:modelId', access: 'user' },
  { method: 'DELETE', path: '/api/models/:modelId', access: 'user' },
  { method: 'GET', path: '/api/models/:modelId/rules', access: 'user' },
  { method: 'POST', path: '/api/models/:modelId/rules', access: 'user' },
  { method: 'DELETE', path: '/api/models/:modelId/rules/:ruleId', access: 'user' },
  { method: 'GET', path: '/api/models/:modelId/runs', access: 'user' },
  { method: 'POST', path: '/api/models/:modelId/runs', access: 'user' },
  {
    method: 'POST',
    path: '/api/models/:modelId/runs/import',
    access: 'user',
    maxBodyBytes: CSV_BYTES,
  },
  {
    method: 'POST',
    path: '/api/models/:modelId/runs/replay',
    access: 'user',
    maxBodyBytes: CSV_BYTES,
  },
  { method: 'GET', path: '/api/models/:modelId/runs/:runId', access: 'user' },
  { method: 'GET', path: '/api/models/:modelId/runs/:runId/equity', access: 'user' },
  { method: 'POST', path: '/api/models/:modelId/runs/:runId/end', access: 'user' },
] as const satisfies readonly Endpoint[];

export type EndpointKey =
  `${(typeof ENDPOINTS)[number]['method']} ${(typeof ENDPOINTS)[number]['path']}`;

export function findEndpoint(key: EndpointKey): Endpoint {
  const found = ENDPOINTS.find(({ method, path }) => `${method} ${path}` === key);
  if (found === undefined) throw new Error(`${key} is not in the access table`);
  return found;
}

/** The methods of a request's path. */
export function methodsOf(path: string): readonly string[] {
  const segments = path.split('/');
  return ENDPOINTS.filter((endpoint) => {
    const own = endpoint.path.split('/');
    if (own.length !== segments.length) return false;
    return own.every(
      (one, at) => one === segments[at] || (one.startsWith(':') && segments[at] !== ''),
    );
  }).map(({ method }) => method);
}
