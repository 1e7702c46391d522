// What many viewers cost Desk's process: CPU time while nobody watches, while some stream, and while as
// many poll. The viewers live in this process; only the server's is counted.

import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient } from '@millrace/client';
import { agentMessages } from '@millrace/protocol/channels';
import { until } from '@millrace/tests';
import type { DeskProcess } from './desk.ts';

export type Watching = 'nobody' | 'streaming' | 'polling';

export interface ViewerLoad {
  /** Of one core, in percent. */
  readonly cpuPercent: number;
  readonly delivered: number;
}

export async function measureViewers(
  desk: DeskProcess,
  watching: Watching,
  options: { readonly viewers: number; readonly pollMs: number; readonly windowMs: number },
): Promise<ViewerLoad> {
  const { viewers, pollMs, windowMs } = options;
  let delivered = 0;
  const count = (messages: number): void => {
    delivered += messages;
  };
  await using _ =
    watching === 'nobody'
      ? new AsyncDisposableStack()
      : watching === 'streaming'
        ? await startStreaming(desk.url, viewers, count)
        : startPolling(desk.url, viewers, { pollMs, count });
  await sleep(5_000);
  delivered = 0;
  const cpuBefore = desk.cpuMs();
  const begunAt = performance.now();
  await sleep(windowMs);
  const cpuPercent = ((desk.cpuMs() - cpuBefore) / (performance.now() - begunAt)) * 100;
  return { cpuPercent, delivered };
}

async function startStreaming(
  url: string,
  viewers: number,
  count: (messages: number) => void,
): Promise<AsyncDisposable> {
  const clients: Client[] = [];
  let subscribed = 0;
  for (let n = 0; n < viewers; n += 1) {
    // As spec A's hooks ask: a beat every 2 s, so that a failure is noticed within 5 s.
    const client = createClient({ url: `${url}/realtime`, beatMs: 2_000 });
    client.subscribe(agentMessages.of(), {
      onEvent: () => count(1),
      onVerdict: () => {
        subscribed += 1;
      },
    });
    clients.push(client);
  }
  await until(() => subscribed >= viewers, { label: 'all viewers', deadlineMs: 30_000 });
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}

/** Each begins at a moment of its own within the interval, as people do. */
function startPolling(
  url: string,
  viewers: number,
  options: { readonly pollMs: number; readonly count: (messages: number) => void },
): AsyncDisposable {
  const { pollMs, count } = options;
  const halt = new AbortController();
  const view = async (delayMs: number): Promise<void> => {
    let after = '';
    for (let wait = delayMs; !halt.signal.aborted; wait = pollMs) {
      // Cut short by the end of the measurement; nothing else can reject it.
      await sleep(wait, undefined, { signal: halt.signal }).catch(() => undefined);
      if (halt.signal.aborted) return;
      const query = after === '' ? '?limit=200' : `?limit=200&after=${after}`;
      const response = await fetch(`${url}/api/chat/messages${query}`);
      const page: { messages: unknown[]; next: string } = await response.json();
      count(page.messages.length);
      after = page.next;
    }
  };
  const all = Promise.all(Array.from({ length: viewers }, (_, n) => view((n / viewers) * pollMs)));
  return {
    async [Symbol.asyncDispose]() {
      halt.abort();
      await all;
    },
  };
}
