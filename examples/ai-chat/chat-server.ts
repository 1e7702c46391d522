// A server for the AI SDK's `useChat`: answers that outlive the request, the tab and the process that makes them.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createRuns, serveUiStream } from '@millrace/ai';
import { aiRuns, textOfRun } from '@millrace/protocol/runs';
import { createHub } from '@millrace/server';
import { pgliteEngine, type SqlDatabase } from '@millrace/server/postgres';
import type { LanguageModel, ModelMessage } from 'ai';

export interface Chat extends AsyncDisposable {
  readonly server: Server;
}

/** On a database that is its own: where a server's is meant, `postgresEngine` takes the place of `pgliteEngine`. */
export async function createChat(database: SqlDatabase, model: LanguageModel): Promise<Chat> {
  const engine = pgliteEngine({ database });
  const hub = createHub({ engine, contracts: [aiRuns], authorize: () => true });
  await database.query(`create table if not exists chat_messages (
    chat text not null, number bigint generated always as identity, role text not null, content text not null)`);

  const runs = await createRuns({
    hub,
    database,
    onError: console.error,
    // The question is stored with the run that answers it, the answer with the run's end: both or neither.
    async onAccept(tx, { conversationId, question }) {
      await tx.query(ADD, [conversationId, 'user', question]);
    },
    async onEnd(tx, { conversationId, status }, state) {
      if (status !== 'completed') return;
      await tx.query(ADD, [conversationId, 'assistant', textOfRun(state)]);
    },
    async answer({ conversationId }) {
      const rows = await database.query(LAST_TEN, [conversationId]);
      const messages = rows.map(({ role, content }) => ({ role, content }) as ModelMessage);
      return { model, messages };
    },
  });

  async function route(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (await hub.handle(req, res)) return;
    const [, api, chat, id = '', what] = new URL(req.url ?? '', 'http://localhost').pathname.split(
      '/',
    );
    if (api !== 'api' || chat !== 'chat') return void res.writeHead(404).end();
    if (req.method === 'POST' && id === '') {
      const { id: conversationId, messages } = await readJson(req);
      const last = messages.at(-1);
      // The same request again, after a lost answer, is the same run.
      const question = last?.parts.map((part) => part.text ?? '').join('') ?? '';
      const start = { conversationId, userId: 'somebody', question, key: last?.id ?? '' };
      const { run } = await runs.start(start);
      return serveUiStream(hub, res, { runId: run.id });
    }
    const run = await runs.active(id, { graceMs: 60_000 });
    if (req.method === 'GET' && what === 'stream') {
      if (run === null) return void res.writeHead(204).end();
      return serveUiStream(hub, res, { runId: run.id });
    }
    if (req.method === 'POST' && what === 'stop') {
      if (run !== null) await runs.stop(run.id, 'somebody');
      return void res.writeHead(204).end();
    }
    res.writeHead(404).end();
  }

  const server = createServer((req, res) => {
    route(req, res).catch((error: unknown) => {
      console.error(error);
      if (!res.headersSent) res.writeHead(500).end('Something went wrong. Try again.');
    });
  });
  return {
    server,
    async [Symbol.asyncDispose]() {
      server.close();
      await runs.close();
      await hub.close();
      await engine.close();
    },
  };
}

const ADD = 'insert into chat_messages (chat, role, content) values ($1, $2, $3)';
const LAST_TEN = `select role, content from (
  select * from chat_messages where chat = $1 order by number desc limit 10) as last order by number`;

interface ChatRequest {
  readonly id: string;
  readonly messages: readonly {
    readonly id: string;
    readonly parts: readonly { text?: string }[];
  }[];
}

async function readJson(req: IncomingMessage): Promise<ChatRequest> {
  let text = '';
  for await (const chunk of req.setEncoding('utf8')) text += String(chunk);
  return JSON.parse(text) as ChatRequest;
}
