// One run of promise T15: an answer of forty seconds on three node processes, whose tool and text come from a model behind
// HTTP. Everybody who watches it is cut off twenty times, three nodes are killed (kill -9; whichever the seed says, the one
// that writes it or others) and started again, and who joins in the middle must be there at once. Owns the run; the verdict
// is a list of problems.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createModelServer, type ModelAnswer, type ModelRequest } from '@millrace/ai/testing';
import { isFinalStatus } from '@millrace/protocol/runs';
import { startPostgres, startRedis } from '@millrace/server/testing/servers';
import pg from 'pg';
import type { EngineWords } from '../cluster/engines/open.ts';
import { CLIENTS } from '../runs/clients.ts';
import { bundlePage } from '../runs/page/bundle-page.ts';
import type { Chromium } from '../support/chromium.ts';
import { createSeededRandom, type SeededRandom } from '../support/seeded-random.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { until } from '../support/wait.ts';
import { framesUntil } from './answer-joiner.ts';
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
const WORDS = 640;
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
  const { seed, engine, say } = options;
  const random = createSeededRandom(seed);
  const beganAt = performance.now();
  await using stack = new AsyncDisposableStack();
  const script: Script = {
    asking: wordsOf(random.fork(1), 20),
    answering: wordsOf(random.fork(2), WORDS),
  };
  const models = stack.use(await createModelServer({ answer: (one) => answerTo(one, script) }));
  const bed = await startNodes(stack, engine, models.url);
  const chat = `join-soak-${seed}`;
  const { nodes } = bed;
  const runId = await (await fetch(`${nodes[0]?.url}/start/${chat}`, { method: 'POST' })).text();
  const answer: Answer = { ...{ bed, script, chat, runId }, requests: models.requests };
  const { viewers, witness } = await openViewers(stack, answer, random, options.chromium);

  const over = new AbortController();
  const cutting = viewers.map((one, at) =>
    cutAgainAndAgain(one, random.fork(40 + at), over.signal),
  );
  const joining = joinInTheMiddle(answer, witness);
  const { ownerDeaths, takeoverMs } = await killNodes(answer, random.fork(3));
  const isStored = until(async () => (await storedText(answer)) !== null, {
    ...{ label: 'the end of the answer', deadlineMs: 90_000, everyMs: 100 },
    details: () => `${witness.text().length} characters`,
  });
  const ended = await isStored.then(none, failed);
  over.abort();
  const { joinFrames, problems } = await joining;
  await Promise.all(cutting);
  await Promise.race([Promise.all(viewers.map(({ done }) => done)), sleep(30_000)]);
  const status = witness.state().status ?? 'unknown';
  const verdict = await judge(answer, [...viewers, witness], { ownerDeaths, takeoverMs, status });
  say(viewers.map(({ name, cuts }) => `${name} ${cuts}`).join(', '));
  return {
    ...{ seed, engine, status, length: witness.text().length, viewers: viewers.length + 1 },
    cuts: viewers.reduce((sum, { cuts }) => sum + cuts, 0),
    fewestCuts: Math.min(...viewers.map(({ cuts }) => cuts)),
    ...{ kills: KILLS, ownerDeaths, takeoverMs, joinFrames },
    seconds: Math.round((performance.now() - beganAt) / 1_000),
    problems: [...ended, ...problems, ...verdict],
  };
}

/** What the model says before its tool, and after it. */
interface Script {
  readonly asking: readonly string[];
  readonly answering: readonly string[];
}

interface Bed {
  readonly nodes: readonly ServerProcess[];
  readonly pool: pg.Pool;
}

interface Answer {
  readonly bed: Bed;
  readonly script: Script;
  readonly chat: string;
  readonly runId: string;
  /** What the model was asked. */
  readonly requests: readonly ModelRequest[];
}

const none = (): readonly string[] => [];
const failed = (thrown: unknown): readonly string[] => [String(thrown)];

async function storedText({ bed, runId }: Answer): Promise<string | null> {
  const text = 'select text from messages where run_id = $1';
  const { rows } = await bed.pool.query<{ readonly text: string }>(text, [runId]);
  return rows[0]?.text ?? null;
}

type Native = Awaited<ReturnType<typeof openNative>>;

/** Resolves once each has the first words. `witness`: never cut off on purpose, and so what is true by now. */
async function openViewers(
  stack: AsyncDisposableStack,
  answer: Answer,
  random: SeededRandom,
  chromium: Chromium | null,
): Promise<{ readonly viewers: readonly Viewer[]; readonly witness: Native }> {
  const { bed, chat, runId } = answer;
  const targets = bed.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
  const viewing = (part: number): ViewerOptions => ({
    ...{ targets, chat, runId, random: random.fork(10 + part) },
    isStored: async (text) => (await storedText(answer)) === text,
  });
  const witness = stack.use(await openNative(viewing(1)));
  const opened: Promise<Viewer>[] = [openNative(viewing(0))];
  opened.push(...CLIENTS.map((client, at) => openReader(client, viewing(2 + at))));
  if (chromium !== null) {
    const pages = ['useChat 7', 'EventSource'];
    opened.push(...pages.map((client, at) => openPage(chromium, client, viewing(20 + at))));
  }
  const viewers = await Promise.all(opened);
  for (const one of viewers) stack.use(one);
  await until(() => viewers.every((one) => one.text() !== ''), {
    ...{ label: 'the first words', deadlineMs: 30_000 },
    details: () => viewers.map((one) => `${one.name}: ${one.text()}`).join('\n'),
  });
  return { viewers, witness };
}

/** A second device, three times, from a third of the answer on, if it comes to that. Never rejects. */
async function joinInTheMiddle(
  { bed, script, runId }: Answer,
  witness: Native,
): Promise<{ readonly joinFrames: number; readonly problems: readonly string[] }> {
  let joinFrames = 0;
  const third = script.answering.join('').length / 3;
  const isOver = (): boolean => isFinalStatus(witness.state().status);
  const there = until(() => witness.text().length > third || isOver(), {
    ...{ label: 'a third of the answer', deadlineMs: 120_000, everyMs: 50 },
  });
  const problems = [...(await there.then(none, failed))];
  if (isOver()) return { joinFrames, problems };
  for (let tries = 0; tries < 3; tries += 1) {
    joinFrames = Math.max(joinFrames, (await framesUntil(witness, bed.nodes, runId)) ?? 0);
  }
  if (joinFrames === 0) problems.push('nobody could join in the middle');
  if (joinFrames > 3) problems.push(`who joined had ${joinFrames} frames before the live tail`);
  return { joinFrames, problems };
}

interface Course {
  readonly ownerDeaths: number;
  readonly takeoverMs: number;
  readonly status: string;
}

async function judge(
  answer: Answer,
  viewers: readonly Viewer[],
  { ownerDeaths, takeoverMs, status }: Course,
): Promise<readonly string[]> {
  const { bed, script } = answer;
  const problems: string[] = [];
  const whole = (await storedText(answer)) ?? '';
  for (const one of viewers) {
    if (one.text() !== whole) problems.push(`${one.name}: ${difference(one.text(), whole)}`);
  }
  const { rows } = await bed.pool.query<{ readonly key: string; readonly times: number }>(
    'select key, count(*)::int as times from made group by key having count(*) > 1',
  );
  for (const { key, times } of rows) problems.push(`the tool ran ${times} times for ${key}`);
  const last = script.answering.join('');
  const said = script.asking.join('') + last;
  // What a dead owner had begun to say is said anew, or stays as far as it came: before a call that was made.
  if (ownerDeaths === 0 && whole !== said) problems.push(`model: ${difference(whole, said)}`);
  if (status === 'completed' && !whole.endsWith(last)) problems.push('it ends otherwise');
  if (status !== 'completed' && status !== 'interrupted') problems.push(`it ended as ${status}`);
  if (takeoverMs > TAKEOVER_MS) problems.push(`taken over only after ${takeoverMs} ms`);
  return problems;
}

/** The first step asks for the tool, the second writes the answer. */
function answerTo({ body }: ModelRequest, { asking, answering }: Script): ModelAnswer {
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
): Promise<Bed> {
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
    await sleep(random.between(150, 900));
    if (!over.aborted) viewer.cut();
  }
}

/** Three of them, one after the other, each started again. */
async function killNodes(
  { bed, requests }: Answer,
  random: SeededRandom,
): Promise<{ readonly ownerDeaths: number; readonly takeoverMs: number }> {
  let ownerDeaths = 0;
  let takeoverMs = 0;
  const isAsked = (): boolean => requests.some(({ ended }) => ended === null);
  for (let kill = 0; kill < KILLS; kill += 1) {
    await sleep(random.between(2_000, 6_000));
    const wasAsked = isAsked();
    const before = requests.length;
    const at = performance.now();
    const node = random.pick(bed.nodes);
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

function difference(got: string, wanted: string): string {
  let at = 0;
  while (at < got.length && got[at] === wanted[at]) at += 1;
  return `${got.length} characters of ${wanted.length}, other from ${at} on: ${JSON.stringify(got.slice(at, at + 60))} for ${JSON.stringify(wanted.slice(at, at + 60))}`;
}
