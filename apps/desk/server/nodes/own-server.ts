// What a server of Desk's own is to those who start it.

import { connect } from 'node:net';

export interface OwnServer {
  readonly name: string;
  /** With its password. */
  readonly url: string;
  /** Resolves with its last words when it ends. */
  readonly ended: Promise<string>;
  /** Idempotent. */
  stop(): Promise<void>;
}

/** Resolves once somebody listens there; false when the process ends before, or takes too long. */
export async function isListening(
  port: number,
  ended: Promise<unknown>,
  withinMs: number,
): Promise<boolean> {
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
  });
  const endsAt = performance.now() + withinMs;
  while (!hasEnded && performance.now() < endsAt) {
    if (await canConnect(port)) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const answer = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.on('connect', () => answer(true)).on('error', () => answer(false));
  });
}
