// Nodes that answer runs, with models that do as they are told, on one database: what the tests of runs need.

import {
  aiRuns,
  conversations,
  EMPTY_RUN,
  foldRun,
  type RunState,
  textOfRun,
} from '@millrace/protocol/runs';
import { createHub, type Hub, memoryEngine } from '@millrace/server';
import { pgliteDatabase, type SqlDatabase } from '@millrace/server/postgres';
import type { ModelMessage } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { createRuns, type Runs, type RunsOptions } from '../runs.ts';
import type { RunRow } from '../store/run-row.ts';

type StreamResult = Awaited<ReturnType<MockLanguageModelV4['doStream']>>;
export type Said = StreamResult['stream'] extends ReadableStream<infer Part> ? Part : never;
type CallOptions = Parameters<MockLanguageModelV4['doStream']>[0];

export const WAIT_MS = 5_000;

export interface Node {
  readonly hub: Hub;
  readonly runs: Runs;
  readonly ended: { readonly run: RunRow; readonly state: RunState }[];
  readonly errors: string[];
}

export interface Bed {
  readonly database: SqlDatabase;
  startNode(answer: RunsOptions['answer'], more?: Partial<RunsOptions>): Promise<Node>;
  /** A database out of whose reach its node can be put: nothing it asks is answered any more. */
  mortal(): { readonly database: SqlDatabase; die(): void };
  /** A node that can't be closed any more is none of the bed's. */
  forget(node: Node): void;
  /** As if its owner had not beaten for the length of a lease. */
  expire(runId: string): Promise<unknown>;
  close(): Promise<void>;
}

type Pglite = Parameters<typeof pgliteDatabase>[0] & { close(): Promise<void> };

/** Of the test runner, as it names them. */
interface Hooks {
  beforeAll(run: () => Promise<void>): void;
  afterAll(run: () => Promise<void>): void;
  beforeEach(run: () => void): void;
  afterEach(run: () => Promise<void>): void;
}

/** A bed for each test of a file, on one database for all of them: a new one takes a second. */
export function bedOfEach(hooks: Hooks, make: () => Promise<Pglite>): Bed {
  let pglite: Pglite;
  let database: SqlDatabase;
  let bed: Bed;
  hooks.beforeAll(async () => {
    pglite = await make();
    database = pgliteDatabase(pglite);
  });
  hooks.afterAll(() => pglite.close());
  hooks.beforeEach(() => {
    bed = createBed(database);
  });
  hooks.afterEach(() => bed.close());
  return {
    get database() {
      return database;
    },
    startNode: (answer, more) => bed.startNode(answer, more),
    mortal: () => bed.mortal(),
    forget: (node) => bed.forget(node),
    expire: (runId) => bed.expire(runId),
    close: () => bed.close(),
  };
}

function createBed(database: SqlDatabase): Bed {
  const engine = memoryEngine();
  const open: { close(): Promise<unknown> }[] = [];

  async function startNode(
    answer: RunsOptions['answer'],
    more: Partial<RunsOptions> = {},
  ): Promise<Node> {
    const hub = createHub({ contracts: [aiRuns, conversations], engine, outbox: { database } });
    open.push(hub);
    const ended: Node['ended'] = [];
    const errors: string[] = [];
    const runs = await createRuns({
      hub,
      database,
      answer,
      onEnd: async (_tx, run, state) => void ended.push({ run, state }),
      onError: ({ message }) => errors.push(message),
      ...more,
    });
    open.push(runs);
    return { hub, runs, ended, errors };
  }

  function mortal(): { readonly database: SqlDatabase; die(): void } {
    let isDead = false;
    const never = new Promise<never>(() => undefined);
    return {
      database: {
        query: (sql, params) => (isDead ? never : database.query(sql, params)),
        transaction: (run) => (isDead ? never : database.transaction(run)),
        listen: (channel, listener) =>
          database.listen(channel, (payload) => {
            if (!isDead) listener(payload);
          }),
      },
      die() {
        isDead = true;
      },
    };
  }

  function expire(runId: string): Promise<unknown> {
    return database.query(
      `update millrace.ai_runs set lease_until = clock_timestamp() - interval '1 s' where id = '${runId}'`,
    );
  }

  return {
    database,
    startNode,
    mortal,
    forget(node) {
      open.splice(open.indexOf(node.runs), 1);
    },
    expire,
    async close() {
      for (const one of open.splice(0).reverse()) await one.close();
      await engine.close();
      await database.query('truncate millrace.ai_runs cascade');
    },
  };
}

const usage = {
  inputTokens: { total: 10, noCache: 10, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 4, text: 4, reasoning: undefined },
};

export function finished(reason: 'stop' | 'tool-calls' = 'stop'): Said {
  return { type: 'finish', finishReason: { unified: reason, raw: reason }, usage };
}

export function texts(...deltas: readonly string[]): Said[] {
  return [
    { type: 'text-start', id: '0' },
    ...deltas.map((delta): Said => ({ type: 'text-delta', id: '0', delta })),
    { type: 'text-end', id: '0' },
  ];
}

export function calls(toolName: string, toolCallId = 't1'): Said[] {
  return [{ type: 'tool-call', toolCallId, toolName, input: '{"n":1}' }, finished('tool-calls')];
}

/** Says what the step is given; then, if it is asked to, nothing more until it is aborted. */
export function modelOf(
  steps: (step: number, options: CallOptions) => { says: readonly Said[]; hangs?: boolean },
): MockLanguageModelV4 {
  let step = 0;
  return new MockLanguageModelV4({
    doStream(options) {
      const { says, hangs = false } = steps(step, options);
      step += 1;
      const stream = new ReadableStream<Said>({
        start(controller) {
          for (const said of says) controller.enqueue(said);
          if (!hangs) controller.close();
          else
            options.abortSignal?.addEventListener('abort', () => {
              controller.error(options.abortSignal?.reason);
            });
        },
      });
      return Promise.resolve({ stream });
    },
  });
}

export const asked: readonly ModelMessage[] = [{ role: 'user', content: 'Why?' }];
export const question: {
  readonly conversationId: string;
  readonly userId: string;
  readonly question: string;
} = { conversationId: 'c1', userId: 'ada', question: 'Why?' };

/** Everything of the run's channel, to its end. */
export async function read(hub: Hub, runId: string): Promise<{ types: string[]; state: RunState }> {
  const types: string[] = [];
  let state = EMPTY_RUN;
  const signal = AbortSignal.timeout(WAIT_MS);
  for await (const told of hub.follow(aiRuns.of({ runId }), { start: 'start', signal })) {
    if (told.type === 'event') {
      types.push(told.event.type);
      state = foldRun(state, told.event);
    } else if (told.type === 'verdict' && told.verdict.verdict === 'snapshot') {
      state = told.verdict.state as RunState;
    } else types.push(told.type);
  }
  return { types, state };
}

export async function waitFor(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const until = performance.now() + WAIT_MS;
  while (!(await isSo())) {
    if (performance.now() > until) throw new Error(`${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export async function untilText(hub: Hub, runId: string, text: string): Promise<void> {
  let state = EMPTY_RUN;
  const signal = AbortSignal.timeout(WAIT_MS);
  for await (const told of hub.follow(aiRuns.of({ runId }), { start: 'start', signal })) {
    if (told.type === 'event') state = foldRun(state, told.event);
    if (told.type === 'verdict' && told.verdict.verdict === 'snapshot') {
      state = told.verdict.state as RunState;
    }
    if (textOfRun(state).includes(text)) return;
  }
  throw new Error(`${text} was never said`);
}
