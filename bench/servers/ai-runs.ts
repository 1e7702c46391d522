// What streams answers, as a program of its own, in one of four ways (`WAY`), so that they can be compared: `millrace`
// (runs of a language model, each viewer an event stream of the SDK's format), `sdk` (`streamText` of the AI SDK piped to
// its viewers, and to nobody who comes later), `bare` (the SDK's loop alone, read by nobody) and `generator` (runs of a
// generator of text in this process, each viewer an event stream of the run's channel).
//
//   POST /run        begins an answer (`sdk`: with its last viewer), and tells its id
//   GET  /ui/<id>    a viewer
//   GET  /usage      tokens made so far, CPU time, and how late the event loop was since the last time

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { createRuns, serveUiStream, type TextModel } from '@millrace/ai';
import { aiRuns, conversations } from '@millrace/protocol/runs';
import { createHub, type Hub, memoryEngine } from '@millrace/server';
import { postgresDatabase } from '@millrace/server/postgres';
import { type LanguageModel, pipeUIMessageStreamToResponse, streamText } from 'ai';
import pg from 'pg';
import { textModel, tokenModel } from '../lib/token-model.ts';

export interface AiRunsUsage {
  readonly tokens: number;
  /** User and system. */
  readonly cpuMs: number;
  readonly lagP99Ms: number;
}

const env = (name: string): string => process.env[name] ?? '';
const viewersPerRun = Number(env('VIEWERS'));
let tokens = 0;
function onToken(): void {
  tokens += 1;
}

/** Over HTTP where there is a server for it, else made here. */
function model(): LanguageModel {
  if (env('MODEL_URL') === '') {
    return tokenModel({ perSecond: Number(env('TOKENS_PER_S')), onToken });
  }
  const provider = createOpenAICompatible({ name: 'bench', baseURL: env('MODEL_URL') });
  return provider('stamped');
}

const prompt = [{ role: 'user' as const, content: 'Count.' }];
const say = (error: unknown): void => console.error(error);

interface Way {
  begin(): Promise<string>;
  view(id: string, request: IncomingMessage, response: ServerResponse): unknown;
}

async function runsOf(
  answering: () => LanguageModel | TextModel,
  view: (hub: Hub) => Way['view'],
): Promise<Way> {
  const database = postgresDatabase({
    pool: new pg.Pool({ connectionString: env('DATABASE'), max: 4 }),
    onError: say,
  });
  const hub = createHub({
    engine: memoryEngine(),
    contracts: [aiRuns, conversations],
    authorize: () => true,
    outbox: { database },
    // One address plays all viewers, and all come at once.
    limits: { maxLinksPerAddress: 5_000, maxConnectsPerSecond: Number.POSITIVE_INFINITY },
    onError: say,
  });
  const runs = await createRuns({
    hub,
    database,
    onError: say,
    maxOwned: 1_000,
    windowMs: Number(env('WINDOW_MS')),
    answer: () => ({ model: answering(), messages: prompt }),
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
    view: view(hub),
  };
}

function millrace(): Promise<Way> {
  return runsOf(model, (hub) => (runId, _, response) => {
    return serveUiStream(hub, response, { runId, version: 7 });
  });
}

function generator(): Promise<Way> {
  const counting = textModel({ perSecond: Number(env('TOKENS_PER_S')), onToken });
  return runsOf(
    () => counting,
    (hub) => (runId, request, response) => {
      request.url = `/realtime/events?channel=${encodeURIComponent(`ai_run:${runId}`)}`;
      return hub.handle(request, response);
    },
  );
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
    view(id, _, response) {
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
    view: (_id, _request, response) => response.end(),
  };
}

async function readAll(): Promise<void> {
  for await (const _ of streamText({ model: model(), messages: prompt }).stream);
}

const ways: Readonly<Record<string, () => Way | Promise<Way>>> = {
  millrace,
  sdk,
  bare,
  generator,
};
const way = await ways[env('WAY')]?.();
if (way === undefined) throw new Error('WAY is millrace, sdk, bare or generator');
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
  else if (what === 'ui') await way?.view(id, request, response);
  else response.end(JSON.stringify(usage()));
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    say(error);
    // Whoever measures must not wait for ever.
    response.destroy();
  });
});
server.listen(Number(env('PORT')), '127.0.0.1', () => console.log('listening'));
