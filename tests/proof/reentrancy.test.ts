// Promise T21: inside every callback of the client, over real sockets and cuts, the application subscribes, unsubscribes,
// closes, connects, publishes and throws. Nothing is lost, nothing doubled, no rejection goes unhandled.
import { type Carrier, type Client, createClient } from '@millrace/client';
import type { Cursor } from '@millrace/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type MatrixHub, numbers, startMatrixHub, sums, upTo } from '../matrix/matrix-hub.ts';
import { createSeededRandom, type SeededRandom, seedOfRun } from '../support/seeded-random.ts';
import { until } from '../support/wait.ts';

const seed = seedOfRun('reentrancy');
const carriers: readonly (Carrier | 'all')[] = ['websocket', 'sse', 'poll', 'all'];
const channel = numbers.of({ name: 'turns' });
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);

beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', onUnhandled);
});

afterEach(() => {
  process.off('unhandledRejection', onUnhandled);
});

interface Follower {
  /** `n` of each event, in order, over all its subscriptions. */
  readonly seen: readonly number[];
  readonly verdicts: readonly string[];
  /** Ends its subscription and begins another where that one stood. */
  turnOver(): void;
}

/** Follows the channel from its start; `act` is called inside each of its callbacks. */
function follow(client: Client, act: () => void): Follower {
  const seen: number[] = [];
  const verdicts: string[] = [];
  let position: Cursor | null = null;
  let end: () => void = () => undefined;
  function subscribe(): void {
    let isMine = true;
    const stop = client.subscribe(channel, {
      start: position ?? 'start',
      onVerdict({ verdict }) {
        verdicts.push(isMine ? verdict : `late ${verdict}`);
        act();
      },
      onEvent({ data }, cursor) {
        if (!isMine) verdicts.push(`late event ${data.n}`);
        seen.push(data.n);
        position = cursor;
        act();
      },
    });
    end = () => {
      isMine = false;
      stop();
    };
  }
  subscribe();
  return {
    seen,
    verdicts,
    turnOver() {
      end();
      subscribe();
    },
  };
}

describe.each(carriers)('CLI-7: over %s, whatever is done inside a callback', (carrier) => {
  test('every subscriber gets every event once and in order, and what was thrown is reported', async () => {
    await using server = await startMatrixHub({}, { limits: { maxHoldMs: 400 } });
    const random = createSeededRandom(seed);
    const errors: string[] = [];
    const state: { thrown: number; published: Promise<unknown>[] } = { thrown: 0, published: [] };
    await using client = createClient({
      url: server.url,
      ...(carrier === 'all' ? {} : { transports: [carrier] }),
      environment: { random: () => 0 },
      onError(error) {
        errors.push(error.cause instanceof Error ? error.cause.message : error.message);
        // The sink is a callback too.
        if (random.next() < 0.1) client.connect();
      },
    });
    const followers: Follower[] = [];
    const act = (): void => misbehave({ client, random, followers, state });
    client.status.subscribe(() => {
      if (random.next() < 0.2) act();
    });
    const calm = follow(client, () => undefined);
    for (let n = 0; n < 3; n += 1) followers.push(follow(client, act));
    client.subscribe(sums.of({ name: 'turns' }), { onState: act, onVerdict: act });

    const total = 150;
    await publishAndCut(server, random, total);
    await until(() => [calm, ...followers].every(({ seen }) => seen.length >= total), {
      label: 'everything',
      deadlineMs: 50_000,
      everyMs: 50,
      details: () => [calm, ...followers].map(({ seen }) => seen.length).join(),
    });
    for (const { seen, verdicts } of [calm, ...followers]) {
      expect(seen.slice(0, total), `seed ${seed}`).toEqual(upTo(total));
      expect(new Set(verdicts), `seed ${seed}`).toEqual(new Set(['exact']));
    }
    expect(calm.verdicts).toEqual(['exact']);
    await client.close();
    await Promise.allSettled(state.published);
    expect(errors.length).toBeGreaterThanOrEqual(Math.min(1, state.thrown));
    expect(errors.filter((message) => !message.includes('on purpose'))).toEqual([]);
    expect(unhandled).toEqual([]);
  });
});

async function publishAndCut(
  server: MatrixHub,
  random: SeededRandom,
  total: number,
): Promise<void> {
  for (let n = 1; n <= total; n += 1) {
    await server.hub.publish(channel, { type: 'counted', data: { n } });
    await server.hub.publish(sums.of({ name: 'turns' }), { type: 'counted', data: { n } });
    if (random.next() < 0.5) await new Promise((resolve) => setTimeout(resolve, 5));
    if (random.next() < 0.03) server.proxy.cutAll({ how: random.pick(['rst', 'fin']) });
  }
}

function misbehave(app: {
  readonly client: Client;
  readonly random: SeededRandom;
  readonly followers: readonly Follower[];
  readonly state: { thrown: number; readonly published: Promise<unknown>[] };
}): void {
  const { client, random, followers, state } = app;
  const aside = (): (() => void) =>
    client.subscribe(numbers.of({ name: `aside-${random.between(1, 3)}` }), { start: 'now' });
  switch (random.between(0, 24)) {
    case 0:
    case 1:
      // The status may change before anybody follows.
      return followers.length === 0 ? undefined : random.pick(followers).turnOver();
    case 2:
      return void aside();
    case 3:
      return aside()();
    case 4:
      void client.close();
      return client.connect();
    case 5:
      client.retryNow();
      return client.connect();
    case 6:
      state.published.push(
        client
          .publish(numbers.of({ name: 'answers' }), { type: 'counted', data: { n: 1 } })
          .catch(() => undefined),
      );
      return;
    case 7:
      state.thrown += 1;
      throw new Error('thrown on purpose');
    default:
  }
}
