// What streams answers of language models, as a program of its own, in one of three ways (`WAY`), so that they can be
// compared: `millrace` (runs, each viewer an event stream of the SDK's format), `sdk` (`streamText` of the AI SDK piped
// to its viewers, and to nobody who comes later) and `bare` (the SDK's loop alone, read by nobody).
//
//   POST /run        begins an answer (`sdk`: with its last viewer), and tells its id
//   GET  /ui/<id>    a viewer
//   GET  /usage      tokens made so far, CPU time, and how late the event loop was since the last time

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { createRuns, serveUiStream } from '@millrace/ai';
import { aiRuns, conversations } from '@millrace/protocol/runs';
import { createHub, memoryEngine } from '@millrace/server';
import { postgresDatabase } from '@millrace/server/postgres';
import { type LanguageModel, pipeUIMessageStreamToResponse, streamText } from 'ai';
import pg from 'pg';
import { tokenModel } from '../lib/token-model.ts';

export interface AiRunsUsage {
  readonly tokens: number;
  /** User and system. */
  readonly cpuMs: number;
  readonly lagP99Ms: number;
}

const env = (name: string): string => process.env[name] ?? '';
const viewersPerRun = Number(env('VIEWERS'));
let tokens = 0;

/** Over HTTP where there is a server for it, else made here. */
function model(): LanguageModel {
  if (env('MODEL_URL') === '') {
    return tokenModel({ perSecond: Number(env('TOKENS_PER_S')), onToken: () => (tokens += 1) });
  }
  const provider = createOpenAICompatible({ name: 'bench', baseURL: env('MODEL_URL') });
  return provider('stamped');
}

const prompt = [{ role: 'user' as const, content: 'Count.' }];
const say = (error: unknown): void => console.error(error);

interface Way {
  begin(): Promise<string>;
  view(id: string, response: ServerResponse): unknown;
}

async function millrace(): Promise<Way> {
  const database = postgresDatabase({
    pool: new pg.Pool({ connectionString: env('DATABASE'), max: 4 }),
    onError: say,
  });
  const hub = createHub({
    engine: memoryEngine(),
    contracts: [aiRuns, conversations],
    authorize: () => true,
    outbox: { database },
    onError: say,
  });
  const runs = await createRuns({
    hub,
    database,
    onError: say,
    maxOwned: 1_000,
    windowMs: Number(env('WINDOW_MS')),
    answer: () => ({ model: model(), messages: prompt }),
  });
  let begun = 0;
  return {
    async begin() {
      begun += 1;
      const { run } = await runs.start({
        conversationId: `bench-${process.pid}-${begun}`,
        userId: `user-${begun}`,
        question: null,
      });
      return run.id;
    },
    view: (runId, response) => serveUiStream(hub, response, { runId, version: 7 }),
  };
}

function sdk(): Way {
  const waiting = new Map<string, ServerResponse[]>();
  let begun = 0;
  return {
    begin() {
      begun += 1;
      waiting.set(`${begun}`, []);
      return Promise.resolve(`${begun}`);
    },
    view(id, response) {
      const viewers = waiting.get(id);
      viewers?.push(response);
      if (viewers?.length !== viewersPerRun) return;
      let rest = streamText({ model: model(), messages: prompt }).toUIMessageStream();
      for (const [index, viewer] of viewers.entries()) {
        // The last one needs no copy.
        const [mine, others] = index === viewers.length - 1 ? [rest, rest] : rest.tee();
        rest = others;
        void pipeUIMessageStreamToResponse({ response: viewer, stream: mine });
      }
    },
  };
}

function bare(): Way {
  return {
    begin() {
      void readAll();
      return Promise.resolve('none');
    },
    view: (_, response) => response.end(),
  };
}

async function readAll(): Promise<void> {
  for await (const _ of streamText({ model: model(), messages: prompt }).stream);
}

const ways: Readonly<Record<string, () => Way | Promise<Way>>> = { millrace, sdk, bare };
const way = await ways[env('WAY')]?.();
if (way === undefined) throw new Error('WAY is millrace, sdk or bare');
const lag = monitorEventLoopDelay({ resolution: 5 });
lag.enable();

function usage(): AiRunsUsage {
  const { user, system } = process.cpuUsage();
  const told = { tokens, cpuMs: (user + system) / 1_000, lagP99Ms: lag.percentile(99) / 1e6 };
  lag.reset();
  return told;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, what, id = ''] = (request.url ?? '').split('/');
  if (what === 'run') response.end(await way?.begin());
  else if (what === 'ui') await way?.view(id, response);
  else response.end(JSON.stringify(usage()));
}

const server = createServer((request, response) => void answer(request, response).catch(say));
server.listen(Number(env('PORT')), '127.0.0.1', () => console.log('listening'));
