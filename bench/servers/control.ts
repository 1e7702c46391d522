// The publisher inside every server of the delivery benches, ours and the peers', with the port that steers
// it. So all make the same messages at the same moments; only what delivers them differs.
//
//   GET /start?mode=max|rate&rate=R&burst=B&channels=C&size=S   /stop   /gc   /lag
//   GET /publish?count=N&channels=C     N messages to each channel, now; answered when they are accepted
//
// `max` publishes one burst (over many channels: 1,000 messages) each turn of the event loop, and waits while
// the server says that bytes pile up: in front of a full socket every server is equally fast.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { epochOffsetMs } from '../lib/epoch-clock.ts';
import type { Message } from './bench-channel.ts';

export const port: number = Number(process.env['PORT']);
const controlPort = Number(process.env['CONTROL_PORT']);

export interface Publisher {
  publish(channel: number, message: Message): void;
  /** After the messages of one turn, for a server that joins them. What it returns is awaited. Paced: not at full speed. */
  endTurn?(turn: { readonly isPaced: boolean }): Promise<void> | void;
  /** Whether bytes pile up in front of a socket. Asked each turn: must not look at every socket. */
  isCongested(): boolean;
}

interface Plan {
  readonly isMax: boolean;
  readonly perSecond: number;
  readonly burst: number;
  readonly channels: number;
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export function startControl(publisher: Publisher): void {
  const sequences: number[] = [];
  let filler = '';
  let turns = 0;
  let running = 0;
  let clockOffsetMs = epochOffsetMs();
  const lag = monitorEventLoopDelay({ resolution: 5 });

  const nowUs = (): number => Math.floor((clockOffsetMs + performance.now()) * 1_000);

  function publishNext(channel: number, atUs: number): void {
    const n = (sequences[channel] ?? 0) + 1;
    sequences[channel] = n;
    publisher.publish(channel, { n, t: atUs, ch: `ch${channel}`, d: filler });
  }

  async function publishMax({ channels, burst }: Plan, id: number): Promise<void> {
    const perTurn = channels > 1 ? 1_000 : burst;
    while (running === id) {
      if (publisher.isCongested()) {
        await sleep(1);
        continue;
      }
      for (let count = 0; count < perTurn; count += 1) publishNext(turns++ % channels, nowUs());
      await publisher.endTurn?.({ isPaced: false });
      await nextTurn();
    }
  }

  async function publishAtRate({ channels, burst, perSecond }: Plan, id: number): Promise<void> {
    const startedAt = performance.now();
    // Late counts from when a message was due, not from when this loop came to make it: a server that stands still
    // must not make its own delay disappear by standing still.
    const dueUs = (count: number): number =>
      Math.floor((clockOffsetMs + startedAt + (count / perSecond) * 1_000) * 1_000);
    let sent = 0;
    while (running === id) {
      const passedMs = performance.now() - startedAt;
      const due = Math.floor(((passedMs / 1_000) * perSecond) / burst) * burst;
      for (; sent < due; sent += 1) {
        // The messages of a burst are due together, when its last one is.
        const burstEnd = (Math.floor(sent / burst) + 1) * burst;
        publishNext(turns++ % channels, dueUs(burstEnd));
      }
      await publisher.endTurn?.({ isPaced: true });
      // Until the next is due: a loop of every ms would cost each server 4 % of a core at any pace.
      const nextMs = startedAt + ((sent + burst) / perSecond) * 1_000;
      await sleep(Math.max(1, nextMs - performance.now()));
    }
  }

  function start(query: URLSearchParams): void {
    const plan: Plan = {
      isMax: query.get('mode') === 'max',
      perSecond: Number(query.get('rate')),
      burst: Number(query.get('burst')) || 1,
      channels: Number(query.get('channels')) || 1,
    };
    clockOffsetMs = epochOffsetMs();
    const bare = { n: 10_000, t: nowUs(), ch: 'ch0', d: '' };
    const missing = (Number(query.get('size')) || 200) - JSON.stringify(bare).length;
    filler = 'abcdefghijklmnopqrstuvwxyz'.repeat(3_000).slice(0, Math.max(0, missing));
    turns = 0;
    running += 1;
    const id = running;
    // The answer must be out before a busy loop begins.
    const run = sleep(20).then(() => (plan.isMax ? publishMax(plan, id) : publishAtRate(plan, id)));
    run.catch(giveUp);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://control');
    let told = '{}';
    if (pathname === '/start') start(searchParams);
    else if (pathname === '/stop') running += 1;
    else if (pathname === '/gc') collectGarbage();
    else if (pathname === '/lag') {
      told = JSON.stringify({ p99Ms: lag.percentile(99) / 1e6, maxMs: lag.max / 1e6 });
      lag.reset();
      // From the first time on that it is asked for: it wakes the process 200 times a second.
      lag.enable();
    } else if (pathname === '/publish') {
      const count = Number(searchParams.get('count'));
      const channels = Number(searchParams.get('channels')) || 1;
      for (let each = 0; each < count; each += 1) {
        for (let channel = 0; channel < channels; channel += 1) publishNext(channel, nowUs());
      }
      await publisher.endTurn?.({ isPaced: false });
    }
    response.setHeader('connection', 'close').end(told);
  }

  createServer((request, response) => {
    answer(request, response).catch(giveUp);
  }).listen(controlPort, '127.0.0.1');
}

/** A bench with a publisher that fails in part has no figure. */
function giveUp(error: unknown): never {
  console.error(error);
  process.exit(1);
}

function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error('start it with --expose-gc');
  globalThis.gc();
}
