// The socket of ai 7's `WebSocketChatTransport`, `/api/chat/ws`: who is at its other end, and the upgrade. What is said on
// it is @millrace/ai's; what is asked goes the way of `POST /api/chat`.

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { serveChatSocket } from '@millrace/ai';
import { MillraceError, toMillraceError } from '@millrace/protocol';
import { WebSocketServer } from 'ws';
import { whoIs } from '../identity/who.ts';
import { refuseUpgrade } from './gate.ts';
import type { Services } from './services.ts';
import { askedBy, uiBody } from './ui-body.ts';

export interface ChatSockets {
  /** False for an upgrade to anywhere else. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /** Sends all away: they come back to another node, or to this one. */
  close(): void;
}

const PATH = '/api/chat/ws';
const MAX_FRAME_BYTES = 4_194_304;
/** Of one user, on this node. */
const MOST_PER_USER = 100;

type Needed = Pick<Services, 'settings' | 'tokens' | 'users' | 'uiAsking' | 'hub' | 'log'>;

export function createChatSockets(services: Needed): ChatSockets {
  const { settings, tokens, users, uiAsking, hub, log } = services;
  const sockets = new WebSocketServer({
    ...{ noServer: true, maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false },
  });
  const open = new Map<string, number>();
  const count = (userId: string, by: number): void => {
    const left = (open.get(userId) ?? 0) + by;
    if (left > 0) open.set(userId, left);
    else open.delete(userId);
  };

  /** @throws MillraceError `auth/…`, `limit/links` */
  async function admit({ headers }: IncomingMessage): Promise<{ id: string; expiresAt?: number }> {
    const { cookie, authorization } = headers;
    const { user, expiresAt } = await whoIs({ cookie, authorization }, { tokens, ...settings });
    if (user === null) throw new MillraceError('auth/required', 'Sign in first.');
    await users.keep(user);
    if ((open.get(user.id) ?? 0) >= MOST_PER_USER) {
      throw new MillraceError('limit/links', 'Too many chats are open. Close some.');
    }
    return { id: user.id, ...(expiresAt === undefined ? {} : { expiresAt }) };
  }

  function serve(
    { id: userId, expiresAt }: { id: string; expiresAt?: number },
    request: IncomingMessage,
    [socket, head]: readonly [Duplex, Buffer],
  ): void {
    sockets.handleUpgrade(request, socket, head, (link) => {
      count(userId, 1);
      log.info({ tag: 'WebSocket', userId }, 'chat socket opened');
      // Longer than a timer can wait is longer than any socket lives.
      const lifeMs = Math.min((expiresAt ?? Number.POSITIVE_INFINITY) - Date.now(), 2 ** 31 - 1);
      const expiry = setTimeout(() => link.close(4403, 'auth/expired'), lifeMs);
      link.once('close', () => {
        clearTimeout(expiry);
        count(userId, -1);
        log.info({ tag: 'WebSocket', userId }, 'chat socket closed');
      });
      void serveChatSocket(
        {
          get bufferedAmount() {
            return link.bufferedAmount;
          },
          send: (text, taken) => link.send(text, () => taken()),
          close: (code, reason) => link.close(code, reason),
          addEventListener: (
            type: 'message' | 'close' | 'error',
            listener: (event: { data: unknown }) => void,
          ) =>
            link.on(type, (data: unknown, isBinary: unknown) =>
              listener({ data: type === 'message' && isBinary === false ? String(data) : data }),
            ),
        },
        {
          ...{ hub, maxFrameBytes: MAX_FRAME_BYTES },
          async start({ id, messages, trigger, messageId, body }) {
            const asked = uiBody.safeParse({ ...body, id, messages, trigger, messageId });
            if (!asked.success)
              throw new MillraceError('request/invalid', 'The question does not fit.');
            return { runId: (await uiAsking.start(userId, askedBy(asked.data))).id };
          },
          async resume({ id }) {
            const run = await uiAsking.active(userId, id);
            return run === null ? null : { runId: run.id };
          },
          onError: (err) => log.error({ tag: 'WebSocket', err }, 'chat socket has trouble'),
        },
      );
    });
  }

  return {
    upgrade(request, socket, head) {
      if (request.url?.split('?')[0] !== PATH) return false;
      admit(request).then(
        (who) => serve(who, request, [socket, head]),
        (thrown: unknown) => refuseUpgrade(socket, toMillraceError(thrown)),
      );
      return true;
    },
    close() {
      for (const link of sockets.clients) link.close(1012, 'server/shutdown');
    },
  };
}
