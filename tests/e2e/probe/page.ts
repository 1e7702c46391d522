// The probe page's script: one client, everything that it tells the application recorded in
// `window.probe`. What to follow stands in the address, so that the client starts with the page as
// an application's would, not when a test tells it to.

import { type Client, createClient } from '@millrace/client';
import { probes } from './contract.ts';
import { createRecorder, type Recorder, type Subscription } from './recorder.ts';

export interface ProbeOptions {
  readonly subscriptions: readonly Subscription[];
  /** Default: the client's own. */
  readonly transports?: readonly ('websocket' | 'sse' | 'poll')[];
  readonly beatMs?: number;
}

export interface Probe {
  readonly client: Client;
  readonly recorder: Recorder;
  /** When the script made the client, ms since 1970. */
  readonly startedAt: number;
  /** Publishes over the page's client; resolves with how long the answer took, ms. */
  publish(id: string, n: number): Promise<number>;
  /** A POST of the page's own, beside the client; resolves with how long the answer took, ms. */
  post(): Promise<number>;
}

declare global {
  interface Window {
    readonly probe: Probe;
  }
}

const options: ProbeOptions = JSON.parse(
  new URLSearchParams(location.search).get('probe') ?? '{"subscriptions":[]}',
);
const recorder = createRecorder();
const startedAt = recorder.now();
const client = createClient({
  url: '/realtime',
  ...(options.beatMs === undefined ? {} : { beatMs: options.beatMs }),
  ...(options.transports === undefined ? {} : { transports: options.transports }),
  onError: ({ code, message }) =>
    recorder.entries.push({ kind: 'error', atMs: recorder.now(), code, message }),
});
recorder.watch(client);
for (const subscription of options.subscriptions) recorder.follow(client, subscription);

const probe: Probe = {
  client,
  recorder,
  startedAt,
  async publish(id, n) {
    const begunAt = performance.now();
    await client.publish(probes.of({ id }), { type: 'tick', data: { n, sentAt: recorder.now() } });
    return performance.now() - begunAt;
  },
  async post() {
    const begunAt = performance.now();
    const response = await fetch('/echo', { method: 'POST', body: 'hello' });
    await response.text();
    return performance.now() - begunAt;
  },
};
Object.defineProperty(window, 'probe', { value: probe });
