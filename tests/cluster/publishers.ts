// Those who publish through any node, each event until it is answered: by HTTP as a producer with sequences, by HTTP
// with a key, and over a client. Owns what was acknowledged and when it was sent; whether that is right is the judge's.
//
// A publisher sends one event of a channel at a time, so that its own order can be told from the log.

import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient } from '@millrace/client';
import { type Cursor, MillraceError, parseCursor, parseWireError } from '@millrace/protocol';
import { channelOf } from '../soak/readers.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import { numberOf } from './contract.ts';
import type { Node } from './fleet.ts';

export interface Acknowledged {
  readonly id: string;
  readonly n: number;
  readonly epoch: string;
  readonly offset: number;
  /** When the attempt began that was answered, and when the answer came, ms since 1970. */
  readonly sentAtMs: number;
  readonly answeredAtMs: number;
}

export interface Attempts {
  /** Attempts that were refused or not answered, by what was told. */
  readonly failures: Map<string, number>;
  /** The longest that a node took to answer an attempt without a network in between, ms. */
  slowestMs: number;
  readonly problems: string[];
}

export interface Publishers {
  readonly acknowledged: readonly Acknowledged[];
  readonly attempts: Attempts;
  /** What is not answered yet, as "publisher, channel, number". */
  pending(): readonly string[];
  /** Publishes nothing new, and waits for what is unanswered; what is not answered in time stays pending. */
  stop(withinMs: number): Promise<void>;
}

export interface PublishersOptions {
  readonly count: number;
  readonly ids: readonly string[];
  /** Of all together. */
  readonly perSecond: number;
  readonly random: SeededRandom;
  /** The hub through the faulty network. */
  readonly networkUrl: string;
  /** Where a node can be asked without a network in between. */
  readonly live: () => readonly Node[];
  /** A node that is up and not frozen answers within this, ms. */
  readonly answeredWithinMs: number;
}

type Attempt =
  | { readonly kind: 'done'; readonly cursor: Cursor }
  | { readonly kind: 'again'; readonly why: string }
  /** The producer is not remembered: it goes on as a new one. */
  | { readonly kind: 'forgotten' };

interface Lane {
  count: number;
  epoch: number;
  sequence: number;
}

export function startPublishers(options: PublishersOptions): Publishers {
  const { count, ids, perSecond, random, networkUrl, live, answeredWithinMs } = options;
  const acknowledged: Acknowledged[] = [];
  const attempts: Attempts = { failures: new Map(), slowestMs: 0, problems: [] };
  const unanswered = new Map<number, string>();
  const halt = new AbortController();
  const quit = new AbortController();
  const clients: Client[] = [];

  function fail(why: string): void {
    attempts.failures.set(why, (attempts.failures.get(why) ?? 0) + 1);
  }

  /** One request without a network in between: the node must answer in time, with what can be repeated. */
  async function direct(body: string, draw: SeededRandom): Promise<Attempt> {
    const nodes = live();
    if (nodes.length === 0) return { kind: 'again', why: 'no node' };
    const node = draw.pick(nodes);
    const startedAt = Date.now();
    const attempt = await post(`${node.url}/realtime/publish`, body, 20_000);
    const tookMs = Date.now() - startedAt;
    const wasKilled = node.killedAtMs >= startedAt - 1_000 || !node.isUp();
    if (!wasKilled) {
      attempts.slowestMs = Math.max(attempts.slowestMs, tookMs);
      if (tookMs > answeredWithinMs) {
        const what = attempt.kind === 'again' ? attempt.why : attempt.kind;
        attempts.problems.push(`node ${node.index} took ${tookMs} ms to answer a publish: ${what}`);
      }
    }
    return attempt;
  }

  /** What this publisher's attempts go by. */
  function wayOf(publisher: number, draw: SeededRandom): Way {
    const isProducer = publisher % 2 === 0;
    const bodyOf: BodyOf = (id, n, lane) => {
      const repeat = isProducer
        ? { producer: { id: `p${publisher}`, epoch: lane.epoch, sequence: lane.sequence } }
        : { key: `p${publisher}-${n}` };
      const event = { type: 'tick', data: { n, sentAt: Date.now() } };
      return JSON.stringify({ events: [{ channel: channelOf(id).name, event, ...repeat }] });
    };
    if (publisher % 4 === 3) {
      const client = createClient({ url: networkUrl, beatMs: 2_000, onError: () => undefined });
      clients.push(client);
      return async (id, n) => {
        const event = { type: 'tick', data: { n, sentAt: Date.now() } } as const;
        try {
          const cursor = await client.publish(channelOf(id), event, { key: `p${publisher}-${n}` });
          return { kind: 'done', cursor };
        } catch (thrown) {
          return again(thrown);
        }
      };
    }
    if (publisher % 4 === 2) {
      return (id, n, lane) => post(`${networkUrl}/publish`, bodyOf(id, n, lane), 6_000);
    }
    return (id, n, lane) => direct(bodyOf(id, n, lane), draw);
  }

  async function publishOne(publisher: number, way: Way, id: string, lane: Lane): Promise<void> {
    lane.count += 1;
    lane.sequence += 1;
    const n = numberOf(publisher, lane.count);
    unanswered.set(publisher, `publisher ${publisher}, ${id}, ${n}`);
    while (!quit.signal.aborted) {
      const sentAtMs = Date.now();
      const attempt = await way(id, n, lane);
      if (attempt.kind === 'done') {
        const { epoch, offset } = attempt.cursor;
        acknowledged.push({ id, n, epoch, offset, sentAtMs, answeredAtMs: Date.now() });
        unanswered.delete(publisher);
        return;
      }
      if (attempt.kind === 'forgotten') {
        fail('publish/sequence-gap');
        lane.epoch += 1;
        lane.sequence = 1;
      } else {
        fail(attempt.why);
        await sleep(100 + Math.random() * 200);
      }
    }
  }

  async function run(publisher: number): Promise<void> {
    const draw = random.fork(publisher);
    const way = wayOf(publisher, draw.fork(1));
    const lanes = new Map<string, Lane>();
    const everyMs = (1_000 * count) / perSecond;
    while (!halt.signal.aborted) {
      const startedAt = Date.now();
      const id = draw.pick(ids);
      const lane = lanes.get(id) ?? { count: 0, epoch: 1, sequence: 0 };
      lanes.set(id, lane);
      await publishOne(publisher, way, id, lane);
      const leftMs = everyMs * (0.5 + draw.next()) - (Date.now() - startedAt);
      if (leftMs > 0) {
        // Cut short by `stop`; nothing else can reject it.
        await sleep(leftMs, undefined, { signal: halt.signal }).catch(() => undefined);
      }
    }
  }

  const running = Promise.all(Array.from({ length: count }, (_, publisher) => run(publisher)));
  running.catch((error: unknown) => attempts.problems.push(`a publisher failed: ${String(error)}`));
  return {
    acknowledged,
    attempts,
    pending: () => [...unanswered.values()],
    async stop(withinMs) {
      halt.abort();
      const late = sleep(withinMs, 'late' as const, { ref: false });
      if ((await Promise.race([running, late])) === 'late') quit.abort();
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}

type Way = (id: string, n: number, lane: Lane) => Promise<Attempt>;
type BodyOf = (id: string, n: number, lane: Lane) => string;

async function post(url: string, body: string, withinMs: number): Promise<Attempt> {
  let answer: { results?: { cursor?: string; error?: { code: string } }[]; error?: unknown };
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(withinMs),
    });
    answer = (await response.json()) as typeof answer;
  } catch (error) {
    // Killed, reset, or cut in the middle of the answer: all the same to a publisher.
    return { kind: 'again', why: error instanceof Error ? error.name : 'lost' };
  }
  const [result] = answer.results ?? [];
  if (result?.cursor !== undefined) return { kind: 'done', cursor: parseCursor(result.cursor) };
  const error = result?.error ?? answer.error;
  return again(parseWireError(error));
}

/** @throws what cannot be repeated: it is a defect here */
function again(thrown: unknown): Attempt {
  if (!(thrown instanceof MillraceError)) throw thrown;
  if (thrown.code === 'publish/sequence-gap') return { kind: 'forgotten' };
  if (thrown.retryable) return { kind: 'again', why: thrown.code };
  throw thrown;
}
