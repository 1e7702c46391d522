// What `createSSEClient` is given, and the rules read off it, checked at once: misuse throws at the call.

import { MillraceError } from '@millrace/protocol';
import type { Environment } from '../environment.ts';
import type { SseRules } from './sse-machine.ts';

/** What the client uses of its surroundings. */
export type SSEEnvironment = Pick<
  Environment,
  | 'now'
  | 'random'
  | 'randomId'
  | 'setTimer'
  | 'fetch'
  | 'baseUrl'
  | 'isOnline'
  | 'watchPage'
  | 'report'
>;

export interface SSEClientOptions {
  /** A path of the page's own server, or absolute. */
  readonly url: string;
  /** Tries after a connection was lost or not made, one after the other; `Infinity` never gives up, 0 never tries. Default 5. */
  readonly maxRetries?: number;
  /** Most that the first try waits, ms; each wait is drawn evenly from 0 to its most. Default 1,000. */
  readonly initialRetryDelay?: number;
  /** Most that any try waits, ms, unless the server asks for more. Default 30,000. */
  readonly maxRetryDelay?: number;
  /** How much more each further try may wait, ≥ 1. Default 2. */
  readonly backoffMultiplier?: number;
  /** Or a function, asked before every try: for a token that is fresh. */
  readonly headers?: SSEHeaders | (() => SSEHeaders | Promise<SSEHeaders>);
  /** Default `GET`; with a `body`, `POST`. */
  readonly method?: string;
  /** A text as it is, anything else as JSON. */
  readonly body?: unknown;
  /** Cookies. Default `same-origin`. */
  readonly credentials?: RequestCredentials;
  /** The stream stands: the first time, and after each loss. */
  readonly onOpen?: (response: Response) => void;
  /** Each failure: a loss that is tried again (`state` is RECONNECTING), a refusal (ERROR), a handler that threw. */
  readonly onError?: (error: MillraceError) => void;
  /** It is over: by `disconnect`, by the server, or given up. */
  readonly onClose?: () => void;
  /** Parts of the surroundings to replace: clock, network. For tests and unusual hosts. */
  readonly environment?: Partial<SSEEnvironment>;
}

export type SSEHeaders = Readonly<Record<string, string>>;

/** What every try sends. */
export interface SseCall {
  readonly url: string;
  readonly method: string;
  readonly body: string | null;
  readonly isJson: boolean;
  readonly headers: NonNullable<SSEClientOptions['headers']>;
  readonly credentials: RequestCredentials;
}

/** @throws MillraceError `settings/invalid` */
export function readCall(options: SSEClientOptions, baseUrl: string | undefined): SseCall {
  const { body, headers = {}, credentials = 'same-origin' } = options;
  const method = (options.method ?? (body === undefined ? 'GET' : 'POST')).toUpperCase();
  if (body !== undefined && (method === 'GET' || method === 'HEAD')) {
    throw invalid(`\`body\` cannot go with ${method}. Leave \`method\` away, or set POST.`);
  }
  const isJson = body !== undefined && typeof body !== 'string';
  const text = isJson ? JSON.stringify(body) : (body ?? null);
  return { url: resolve(options.url, baseUrl), method, body: text, isJson, headers, credentials };
}

/** @throws MillraceError `settings/invalid` */
export function readRules(options: SSEClientOptions): SseRules {
  const rules = {
    maxRetries: options.maxRetries ?? 5,
    initialRetryDelayMs: options.initialRetryDelay ?? 1_000,
    maxRetryDelayMs: options.maxRetryDelay ?? 30_000,
    backoffMultiplier: options.backoffMultiplier ?? 2,
  };
  if (!(rules.maxRetries >= 0)) throw invalid('`maxRetries` is 0 or more.');
  if (!(rules.initialRetryDelayMs >= 0)) throw invalid('`initialRetryDelay` is 0 ms or more.');
  if (!(rules.maxRetryDelayMs >= 0)) throw invalid('`maxRetryDelay` is 0 ms or more.');
  if (!(rules.backoffMultiplier >= 1)) throw invalid('`backoffMultiplier` is 1 or more.');
  return rules;
}

function resolve(url: string, baseUrl: string | undefined): string {
  try {
    return new URL(url, baseUrl).href;
  } catch (cause) {
    throw new MillraceError('settings/invalid', `"${url}" is no address here.`, { cause });
  }
}

function invalid(message: string): MillraceError {
  return new MillraceError('settings/invalid', message);
}
