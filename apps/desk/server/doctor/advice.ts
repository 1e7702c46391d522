// What to do about what the doctor finds: one sentence per cause, for whoever runs the deployment.

export const FIX_BUFFERING =
  'A proxy between here and Desk holds the stream back. Turn buffering, caching and compression off for it ' +
  '(nginx: `proxy_buffering off;` and `gzip off;`; others: honour the header `X-Accel-Buffering: no`).';

export const FIX_UNREACHABLE =
  'Is Desk running (`npm start`), is the address right, and does a firewall let the port through?';

export const FIX_UPGRADE =
  'Let the proxy pass WebSocket upgrades (nginx: `proxy_http_version 1.1;`, `proxy_set_header Upgrade $http_upgrade;`, ' +
  '`proxy_set_header Connection "upgrade";`). Until then pages use SSE or polling.';

export const FIX_NOT_DESK =
  'Something else answers there, or a proxy answers in its place. Check the address and the proxy’s route to Desk.';

export const FIX_HTTPS =
  'In production give the https:// address. If this is it, the proxy there must send `X-Forwarded-Proto: https`, and ' +
  'its address, as Desk sees it, must stand in TRUST_PROXY.';

/** For an answer that is not 2xx. */
export function adviseOnStatus(status: number): string {
  if (status === 401 || status === 403) {
    return 'Give the deployment’s CRON_SECRET or an administrator’s token (`npm run -s token` there): --token TOKEN.';
  }
  if (status === 404) return FIX_NOT_DESK;
  if (status === 429)
    return 'Too many requests or connections from this address: wait, then try again.';
  if (status === 502 || status === 503 || status === 504) {
    return 'A proxy cannot reach Desk, or Desk is starting or overloaded. Look at its log and at GET /health.';
  }
  return 'Look at the log of the deployment.';
}
