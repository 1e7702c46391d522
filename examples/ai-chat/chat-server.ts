// A server for the AI SDK's `useChat`: answers that outlive the request, the tab and the process that makes them.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createRuns, serveUiStream } from '@millrace/ai';
import { ERROR_CODES, toMillraceError } from '@millrace/protocol';
import { aiRuns, conversations, textOfRun } from '@millrace/protocol/runs';
import { createHub } from '@millrace/server';
import { pgliteEngine, type SqlDatabase } from '@millrace/server/postgres';
import type { LanguageModel, ModelMessage } from 'ai';
import { readJson } from './read-json.ts';

export interface Chat extends AsyncDisposable {
  readonly server: Server;
}

/** On a database that is its own: where a server's is meant, `postgresEngine` takes the place of `pgliteEngine`. */
export async function createChat(database: SqlDatabase, model: LanguageModel): Promise<Chat> {
  const engine = pgliteEngine({ database });
  const hub = createHub({ engine, contracts: [aiRuns, conversations], authorize: () => true });
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
    const { pathname } = new URL(req.url ?? '', 'http://localhost');
    const [, api, chat, id = '', what] = pathname.split('/');
    if (api !== 'api' || chat !== 'chat') return void res.writeHead(404).end();
    if (req.method === 'POST' && id === '') {
      const { id: conversationId, messages, trigger } = await readJson(req);
      const last = messages.at(-1);
      const question = last?.parts.map((part) => part.text ?? '').join('') ?? '';
      // The same request again, after a lost answer, is the same run; to regenerate is another one.
      const key = trigger === 'submit-message' && last !== undefined ? { key: last.id } : {};
      const { run } = await runs.start({ conversationId, userId: 'somebody', question, ...key });
      return serveUiStream(hub, res, { runId: run.id });
    }
    const run = await runs.active(id, { graceMs: 60_000 });
    if (req.method === 'GET' && what === 'stream') {
      if (run === null) return void res.writeHead(204).end();
      return serveUiStream(hub, res, { runId: run.id });
    }
    if (req.method === 'POST' && what === 'stop') {
      // The answer that the page shows, and no later one.
      const { messageId } = await readJson(req);
      if (run !== null && run.messageId === messageId) await runs.stop(run.id, 'somebody');
      return void res.writeHead(204).end();
    }
    res.writeHead(404).end();
  }

  const server = createServer((req, res) => {
    route(req, res).catch((error: unknown) => {
      const { code, message } = toMillraceError(error);
      if (code === 'server/internal') console.error(error);
      if (!res.headersSent) res.writeHead(ERROR_CODES[code].status).end(message);
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
