// One run of promise T15: an answer of half a minute on three node processes, whose tool and text come from a model behind
// HTTP. Everybody who watches it is cut off twenty times, three nodes are killed (kill -9; whichever the seed says, the one
// that writes it or others) and started again, and who joins in the middle must be there at once. Owns the run; the verdict
// is a list of problems.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createModelServer, type ModelAnswer, type ModelRequest } from '@millrace/ai/testing';
import {
  aiRuns,
  EMPTY_RUN,
  foldRun,
  type RunEvent,
  type RunState,
  textOfRun,
} from '@millrace/protocol/runs';
import { encodeClientFrame, PROTOCOL_VERSION, parseServerFrame } from '@millrace/protocol/wire';
import { startPostgres, startRedis } from '@millrace/server/testing/servers';
import pg from 'pg';
import { WebSocket } from 'ws';
import type { EngineWords } from '../cluster/engines/open.ts';
import { CLIENTS } from '../runs/clients.ts';
import { bundlePage } from '../runs/page/bundle-page.ts';
import type { Chromium } from '../support/chromium.ts';
import { createSeededRandom, type SeededRandom } from '../support/seeded-random.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { until } from '../support/wait.ts';
import {
  openNative,
  openPage,
  openReader,
  type Viewer,
  type ViewerOptions,
} from './answer-viewers.ts';

export interface AnswersOptions {
  readonly seed: number;
  readonly engine: 'redis' | 'postgres';
  readonly chromium: Chromium | null;
  say(line: string): void;
}

export interface AnswersReport {
  readonly seed: number;
  readonly engine: string;
  readonly status: string;
  /** Characters of the answer. */
  readonly length: number;
  readonly viewers: number;
  /** Over all viewers, and the fewest of any. */
  readonly cuts: number;
  readonly fewestCuts: number;
  /** Nodes that were killed, and how often one of them was writing the answer. */
  readonly kills: number;
  readonly ownerDeaths: number;
  /** From the death of an owner until the model is asked again, at most, ms. */
  readonly takeoverMs: number;
  /** Frames that who joined in the middle got before it had what others had by then, at most. */
  readonly joinFrames: number;
  readonly seconds: number;
  readonly problems: readonly string[];
}

const NODES = 3;
const KILLS = 3;
const CUTS = 20;
const WORDS = 500;
const EVERY_MS = 60;
/** In which an owner's death must be over: its lease, and the next look. */
const TAKEOVER_MS = 10_000;

/** What a model says in words, some of them of letters that take several bytes. */
function wordsOf(random: SeededRandom, count: number): readonly string[] {
  const letters = [
    'a',
    'e',
    'n',
    'r',
    's',
    't',
    'é',
    'ß',
    '数',
    '据',
    '😀',
    '👩‍👧',
    '"',
    '\\',
    '\n',
    '<b>',
  ];
  const word = (): string =>
    Array.from({ length: random.between(1, 7) }, () => random.pick(letters)).join('');
  return Array.from({ length: count }, () => `${word()} `);
}

export async function runAnswers(options: AnswersOptions): Promise<AnswersReport> {
  const { seed, engine, chromium, say } = options;
  const random = createSeededRandom(seed);
  const beganAt = performance.now();
  const problems: string[] = [];
  await using stack = new AsyncDisposableStack();

  const asking = wordsOf(random.fork(1), 20);
  const answering = wordsOf(random.fork(2), WORDS);
  const models = stack.use(
    await createModelServer({ answer: (request) => answerTo(request, asking, answering) }),
  );
  const { nodes, pool } = await startNodes(stack, engine, models.url);
  const targets = nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
  const chat = `join-soak-${seed}`;
  const runId = await (await fetch(`${nodes[0]?.url}/start/${chat}`, { method: 'POST' })).text();
  async function stored(): Promise<string | null> {
    const text = 'select text from messages where run_id = $1';
    const { rows } = await pool.query<{ readonly text: string }>(text, [runId]);
    return rows[0]?.text ?? null;
  }

  const viewing = (part: number): ViewerOptions => ({
    ...{ targets, chat, runId, random: random.fork(10 + part) },
    isStored: async (text) => (await stored()) === text,
  });
  const native = stack.use(await openNative(viewing(0)));
  // Never cut off on purpose: what is true by now, for who joins in the middle.
  const witness = stack.use(await openNative(viewing(1)));
  const opened: Promise<Viewer>[] = CLIENTS.map((client, at) =>
    openReader(client, viewing(2 + at)),
  );
  if (chromium !== null) {
    opened.push(
      ...['useChat 7', 'EventSource'].map((client, at) =>
        openPage(chromium, client, viewing(20 + at)),
      ),
    );
  }
  const viewers = [native, ...(await Promise.all(opened))];
  for (const one of viewers) stack.use(one);
  await until(() => viewers.every((one) => one.text() !== ''), {
    ...{ label: 'the first words', deadlineMs: 30_000 },
    details: () => viewers.map((one) => `${one.name}: ${one.text()}`).join('\n'),
  });

  const over = new AbortController();
  const cutting = viewers.map((one, at) =>
    cutAgainAndAgain(one, random.fork(40 + at), over.signal),
  );
  const killing = killNodes(nodes, random.fork(3), models.requests);
  let joinFrames = 0;
  const joining = (async () => {
    // A second device, half way through.
    await until(() => witness.text().length > answering.join('').length / 3, {
      ...{ label: 'a third of the answer', deadlineMs: 120_000, everyMs: 50 },
    });
    for (let tries = 0; tries < 3; tries += 1) {
      const frames = await framesUntil(witness, nodes, runId);
      if (frames === null) continue;
      joinFrames = Math.max(joinFrames, frames);
    }
    if (joinFrames === 0) problems.push('nobody could join in the middle');
    if (joinFrames > 3) problems.push(`who joined had ${joinFrames} frames before the live tail`);
  })();
  joining.catch(() => undefined);

  const { ownerDeaths, takeoverMs } = await killing;
  if (takeoverMs > TAKEOVER_MS) problems.push(`taken over only after ${takeoverMs} ms`);
  await until(async () => (await stored()) !== null, {
    ...{ label: 'the end of the answer', deadlineMs: 90_000, everyMs: 100 },
    details: () => `${witness.text().length} characters`,
  }).catch((thrown: unknown) => problems.push(String(thrown)));
  over.abort();
  await Promise.all([
    ...cutting,
    joining.catch((thrown: unknown) => problems.push(String(thrown))),
  ]);
  const whole = await stored();
  await Promise.race([Promise.all(viewers.map(({ done }) => done)), sleep(30_000)]);
  for (const one of [...viewers, witness]) {
    if (one.text() !== whole) problems.push(`${one.name}: ${difference(one.text(), whole ?? '')}`);
  }
  const { rows: made } = await pool.query<{ readonly key: string; readonly times: number }>(
    'select key, count(*)::int as times from made group by key having count(*) > 1',
  );
  for (const { key, times } of made) problems.push(`the tool ran ${times} times for ${key}`);
  const status = witness.state().status ?? 'unknown';
  const isUnharmed = ownerDeaths === 0;
  const said = asking.join('') + answering.join('');
  if (isUnharmed && whole !== said)
    problems.push(`the model said ${difference(whole ?? '', said)}`);
  if (!isUnharmed && status === 'completed' && !whole?.endsWith(answering.join(''))) {
    problems.push('it does not end as the model ended');
  }
  if (status !== 'completed' && status !== 'interrupted') problems.push(`it ended as ${status}`);
  const fewestCuts = Math.min(...viewers.map(({ cuts }) => cuts));
  say(viewers.map(({ name, cuts }) => `${name} ${cuts}`).join(', '));
  return {
    ...{ seed, engine, status, length: whole?.length ?? 0, viewers: viewers.length + 1 },
    cuts: viewers.reduce((sum, { cuts }) => sum + cuts, 0),
    ...{ fewestCuts, kills: KILLS, ownerDeaths, takeoverMs, joinFrames },
    seconds: Math.round((performance.now() - beganAt) / 1_000),
    problems,
  };
}

/** The first step asks for the tool, the second writes the answer. */
function answerTo(
  { body }: ModelRequest,
  asking: readonly string[],
  answering: readonly string[],
): ModelAnswer {
  const messages = body['messages'] as readonly { readonly role: string }[];
  const isFirst = messages.at(-1)?.role === 'user';
  const everyMs = EVERY_MS;
  if (!isFirst) return { text: answering, everyMs };
  return { text: asking, everyMs, toolCalls: [{ name: 'count', arguments: { what: 'trades' } }] };
}

async function startNodes(
  stack: AsyncDisposableStack,
  engine: 'redis' | 'postgres',
  modelUrl: string,
): Promise<{ readonly nodes: readonly ServerProcess[]; readonly pool: pg.Pool }> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-answers-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const pageScript = join(folder, 'page.js');
  await writeFile(pageScript, await bundlePage());
  const postgres = stack.use(await startPostgres());
  const redis = engine === 'redis' ? stack.use(await startRedis()) : null;
  const words: EngineWords =
    redis === null
      ? { kind: 'postgres', port: postgres.port }
      : { kind: 'redis', port: redis.port };
  const pool = new pg.Pool({ connectionString: postgres.url() });
  stack.defer(() => pool.end());
  await pool.query('create table made (key text, at timestamptz default now())');
  await pool.query('create table messages (run_id text primary key, text text not null)');
  const starting = Array.from({ length: NODES }, () =>
    startServerProcess({
      entry: join(import.meta.dirname, 'answers-node.ts'),
      env: {
        ...{ DATABASE: postgres.url(), MODEL_URL: modelUrl, PAGE_SCRIPT: pageScript },
        ENGINE: JSON.stringify(words),
      },
      ready: { stdout: /listening/ },
      deadlineMs: 40_000,
    }),
  );
  const nodes = await Promise.all(starting);
  for (const node of nodes) stack.use(node);
  return { nodes, pool };
}

async function cutAgainAndAgain(
  viewer: Viewer,
  random: SeededRandom,
  over: AbortSignal,
): Promise<void> {
  while (viewer.cuts < CUTS && !over.aborted) {
    await sleep(random.between(200, 1_400));
    if (!over.aborted) viewer.cut();
  }
}

/** Three of them, one after the other, each started again. */
async function killNodes(
  nodes: readonly ServerProcess[],
  random: SeededRandom,
  requests: readonly ModelRequest[],
): Promise<{ readonly ownerDeaths: number; readonly takeoverMs: number }> {
  let ownerDeaths = 0;
  let takeoverMs = 0;
  const isAsked = (): boolean => requests.some(({ ended }) => ended === null);
  for (let kill = 0; kill < KILLS; kill += 1) {
    await sleep(random.between(2_000, 6_000));
    const wasAsked = isAsked();
    const before = requests.length;
    const at = performance.now();
    const node = random.pick(nodes);
    await node.kill('SIGKILL');
    await sleep(100);
    const isHit = wasAsked && !isAsked() && requests.at(-1)?.ended?.by === 'client';
    const restarting = sleep(random.between(0, 2_000)).then(() => node.restart());
    if (isHit) {
      ownerDeaths += 1;
      const asked = until(() => requests.length > before, {
        ...{ label: 'another owner', deadlineMs: 2 * TAKEOVER_MS, everyMs: 20 },
      });
      await asked.catch(() => undefined);
      // The last one may have been one too many: then it is over, as interrupted.
      if (ownerDeaths < KILLS) takeoverMs = Math.max(takeoverMs, performance.now() - at);
    }
    await restarting;
  }
  return { ownerDeaths, takeoverMs: Math.round(takeoverMs) };
}

/** How many frames a native reader gets until it has what the witness had when it joined; null where it was cut off. */
async function framesUntil(
  witness: { text(): string },
  nodes: readonly ServerProcess[],
  runId: string,
): Promise<number | null> {
  for (const { url } of nodes) {
    const known = witness.text();
    const frames = await readFrames(url.replace('http', 'ws'), runId, known);
    if (frames !== null) return frames;
  }
  return null;
}

function readFrames(url: string, runId: string, known: string): Promise<number | null> {
  const channel = aiRuns.of({ runId });
  const socket = new WebSocket(`${url}/realtime/ws`, 'millrace.1');
  let count = 0;
  let state: RunState = EMPTY_RUN;
  return new Promise((resolve) => {
    const settle = (frames: number | null): void => {
      socket.terminate();
      resolve(frames);
    };
    const timer = setTimeout(() => settle(null), 5_000);
    socket.on('close', () => {
      clearTimeout(timer);
      settle(null);
    });
    socket.on('error', () => undefined);
    socket.on('open', () =>
      socket.send(
        encodeClientFrame({
          ...{
            type: 'connect',
            protocol: PROTOCOL_VERSION,
            session: crypto.randomUUID().replaceAll('-', '').slice(0, 22),
            link: 1,
          },
          channels: [{ channel: channel.name, start: 'start', version: channel.contract.version }],
        }),
      ),
    );
    socket.on('message', (data: Buffer) => {
      count += 1;
      const frame = parseServerFrame(data.toString());
      // The contract's own state and events.
      if (frame.type === 'verdict' && frame.verdict === 'snapshot') state = frame.state as RunState;
      if (frame.type === 'events') {
        for (const event of frame.events) state = foldRun(state, event as RunEvent);
      }
      if (textOfRun(state).length >= known.length) settle(count);
    });
  });
}

function difference(got: string, wanted: string): string {
  let at = 0;
  while (at < got.length && got[at] === wanted[at]) at += 1;
  return `${got.length} characters of ${wanted.length}, other from ${at} on: ${JSON.stringify(got.slice(at, at + 60))} for ${JSON.stringify(wanted.slice(at, at + 60))}`;
}
