// One node of the soak of answers: a share of the runs, whose model stands behind HTTP, and everything that a run is told
// in, natively and in every protocol, with the page that reads it. A process that can be killed.
//
//   POST /start/<chat>   begins an answer, and tells its run's id

import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { createRuns } from '@millrace/ai';
import { toMillraceError } from '@millrace/protocol';
import { aiRuns, conversations, textOfRun } from '@millrace/protocol/runs';
import { createHub } from '@millrace/server';
import { postgresDatabase } from '@millrace/server/postgres';
import { jsonSchema, tool } from 'ai';
import pg from 'pg';
import { WebSocketServer } from 'ws';
import { type EngineWords, openEngine } from '../cluster/engines/open.ts';
import { createRoutes } from '../runs/chat-routes.ts';
import { PAGE_HTML } from '../runs/page/html.ts';

const env = (name: string): string => process.env[name] ?? '';
const say = (error: Error): void => console.error(error.message);
const script = await readFile(env('PAGE_SCRIPT'), 'utf8');
const pool = new pg.Pool({ connectionString: env('DATABASE'), max: 20 });
const database = postgresDatabase({ pool, onError: say });
const engine = await openEngine(JSON.parse(env('ENGINE')) as EngineWords, say);
const hub = createHub({
  ...{ engine, contracts: [aiRuns, conversations], outbox: { database }, authorize: () => true },
  onError: say,
});

/** What it does to the world is seen: a row for each time. */
const count = tool({
  description: 'Counts what is asked for.',
  inputSchema: jsonSchema<{ what: string }>({ type: 'object' }),
  async execute(_input, options) {
    const { idempotencyKey = '' } = options as { idempotencyKey?: string };
    await new Promise((resolve) => setTimeout(resolve, 300));
    await database.query('insert into made (key) values ($1)', [idempotencyKey]);
    return 23;
  },
});

const runs = await createRuns({
  ...{ hub, database, onError: say },
  answer({ conversationId }) {
    const provider = createOpenAICompatible({ name: 'soak', baseURL: env('MODEL_URL') });
    return {
      model: provider(conversationId),
      messages: [{ role: 'user', content: 'How many trades?' }],
      tools: { count },
    };
  },
  async onEnd(tx, run, state) {
    const values = [run.id, textOfRun(state)];
    await tx.query('insert into messages (run_id, text) values ($1, $2)', values);
  },
});
const routes = createRoutes(hub, runs, say);

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (await hub.handle(req, res)) return;
  if (await routes.handle(req, res)) return;
  const { pathname } = new URL(req.url ?? '', 'http://localhost');
  const [, what, chat = ''] = pathname.split('/');
  if (what === 'page') res.writeHead(200, { 'Content-Type': 'text/html' }).end(PAGE_HTML);
  else if (what === 'page.js') {
    res.writeHead(200, { 'Content-Type': 'text/javascript' }).end(script);
  } else if (what === 'start') {
    const { run } = await runs.start({ conversationId: chat, userId: 'ada', question: null });
    res.end(run.id);
  } else res.writeHead(404).end();
}

const server = createServer((req, res) => {
  answer(req, res).catch((thrown: unknown) => {
    say(toMillraceError(thrown));
    res.destroy();
  });
});
const sockets = new WebSocketServer({ noServer: true });
server.on('upgrade', (req, socket, head) => {
  if (hub.upgrade(req, socket, head)) return;
  sockets.handleUpgrade(req, socket, head, (one) => routes.accept(one));
});
server.listen(Number(env('PORT')), '127.0.0.1', () => console.log('listening'));
