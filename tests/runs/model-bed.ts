// Nodes that answer runs through a real provider of the AI SDK and real HTTP, from a model server that answers, and
// breaks, as scripted; on one database in this process.

import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { PGlite } from '@electric-sql/pglite';
import { type Answering, createRuns, type Runs, type RunsOptions } from '@millrace/ai';
import { createModelServer, type ModelServer } from '@millrace/ai/testing';
import { aiRuns, conversations, EMPTY_RUN, foldRun, type RunState } from '@millrace/protocol/runs';
import { createHub, type Hub, memoryEngine } from '@millrace/server';
import { pgliteDatabase, postgresDatabase, type SqlDatabase } from '@millrace/server/postgres';
import { readyPglite } from '@millrace/server/testing/servers';
import type { ToolSet } from 'ai';
import pg from 'pg';

const WAIT_MS = 20_000;

export interface ModelNode {
  readonly hub: Hub;
  readonly runs: Runs;
  readonly errors: readonly string[];
}

export interface ModelBed extends AsyncDisposable {
  readonly database: SqlDatabase;
  readonly models: ModelServer;
  /** Another one on the same database and engine. Its runs are answered by the model that the question names. */
  startNode(options?: NodeOptions): Promise<ModelNode>;
}

export interface NodeOptions extends Partial<RunsOptions> {
  readonly tools?: ToolSet;
  readonly settings?: Answering['settings'];
}

/** @param url of a PostgreSQL, to which each node has connections of its own; default is a PGlite that all share */
export async function createModelBed(url?: string): Promise<ModelBed> {
  const stack = new AsyncDisposableStack();
  const connect = url === undefined ? await shared(stack) : () => ownPool(stack, url);
  const database = connect();
  const models = stack.use(await createModelServer());
  const engine = stack.adopt(memoryEngine(), (one) => one.close());
  const provider = createOpenAICompatible({
    name: 'scripted',
    baseURL: models.url,
    apiKey: 'sk-secret',
    includeUsage: true,
  });
  return {
    database,
    models,
    async startNode({ tools, settings, ...options } = {}) {
      const contracts = [aiRuns, conversations];
      const database = connect();
      const hub = createHub({ contracts, engine, outbox: { database } });
      stack.adopt(hub, (one) => one.close());
      const errors: string[] = [];
      const runs = await createRuns({
        hub,
        database,
        maxRetries: 1,
        onError: ({ message }) => errors.push(message),
        answer: ({ question }) => ({
          model: provider(typeof question === 'string' ? question : 'any'),
          messages: [{ role: 'user', content: 'How many trades did it make?' }],
          ...(tools !== undefined && { tools }),
          ...(settings !== undefined && { settings }),
        }),
        ...options,
      });
      stack.use(runs);
      return { hub, runs, errors };
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function shared(stack: AsyncDisposableStack): Promise<() => SqlDatabase> {
  const pglite = stack.adopt(await readyPglite(PGlite), (one) => one.close());
  const database = pgliteDatabase(pglite);
  return () => database;
}

function ownPool(stack: AsyncDisposableStack, url: string): SqlDatabase {
  const pool = stack.adopt(new pg.Pool({ connectionString: url, max: 20 }), (one) => one.end());
  return postgresDatabase({ pool, onError: (error) => console.error(error.message) });
}

/** The run's message once `isSo`, which must be before its end; without that at its end. */
export async function follow(
  hub: Hub,
  runId: string,
  isSo?: (state: RunState) => boolean,
): Promise<RunState> {
  let state = EMPTY_RUN;
  const signal = AbortSignal.timeout(WAIT_MS);
  for await (const told of hub.follow(aiRuns.of({ runId }), { start: 'start', signal })) {
    if (told.type === 'event') state = foldRun(state, told.event);
    else if (told.type === 'verdict' && told.verdict.verdict === 'snapshot') {
      state = told.verdict.state as RunState;
    }
    if (isSo?.(state) === true) return state;
  }
  if (signal.aborted || isSo !== undefined) throw new Error(`the run is ${state.status}`);
  return state;
}
