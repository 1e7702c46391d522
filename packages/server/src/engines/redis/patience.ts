// How long a call to Redis waits, and how often it tries: the one loop through which all of them go.
// Nothing is kept for later: what its caller was told has failed is not sent again. Rule: LOG-16.

import { backoffMs as fullJitterMs } from '../backoff.ts';
import { bounded } from '../bounded.ts';
import { failureOf, isConnectionStale, NO_ANSWER, toEngineError, unavailable } from './failure.ts';

const MOST_BACKOFF_MS = 2_100;

export interface Patience {
  /** Within so long each call is answered. */
  readonly answerWithinMs: number;
  /** So long a call waits for a server that is away, and repeats what surely had no effect. 0: not at all. */
  readonly waitMs: number;
}

/** Where calls go. */
export interface Target<Client> {
  /** Null while it cannot take a call: what is sent then would wait in a queue. */
  client(): Client | null;
  /** Resolves when it may be there, at `untilMs` at the latest, by `performance.now()`. */
  changed(untilMs: number): Promise<void>;
  /** It is not the one it was, or does not answer: it should be connected anew. */
  onStale(): void;
  /** Until when calls wait for the very first connection, whatever the patience; 0 once there was one. */
  readonly firstUntilMs: number;
}

export interface Call<Client> {
  /** What goes out in several steps begins none after `byMs` (`performance.now()`): its caller has been told. */
  send(client: Client, byMs: number): Promise<unknown>;
  /**
   * How often it is sent: `again` where nobody knows whether it was done, `until-done` where it surely was not, `once`
   * for what the next call must not overtake.
   */
  readonly tries: 'again' | 'until-done' | 'once';
}

export async function attempt<Client>(
  target: Target<Client>,
  { send, tries: allowed }: Call<Client>,
  { answerWithinMs, waitMs }: Patience,
): Promise<unknown> {
  const startedAt = performance.now();
  const answerBy = startedAt + answerWithinMs;
  // Asked anew each time: once there was a connection, the first one is not waited for.
  const giveUpAt = (): number =>
    Math.min(answerBy, Math.max(startedAt + waitMs, target.firstUntilMs));
  for (let tries = 1; ; tries += 1) {
    const client = await clientBy(target, giveUpAt());
    try {
      return await answered(send(client, answerBy), answerBy);
    } catch (thrown) {
      if (isConnectionStale(thrown)) target.onStale();
      const failure = failureOf(thrown);
      const mayRepeat =
        allowed === 'again'
          ? failure !== 'refused'
          : allowed === 'until-done' && failure === 'not-done';
      const delayMs = backoffMs(tries);
      if (!mayRepeat || performance.now() + delayMs > giveUpAt()) throw toEngineError(thrown);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
  }
}

/** From 100 to 300 ms, then to 500, 900 … 2,100. */
export function backoffMs(tries: number): number {
  return fullJitterMs(tries, MOST_BACKOFF_MS, Math.random());
}

async function clientBy<Client>(target: Target<Client>, untilMs: number): Promise<Client> {
  for (;;) {
    const client = target.client();
    if (client !== null) return client;
    if (performance.now() >= untilMs) throw unavailable();
    await target.changed(untilMs);
  }
}

/** What it resolves with, if it does by then (`performance.now()`). */
export function answered(sent: Promise<unknown>, byMs: number): Promise<unknown> {
  const ms = Math.max(0, byMs - performance.now());
  return bounded(sent, { ms, expired: () => NO_ANSWER });
}
