// Commands to one server, or to the master that Sentinel names, on a connection of the engine's own.

import { connectAgain, type RedisClient } from './client.ts';
import { type Connection, runScript } from './connection.ts';
import { connectionOptions } from './connection-options.ts';
import { attempt, backoffMs, type Patience, type Target } from './patience.ts';
import { createSignal } from './signal.ts';

export interface ServerConnectionOptions {
  /** The user's. */
  readonly client: RedisClient;
  readonly patience: Patience;
  /** It was made again, after it had been lost at that time, by `performance.now()`. */
  readonly onRegained: (lostAtMs: number) => void;
  readonly onLost: (cause: unknown) => void;
}

export function createServerConnection(options: ServerConnectionOptions): Connection {
  const { patience, onRegained, onLost } = options;
  const client = options.client.duplicate(connectionOptions(patience.answerWithinMs));
  const ready = createSignal();
  let firstUntilMs = performance.now() + patience.answerWithinMs;
  let lostAtMs: number | null = null;
  let cause: unknown;
  let isClosed = false;

  client.on('error', (error: Error) => {
    cause = error;
  });
  client.on('ready', () => {
    firstUntilMs = 0;
    ready.fire();
    if (lostAtMs !== null) onRegained(lostAtMs);
    lostAtMs = null;
  });
  client.on('close', () => {
    if (isClosed || lostAtMs !== null) return;
    lostAtMs = performance.now();
    onLost(cause);
  });
  // ioredis gives up where a connection is ended while it looks for its Sentinel.
  client.on('end', () => {
    setTimeout(() => {
      if (!isClosed) connectAgain(client);
    }, backoffMs(1));
  });

  const target: Target<RedisClient> = {
    client: () => (client.status === 'ready' ? client : null),
    changed: (untilMs) => ready.wait(untilMs),
    onStale() {
      if (client.status === 'ready') client.disconnect(true);
    },
    get firstUntilMs() {
      return firstUntilMs;
    },
  };

  return {
    run: ({ tries, ...call }) =>
      attempt(target, { tries, send: (on, byMs) => runScript(on, call, byMs) }, patience),
    async publish(name, text) {
      await attempt(target, { tries: 'once', send: (on) => on.publish(name, text) }, patience);
    },
    close() {
      isClosed = true;
      client.disconnect();
    },
  };
}
