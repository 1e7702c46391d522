// Everything of the hub that faces HTTP: finds the carrier of a request, checks its origin, reads its body, and turns
// what goes wrong into an answer. Rules: AUTH-4, LIM-1, LIM-6, LIM-7, HTTP-1, PLAIN-3, PLAIN-4.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  type Channel,
  type EventSchemas,
  type Limits,
  MillraceError,
  toMillraceError,
} from '@millrace/protocol';
import { type ConnectFrame, parseClientFrame } from '@millrace/protocol/wire';
import type { Admission, Arrival } from '../admission.ts';
import type { ClientPublish } from '../client-publish.ts';
import type { ContractSet } from '../contract-set.ts';
import type { StreamOptions } from '../hub-types.ts';
import type { Gate } from '../identity.ts';
import { type Links, shuttingDown } from '../links.ts';
import type { Live } from '../presence/live.ts';
import type { Peer } from '../seams/link.ts';
import type { Timers } from '../seams/timers.ts';
import { isCursor } from '../subscription.ts';
import { findDirectWrites } from '../transports/direct-writes.ts';
import { type OwnStream, type OwnStreamOptions, openOwnStream } from '../transports/own-stream.ts';
import { type PlainOptions, plainTransport } from '../transports/plain.ts';
import { pollTransport } from '../transports/poll.ts';
import { sseTransport } from '../transports/sse.ts';
import { webSocketTransport } from '../transports/websocket.ts';
import {
  answerError,
  answerJson,
  answerPreflight,
  answerStreamLater,
  refuseUpgrade,
  setCorsHeaders,
} from './answers.ts';
import { ephemeralRequest } from './ephemeral-request.ts';
import { createOrigins } from './origins.ts';
import { plainRequest } from './plain-request.ts';
import { publishRequest } from './publish-request.ts';
import { readBody } from './read-body.ts';

export interface HttpFace {
  handle(req: IncomingMessage, res: ServerResponse): Promise<boolean>;
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  stream<Events extends EventSchemas, State>(
    req: IncomingMessage,
    res: ServerResponse,
    channel: Channel<Events, State>,
    options?: StreamOptions<Events>,
  ): Promise<void>;
  openEventStream(res: ServerResponse, options: OwnStreamOptions): OwnStream;
  /** From now on every request is answered with `server/shutdown`. */
  shutDown(): void;
  /** Cuts what is still open. */
  close(): void;
}

export interface HttpFaceOptions {
  readonly path: string;
  readonly origins: readonly string[];
  readonly beatMs: { readonly sse: number; readonly websocket: number };
  readonly directWrites: boolean;
  readonly limits: Limits;
  readonly timers: Timers;
  readonly contracts: ContractSet;
  readonly gate: Gate;
  readonly clientPublish: ClientPublish;
  readonly links: Links;
  readonly live: Live;
  readonly admission: Admission;
  readonly onRefused: (error: MillraceError) => void;
  readonly onError: (error: MillraceError) => void;
}

interface Route {
  readonly method: 'GET' | 'POST';
  run(req: IncomingMessage, res: ServerResponse): Promise<void>;
}

export function createHttpFace(options: HttpFaceOptions): HttpFace {
  const { limits, timers, links, admission, contracts, onRefused, onError } = options;
  const root = options.path.replace(/\/+$/, '');
  const origins = createOrigins(options.origins);
  const direct = options.directWrites ? findDirectWrites() : null;
  const shared = { acceptor: links, answerError, onError, direct };
  const sse = sseTransport({ ...shared, beatMs: options.beatMs.sse });
  const poll = pollTransport({ ...shared, limits, timers });
  const plain = plainTransport({ ...shared, beatMs: options.beatMs.sse });
  const sockets = webSocketTransport({
    acceptor: links,
    limits,
    timers,
    beatMs: options.beatMs.websocket,
    direct,
    enter: () => admission.enter('new'),
    onRefused,
    onError,
  });
  /** Open ones in formats of the program's own. */
  const own = new Set<OwnStream>();
  let isLeaving = false;

  const routes: Readonly<Record<string, Route>> = {
    '/sse': {
      method: 'POST',
      async run(req, res) {
        const peer = peerOf(req);
        sse.open(res, await readConnect(req, peer), peer);
      },
    },
    '/poll': {
      method: 'POST',
      async run(req, res) {
        const peer = peerOf(req);
        poll.open(res, await readConnect(req, peer), peer);
      },
    },
    '/publish': {
      method: 'POST',
      async run(req, res) {
        const body = await readBody(req, bodyLimits);
        const results = await publishRequest(body, peerOf(req), options);
        answerJson(res, 200, results);
      },
    },
    '/ephemeral': {
      method: 'POST',
      async run(req, res) {
        const body = await readBody(req, bodyLimits);
        const results = await ephemeralRequest(body, peerOf(req), options.live);
        answerJson(res, 200, results);
      },
    },
    '/events': {
      method: 'GET',
      run: (req, res) => openPlain(req, res, null, {}),
    },
  };
  const bodyLimits = { maxBytes: limits.maxFrameBytes, withinMs: limits.bodyWithinMs, timers };

  async function readConnect(req: IncomingMessage, peer: Peer): Promise<ConnectFrame> {
    // A body on its way counts like the link that it will be.
    const leave = links.admit(peer);
    const text = await readBody(req, bodyLimits).finally(leave);
    const frame = parseClientFrame(text);
    if (frame?.type !== 'connect') {
      throw new MillraceError('protocol/malformed', 'The body is no `connect`.');
    }
    // Only now: what it brings says whether it is new. A body costs little, and read to its end it keeps the connection.
    admission.enter(arrivalOf(frame));
    return frame;
  }

  async function openPlain(
    req: IncomingMessage,
    res: ServerResponse,
    channel: string | null,
    streamOptions: PlainOptions,
  ): Promise<void> {
    const connect = plainRequest(req, contracts, channel);
    try {
      admission.enter(arrivalOf(connect));
    } catch (thrown) {
      if (!isEventSource(req)) throw thrown;
      const error = toMillraceError(thrown);
      onRefused(error);
      answerStreamLater(res, error);
      return;
    }
    await plain.open(res, connect, peerOf(req), streamOptions);
  }

  /** Runs a request to its answer; a failure is one too. */
  async function answer(
    req: IncomingMessage,
    res: ServerResponse,
    route: Pick<Route, 'method' | 'run'>,
  ): Promise<void> {
    try {
      setCorsHeaders(res, null);
      const origin = origins.check(req);
      setCorsHeaders(res, origin);
      if (req.method === 'OPTIONS') {
        answerPreflight(res, route.method);
        return;
      }
      if (req.method !== route.method) {
        res.setHeader('Allow', `${route.method}, OPTIONS`);
        throw new MillraceError('request/method', `Use ${route.method} here.`);
      }
      if (isLeaving) throw shuttingDown();
      await route.run(req, res);
    } catch (thrown) {
      const error = toMillraceError(thrown);
      if (error.code === 'server/internal') onError(error);
      onRefused(error);
      answerError(res, error);
    }
  }

  function subPath(req: IncomingMessage): string | null {
    const path = (req.url ?? '').split('?', 1)[0] ?? '';
    return path.startsWith(`${root}/`) ? path.slice(root.length) : null;
  }

  return {
    async handle(req, res) {
      const sub = subPath(req);
      if (sub === null) return false;
      const route = Object.hasOwn(routes, sub) ? routes[sub] : undefined;
      await answer(req, res, route ?? { method: 'GET', run: () => notFound(sub) });
      return true;
    },
    upgrade(req, socket, head) {
      if (subPath(req) !== '/ws') return false;
      try {
        origins.check(req);
        if (isLeaving) throw shuttingDown();
        sockets.upgrade(req, socket, head, peerOf(req));
      } catch (thrown) {
        const error = toMillraceError(thrown);
        onRefused(error);
        refuseUpgrade(socket, error);
      }
      return true;
    },
    stream(req, res, channel, streamOptions = {}) {
      return answer(req, res, {
        method: 'GET',
        run: () => openPlain(req, res, channel.name, streamOptions),
      });
    },
    openEventStream: (res, streamOptions) =>
      openOwnStream(res, { direct, open: own }, streamOptions),
    shutDown() {
      isLeaving = true;
    },
    close() {
      sockets.close();
      for (const stream of own) stream.cut();
    },
  };
}

function peerOf(req: IncomingMessage): Peer {
  return {
    address: req.socket.remoteAddress ?? '',
    headers: req.headers,
    url: req.url ?? '',
  };
}

/** Whoever brings a cursor, or knows who is present, was here before, and costs others nothing new. */
function arrivalOf({ channels, presence = [] }: ConnectFrame): Arrival {
  const isBack =
    channels.some(({ start }) => isCursor(start)) ||
    presence.some(({ have }) => have !== undefined);
  return isBack ? 'returning' : 'new';
}

/** A browser's, by the one thing that it always says of itself; `curl` and `fetch` do not, and can read a status. */
function isEventSource(req: IncomingMessage): boolean {
  return req.headers.accept?.includes('text/event-stream') === true;
}

function notFound(sub: string): Promise<never> {
  const what =
    sub === '/ws'
      ? 'Open a WebSocket here.'
      : 'The hub has /ws, /sse, /poll, /publish, /ephemeral and /events.';
  return Promise.reject(new MillraceError('request/not-found', `Nothing is here. ${what}`));
}
