// The page's one connection. Every channel of every component goes over it.

import { type Client, createClient } from '@millrace/client';
import type { TokenAnswer } from '../../../shared/api.ts';
import { getJson } from './http.ts';

/** A beat of 2 s lets the page notice a dead connection within 4.5 s; a desk is worth those bytes. */
const BEAT_MS = 2_000;

export function createDeskClient(): Client {
  return createClient({
    url: '/realtime',
    beatMs: BEAT_MS,
    token: async () => (await getJson<TokenAnswer>('/api/token')).token,
    // oxlint-disable-next-line no-console -- the page's one place for failures that no component shows
    onError: (error) => console.warn(`[real-time] ${error.code}: ${error.message}`),
  });
}
