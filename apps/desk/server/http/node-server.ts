// The socket: one `node:http` server whose requests pass the gate, then the hub, then the application.
// Owns listening (a busy port is one plain sentence) and closing within a bound.

import { createServer, type Server } from 'node:http';
import { createServer as createProbe, isIPv6, type Server as NetServer } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { MillraceError, toMillraceError } from '@millrace/protocol';
import type { Hub } from '@millrace/server';
import type { ChatSockets } from './chat-socket.ts';
import { type GateOptions, refusalOf, refuse, refuseUpgrade } from './gate.ts';

export interface NodeServerOptions {
  readonly port: number;
  readonly host: string;
  readonly hub: Hub;
  readonly gate: GateOptions;
  readonly chatSockets: ChatSockets;
  fetch(request: Request, env: unknown): Response | Promise<Response>;
  onError(error: MillraceError): void;
}

export interface NodeServer {
  /** `http://127.0.0.1:3000`, also where it listens on every address. */
  readonly address: string;
  /** Takes no more connections; idle ones close at once, the rest within the grace. */
  close(options: { graceMs: number }): Promise<void>;
}

/** @throws MillraceError `settings/port-busy`, or `settings/invalid` for an address this machine does not have */
export async function listen(options: NodeServerOptions): Promise<NodeServer> {
  const { hub, gate, chatSockets } = options;
  const application = getRequestListener(options.fetch, { overrideGlobalObjects: false });
  const server = createServer({
    // Slow senders: headers within 10 s, the whole request within 15 s. Answers may take for ever (streams).
    headersTimeout: 10_000,
    requestTimeout: 15_000,
    keepAliveTimeout: 65_000,
    connectionsCheckingInterval: 5_000,
  });
  server.on('request', (request, response) => {
    const refusal = refusalOf(request, gate);
    if (refusal !== null) {
      refuse(response, refusal);
      return;
    }
    hub
      .handle(request, response)
      .then((isTaken) => (isTaken ? undefined : application(request, response)))
      .catch((thrown: unknown) => {
        options.onError(toMillraceError(thrown));
        if (response.headersSent) response.destroy();
        else refuse(response, toMillraceError(thrown));
      });
  });
  server.on('upgrade', (request, socket, head) => {
    // A peer that goes away while it is being refused is nobody's failure.
    socket.on('error', () => socket.destroy());
    const refusal = refusalOf(request, gate);
    if (refusal !== null) refuseUpgrade(socket, refusal);
    else if (!hub.upgrade(request, socket, head) && !chatSockets.upgrade(request, socket, head)) {
      const message = 'There is no WebSocket at this address.';
      refuseUpgrade(socket, new MillraceError('request/not-found', message));
    }
  });
  await start(server, options);
  return {
    address: addressOf(server, options.host),
    close: ({ graceMs }) => {
      chatSockets.close();
      return stop(server, graceMs);
    },
  };
}

/**
 * Tells a busy port before anything is opened: the database takes seconds, and a typing error should not.
 * @throws MillraceError as `listen`
 */
export async function requireFreePort(at: { PORT: number; HOST: string }): Promise<void> {
  const probe = createProbe();
  await start(probe, { port: at.PORT, host: at.HOST });
  await new Promise((resolve) => probe.close(resolve));
}

function start(server: NetServer, at: { port: number; host: string }): Promise<void> {
  const { port, host } = at;
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EADDRINUSE') {
        const message = `Port ${port} is taken; is Desk open already? Close what uses it, or choose another: PORT=${port + 1} npm start`;
        reject(new MillraceError('settings/port-busy', message, { cause }));
        return;
      }
      const message = `Desk cannot listen on ${host}:${port} (${cause.code ?? cause.message}). Check HOST and PORT.`;
      reject(new MillraceError('settings/invalid', message, { cause }));
    });
    server.listen(port, host, resolve);
  });
}

function stop(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function addressOf(server: Server, host: string): string {
  const at = server.address();
  const port = typeof at === 'object' && at !== null ? at.port : 0;
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${isIPv6(shown) ? `[${shown}]` : shown}:${port}`;
}
