// The log: one JSON line with a timestamp per step; real-time lines carry a `tag`.
// Refuses to own: what people read at start (main.ts prints that).

import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import pino from 'pino';

export interface Log {
  debug(facts: Facts, step: string): void;
  info(facts: Facts, step: string): void;
  warn(facts: Facts, step: string): void;
  error(facts: Facts, step: string): void;
}

/** What is known at a step. `tag` is `real-time`, `SSE` or `WebSocket` on real-time lines; `err` an error. */
export type Facts = Readonly<Record<string, unknown>>;

export interface LogOptions {
  readonly level: string;
  /** `stdout` or a file, whose folder is made. */
  readonly target: string;
  /** The number of the node among several, which each line then carries. */
  readonly node?: number | null;
}

export function createLog({ level, target, node = null }: LogOptions): Log & { flush(): void } {
  const isFile = target !== 'stdout';
  const file = resolve(target);
  if (isFile) mkdirSync(dirname(file), { recursive: true });
  // Synchronous: the last lines before an exit are the ones that matter most.
  const destination = pino.destination({ dest: isFile ? file : 1, sync: true });
  const logger = pino(
    {
      level,
      base: node === null ? null : { node },
      messageKey: 'step',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: ['*.authorization', '*.cookie', '*.token', '*.secret'],
    },
    destination,
  );
  return {
    debug: (facts, step) => logger.debug(facts, step),
    info: (facts, step) => logger.info(facts, step),
    warn: (facts, step) => logger.warn(facts, step),
    error: (facts, step) => logger.error(facts, step),
    flush: () => destination.flushSync(),
  };
}

/** Says nothing: for tests and benches. */
export const SILENT_LOG: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
