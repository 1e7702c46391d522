// A server that answers in every protocol, in this process: a scripted model that waits in the middle of each answer
// until it is released, and a database in memory that keeps what was said.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { PGlite } from '@electric-sql/pglite';
import { createRuns } from '@millrace/ai';
import { toMillraceError } from '@millrace/protocol';
import { aiRuns, conversations, textOfRun } from '@millrace/protocol/runs';
import { createHub, type Hub } from '@millrace/server';
import { pgliteDatabase } from '@millrace/server/postgres';
import { readyPglite } from '@millrace/server/testing/servers';
import { WebSocketServer } from 'ws';
import { createRoutes } from './chat-routes.ts';
import { HALF_PLACE, scripted } from './script.ts';

export interface ChatServer extends AsyncDisposable {
  readonly hub: Hub;
  readonly port: number;
  readonly url: string;
  /** What failed in the background. */
  readonly errors: readonly string[];
  /** The answer of this chat goes on. */
  release(chat: string): void;
  /** Cuts everybody off who reads, in the middle. */
  cutAll(): void;
  /** The runs of a chat, and what is stored of those that are over. */
  stored(chat: string): Promise<readonly { readonly runId: string; readonly text: string }[]>;
}

/** @param pages other paths: a page, and its script */
export async function startChatServer(
  pages: Readonly<Record<string, { readonly type: string; readonly body: string }>> = {},
): Promise<ChatServer> {
  await using stack = new AsyncDisposableStack();
  const errors: string[] = [];
  const onError = (error: Error): void => {
    // Viewers that were cut off are the point of these tests.
    if (error.message !== 'aborted') errors.push(error.message);
  };
  const database = pgliteDatabase(stack.adopt(await readyPglite(PGlite), (one) => one.close()));
  await database.query('create table messages (chat text, run text primary key, content text)');
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const gateOf = (chat: string): PromiseWithResolvers<void> => {
    const gate = gates.get(chat) ?? Promise.withResolvers<void>();
    gates.set(chat, gate);
    return gate;
  };
  const hub = createHub({
    ...{ contracts: [aiRuns, conversations], outbox: { database }, authorize: () => true, onError },
  });
  stack.defer(() => hub.close());
  const runs = await createRuns({
    ...{ hub, database, onError },
    answer({ conversationId }) {
      const hold = (place: number): Promise<void> =>
        place === HALF_PLACE ? gateOf(conversationId).promise : Promise.resolve();
      const { model, tools } = scripted(hold, {
        effect: () => Promise.resolve(23),
        onAsked: () => Promise.resolve(),
      });
      return { model, tools, messages: [{ role: 'user', content: 'How many trades?' }] };
    },
    async onEnd(tx, { id, conversationId }, state) {
      const values = [conversationId, id, textOfRun(state)];
      await tx.query('insert into messages (chat, run, content) values ($1, $2, $3)', values);
    },
  });
  stack.defer(() => runs.close());
  const routes = createRoutes(hub, runs, onError);
  const server = createServer((req, res) => {
    async function answer(): Promise<void> {
      if (await hub.handle(req, res)) return;
      if (await routes.handle(req, res)) return;
      const page = pages[new URL(req.url ?? '', 'http://localhost').pathname];
      if (page === undefined) res.writeHead(404).end();
      else res.writeHead(200, { 'Content-Type': page.type }).end(page.body);
    }
    answer().catch((thrown: unknown) => {
      onError(toMillraceError(thrown));
      res.destroy();
    });
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (req, socket, head) => {
    if (hub.upgrade(req, socket, head)) return;
    sockets.handleUpgrade(req, socket, head, (one) => routes.accept(one));
  });
  // Streams that were taken off Node's HTTP objects are none of `closeAllConnections`' any more.
  const connections = new Set<Socket>();
  server.on('connection', (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
  });
  function cutAll(): void {
    for (const socket of connections) socket.destroy();
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => {
    cutAll();
    server.close();
  });
  const owned = stack.move();
  const { port } = server.address() as AddressInfo;
  return {
    ...{ hub, port, url: `http://127.0.0.1:${port}`, errors, cutAll },
    release: (chat) => gateOf(chat).resolve(),
    async stored(chat) {
      const rows = await database.query('select run, content from messages where chat = $1', [
        chat,
      ]);
      return rows.map(({ run, content }) => ({ runId: String(run), text: String(content) }));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
