// The access table: every endpoint of Desk and who may call it in production.
// In development the development identity is an admin, so everything answers a bare `curl`.
// A route that is not listed here cannot be registered (routes.ts), and a test walks the table.

export type Access = 'public' | 'user' | 'admin';

export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly access: Access;
  /** Whether the cron secret opens it too. */
  readonly takesCronSecret?: boolean;
  /** Largest body, in bytes; 16 KiB unless told. */
  readonly maxBodyBytes?: number;
}

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
