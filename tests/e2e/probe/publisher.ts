// Publishes numbered ticks at a steady rate and keeps what was accepted, with its cursors: what
// records are compared with. Over HTTP it repeats an unanswered publish under the same key, as an
// application would that must not lose one. Knows nothing of readers.

import { setTimeout as sleep } from 'node:timers/promises';
import { type Cursor, parseCursor } from '@millrace/protocol';
import type { Published } from './check-record.ts';
import { type ProbeKind, probeContracts } from './contract.ts';

export interface Publisher extends AsyncDisposable {
  /** In the order of the answers. */
  readonly accepted: readonly Published[];
  /** Another time between two publishes, from the next one on. */
  pace(everyMs: number): void;
  /** Publishes no more and waits for what is unanswered. Rejects with the first failure. */
  stop(): Promise<void>;
}

/** One after the other, so that `n` rises with the offset. */
export function startPublisher(
  publish: (n: number) => Promise<Cursor>,
  options: { readonly everyMs: number; readonly first?: number },
): Publisher {
  let { everyMs } = options;
  const accepted: Published[] = [];
  const halt = new AbortController();
  async function run(): Promise<void> {
    for (let n = options.first ?? 1; !halt.signal.aborted; n += 1) {
      const { epoch, offset } = await publish(n);
      accepted.push({ n, epoch, offset });
      // Cut short by `stop`; nothing else can reject it.
      await sleep(everyMs, undefined, { signal: halt.signal }).catch(() => undefined);
    }
  }
  const running = run();
  // Told by `stop`; until then it must not end the test process.
  running.catch(() => undefined);
  const stop = async (): Promise<void> => {
    halt.abort();
    await running;
  };
  return {
    accepted,
    pace(ms) {
      everyMs = ms;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

export interface HttpPublishOptions {
  /** The hub's address, such as `http://127.0.0.1:3000/realtime`. */
  readonly url: string;
  readonly id: string;
  /** Ends keys apart when several publish to one channel. Default `p`. */
  readonly name?: string;
  /** Milliseconds after which an unanswered publish is a failure. Default 30000. */
  readonly deadlineMs?: number;
  /** Default `plain`. */
  readonly kind?: ProbeKind;
}

/** `POST …/publish`, repeated under one key until it is answered. */
export function httpPublish(options: HttpPublishOptions): (n: number) => Promise<Cursor> {
  const { url, id, name = 'p', deadlineMs = 30_000, kind = 'plain' } = options;
  const channel = probeContracts[kind].of({ id }).name;
  return async (n) => {
    const body = JSON.stringify({
      events: [
        { channel, key: `${name}-${n}`, event: { type: 'tick', data: { n, sentAt: Date.now() } } },
      ],
    });
    const giveUpAt = Date.now() + deadlineMs;
    for (;;) {
      const answer = await tryOnce(`${url}/publish`, body);
      if (answer !== null) return answer;
      if (Date.now() > giveUpAt) throw new Error(`publishing ${name}-${n} was not answered`);
      await sleep(50);
    }
  };
}

/** Null when nothing or a retryable refusal came back: whether it was accepted is not known. */
async function tryOnce(url: string, body: string): Promise<Cursor | null> {
  let answer: { results?: { cursor?: string; error?: { retryable?: boolean } }[] };
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(3_000),
    });
    if (response.status === 503) return null;
    answer = (await response.json()) as typeof answer;
  } catch {
    // Killed, reset, or cut in the middle of the answer: all the same to a publisher.
    return null;
  }
  const [result] = answer.results ?? [];
  if (result?.cursor !== undefined) return parseCursor(result.cursor);
  if (result?.error?.retryable === true) return null;
  throw new Error(`publishing was refused: ${JSON.stringify(answer)}`);
}
