// One HTTP request of the doctor, with a bound, and every way in which it can go wrong put into words.

import * as z from 'zod';
import { adviseOnStatus, FIX_NOT_DESK, FIX_UNREACHABLE } from './advice.ts';
import { fail, type Outcome } from './check.ts';

export interface AskOptions {
  readonly method?: 'GET' | 'POST';
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** For the answer's head. Default 10 s. */
  readonly withinMs?: number;
  /** For its body, from then on. Default 20 s. */
  readonly bodyWithinMs?: number;
  /** What to do when nothing answers. */
  readonly fixForSilence?: string;
  /** What to do about a 401 or 403. Default: to give a token. */
  readonly fixForRefusal?: string;
}

export type Asked =
  | {
      readonly isAnswered: true;
      readonly response: Response;
      readonly ms: number;
      /** Gives the body up. Idempotent. */
      abandon(): void;
    }
  | { readonly isAnswered: false; readonly outcome: Outcome };

const errorSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/** The answer with its head; failing outcomes for no answer, and for one that is not 2xx. */
export async function ask(url: string, options: AskOptions = {}): Promise<Asked> {
  const { method = 'GET', token = null, headers = {}, withinMs = 10_000 } = options;
  const startedAt = performance.now();
  const abort = new AbortController();
  const timer = setTimeout(
    () => abort.abort(new Error(`no answer within ${withinMs} ms`)),
    withinMs,
  );
  try {
    const response = await fetch(url, {
      method,
      headers: { ...headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
      signal: abort.signal,
    });
    const { bodyWithinMs = 20_000 } = options;
    const late = (): void =>
      abort.abort(new Error(`the answer did not end within ${bodyWithinMs} ms`));
    // Must not keep the process alive when a check ends earlier.
    setTimeout(late, bodyWithinMs).unref();
    const ms = Math.round(performance.now() - startedAt);
    const abandon = (): void => abort.abort(new Error('the doctor has seen enough'));
    if (response.ok) return { isAnswered: true, response, ms, abandon };
    const said = await reasonOf(response);
    const problem = `${method} ${url} was answered with ${response.status}${said}.`;
    const isRefused = response.status === 401 || response.status === 403;
    const fix = isRefused ? options.fixForRefusal : undefined;
    return { isAnswered: false, outcome: fail(problem, fix ?? adviseOnStatus(response.status)) };
  } catch (error) {
    const { fixForSilence = FIX_UNREACHABLE } = options;
    const problem = `${method} ${url}: ${whyNot(error)}.`;
    return { isAnswered: false, outcome: fail(problem, fixForSilence) };
  } finally {
    clearTimeout(timer);
  }
}

/** The body as JSON of a shape, or a failing outcome. */
export async function askJson<Value>(
  url: string,
  schema: z.ZodType<Value>,
  options: AskOptions = {},
): Promise<{ value: Value; ms: number } | { outcome: Outcome }> {
  const asked = await ask(url, options);
  if (!asked.isAnswered) return { outcome: asked.outcome };
  try {
    return { value: schema.parse(await asked.response.json()), ms: asked.ms };
  } catch {
    // Whatever came is no answer of Desk's; what exactly is wrong with it would help nobody.
    return { outcome: fail(`${url} answered, but not as a Desk does.`, FIX_NOT_DESK) };
  }
}

/** An error of fetch, in words: a code such as ECONNREFUSED where there is one. */
export function whyNot(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string')
    return cause.code;
  return cause instanceof Error ? cause.message : 'it failed';
}

async function reasonOf(response: Response): Promise<string> {
  try {
    const { error } = errorSchema.parse(await response.json());
    return ` (${error.code}: ${error.message})`;
  } catch {
    // Not one of Desk's errors: the status is all there is to tell.
    return '';
  }
}
