// A server of Desk's own that ends by itself is started again where it was: its nodes know its address, and connect
// again by themselves. One that does not come up is told of, and everything ends.

import type { Log } from '../log.ts';
import type { OwnServer } from './own-server.ts';

const TRIES = 5;
const TRY_AGAIN_MS = 1_000;

export interface KeepRunningOptions {
  /** The same address each time. */
  start(): Promise<OwnServer>;
  readonly log: Log;
  /** It cannot be started any more. */
  onFatal(error: Error): void;
}

export interface KeptServer {
  readonly url: string;
  /** Idempotent. */
  stop(): Promise<void>;
}

/** Rejects where it cannot be started the first time. */
export async function keepRunning(options: KeepRunningOptions): Promise<KeptServer> {
  const { log } = options;
  let server = await options.start();
  const { name, url } = server;
  log.info({ server: name }, 'server started');
  let isStopping = false;
  let starting: Promise<void> = Promise.resolve();

  function watch(): void {
    void server.ended.then((words) => {
      if (isStopping) return;
      log.error({ server: name, words }, 'server ended by itself, it is started again');
      starting = again();
    });
  }

  async function again(): Promise<void> {
    let last: unknown;
    for (let tries = 0; tries < TRIES && !isStopping; tries += 1) {
      try {
        server = await options.start();
        log.info({ server: name }, 'server started');
        watch();
        return;
      } catch (error) {
        last = error;
        await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS));
      }
    }
    if (!isStopping)
      options.onFatal(new Error(`${name} ended and cannot be started`, { cause: last }));
  }

  watch();
  return {
    url,
    async stop() {
      isStopping = true;
      await starting;
      await server.stop();
    },
  };
}
