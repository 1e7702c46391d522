// The routes of these tests: every protocol that a run is told in, each with a way to ask and to come back. A chat's id is
// its conversation; a request that repeats its key joins the run that it started.

import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type Runs,
  readAgUiInput,
  readPlainEventId,
  serveAgUi,
  serveChatSocket,
  serveOpenAi,
  servePlainRun,
  serveUiStream,
} from '@millrace/ai';
import type { Hub } from '@millrace/server';
import type { WebSocket } from 'ws';

interface OpenAiBody {
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
}

export interface Routes {
  /** False for none of them. */
  handle(req: IncomingMessage, res: ServerResponse): Promise<boolean>;
  accept(socket: WebSocket): void;
}

export function createRoutes(hub: Hub, runs: Runs, onError: (error: Error) => void): Routes {
  /** In a chat that is named so whoever asks joins the answer that is being written. */
  async function start(chat: string, key: string): Promise<string> {
    const active = chat.startsWith('join-') ? await activeOf(chat) : null;
    if (active !== null) return active;
    const question = { chat };
    const started = await runs.start({ conversationId: chat, userId: 'ada', question, key });
    return started.run.id;
  }

  async function activeOf(chat: string): Promise<string | null> {
    return (await runs.active(chat, { graceMs: 60_000 }))?.id ?? null;
  }

  async function ui(req: IncomingMessage, res: ServerResponse, url: URL): Promise<void> {
    const version = url.pathname.startsWith('/ui-6/') ? 6 : 7;
    const resumed = /^\/ui-\d\/([^/]+)\/stream$/.exec(url.pathname)?.[1];
    if (resumed !== undefined) {
      const runId = await activeOf(decodeURIComponent(resumed));
      if (runId === null) return void res.writeHead(204).end();
      return serveUiStream(hub, res, { runId, version });
    }
    const { id, messages } = (await readBody(req)) as { id: string; messages: { id: string }[] };
    const runId = await start(id, messages.at(-1)?.id ?? 'first');
    return serveUiStream(hub, res, { runId, version });
  }

  async function openAi(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = (await readBody(req)) as OpenAiBody;
    const chat = String(req.headers['idempotency-key']);
    const runId = await start(chat, chat);
    return serveOpenAi(hub, res, {
      ...{ runId, createdS: 1_800_000_000, clientTools: new Set() },
      isStreamed: body.stream === true,
      includesUsage: body.stream_options?.include_usage === true,
    });
  }

  async function agUi(req: IncomingMessage, res: ServerResponse, url: URL): Promise<void> {
    const { threadId, runId: clientRunId, messages } = readAgUiInput(await readBody(req));
    const version = url.pathname === '/ag-ui-1' ? 1 : 0;
    const runId = await start(threadId, clientRunId);
    return serveAgUi(hub, res, { runId, threadId, clientRunId, version, messages });
  }

  /** A native EventSource asks by GET: with an id it reads, and starts nothing. */
  async function plain(req: IncomingMessage, res: ServerResponse, url: URL): Promise<void> {
    const lastEventId = req.headers['last-event-id'];
    const read = readPlainEventId(lastEventId);
    const chat = url.searchParams.get('chat') ?? '';
    const runId = read?.runId ?? (await start(chat, crypto.randomUUID()));
    return servePlainRun(hub, res, { runId, lastEventId });
  }

  return {
    async handle(req, res) {
      const url = new URL(req.url ?? '', 'http://localhost');
      const [, first = ''] = url.pathname.split('/');
      if (first === 'ui-6' || first === 'ui-7') await ui(req, res, url);
      else if (url.pathname === '/v1/chat/completions') await openAi(req, res);
      else if (first === 'ag-ui-0' || first === 'ag-ui-1') await agUi(req, res, url);
      else if (first === 'plain') await plain(req, res, url);
      else return false;
      return true;
    },
    accept(socket) {
      const served = serveChatSocket(socket, {
        hub,
        onError,
        async start({ id, messages }) {
          return { runId: await start(id, messages.at(-1)?.id ?? 'first') };
        },
        async resume({ id }) {
          const runId = await activeOf(id);
          return runId === null ? null : { runId };
        },
      });
      served.catch(onError);
    },
  };
}

async function readBody(req: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of req.setEncoding('utf8')) text += String(chunk);
  return JSON.parse(text);
}
