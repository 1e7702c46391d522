// A request's body as text, bounded in size and time. Rules: LIM-1, LIM-6.

import type { IncomingMessage } from 'node:http';
import { MillraceError } from '@millrace/protocol';
import type { Timers } from '../seams/timers.ts';

export interface BodyLimits {
  readonly maxBytes: number;
  readonly withinMs: number;
  readonly timers: Timers;
}

/**
 * @throws MillraceError `limit/body-size` as soon as it is known to be too long, `request/timeout`, `link/lost` when
 * the other side went away, `protocol/malformed` for what is no UTF-8, `request/invalid` when somebody read it before
 */
export function readBody(req: IncomingMessage, limits: BodyLimits): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  const cancelTimer = limits.timers.after(limits.withinMs, () => fail(tooLate(limits.withinMs)));

  function fail(error: MillraceError): void {
    stop();
    req.pause();
    reject(error);
  }

  function stop(): void {
    cancelTimer();
    req.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
    // What the socket still reports of a request that nobody waits for must not end the process.
    req.on('error', () => undefined);
  }

  function onData(chunk: Buffer): void {
    bytes += chunk.length;
    if (bytes > limits.maxBytes) fail(tooLong(limits.maxBytes));
    else chunks.push(chunk);
  }

  function onEnd(): void {
    stop();
    try {
      resolve(utf8.decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    } catch {
      reject(new MillraceError('protocol/malformed', 'The body is no UTF-8.'));
    }
  }

  function onClose(): void {
    fail(new MillraceError('link/lost', 'The request ended before its body.'));
  }

  if (req.readableEnded) {
    fail(new MillraceError('request/invalid', 'The body was read already: mount the hub first.'));
  } else if (Number(req.headers['content-length'] ?? 0) > limits.maxBytes) {
    fail(tooLong(limits.maxBytes));
  } else {
    req.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  }
  return promise;
}

/** One for all: it holds nothing between whole texts. */
const utf8 = new TextDecoder('utf-8', { fatal: true });

function tooLong(maxBytes: number): MillraceError {
  return new MillraceError('limit/body-size', `A body may have ${maxBytes} bytes. Send less.`, {
    details: { maxBytes },
  });
}

function tooLate(withinMs: number): MillraceError {
  return new MillraceError('request/timeout', `The body did not arrive in ${withinMs} ms.`);
}
