// Statements on one client of the pool: one after the other, each bounded, and whether the client is still good.
// Rule: LOG-16.

import { toMillraceError } from '@millrace/protocol';
import { onlyRows, type SqlRow } from './database.ts';
import { sqlState, unavailable } from './engine-error.ts';
import type { PgClient } from './pool.ts';
import { within } from './within.ts';

export interface Statements {
  /** `withinMs` in place of the usual bound. */
  query(sql: string, params?: readonly unknown[], withinMs?: number): Promise<readonly SqlRow[]>;
  /** Like `query`; answers what the last statement did, such as `COMMIT`. */
  command(sql: string): Promise<string>;
  /** Why the client can no longer be used by anybody; null while it can. */
  readonly broken: Error | null;
}

/** An error of the server's own that leaves the connection as it was. Anything else, and a shutdown, ends it. */
const HARMLESS = /^(?!08|57P)/;

export function createStatements(client: PgClient, usualMs: number): Statements {
  let broken: Error | null = null;
  /** Ends with the statement before. Never rejects. */
  let last: Promise<unknown> = Promise.resolve();

  async function run(
    sql: string,
    params: readonly unknown[] | undefined,
    withinMs: number,
  ): Promise<unknown> {
    if (broken !== null) throw unavailable('The connection to the database is lost.', broken);
    try {
      const answer = params === undefined ? client.query(sql) : client.query(sql, [...params]);
      return await within(withinMs, answer);
    } catch (thrown) {
      const state = sqlState(thrown);
      if (state === null || !HARMLESS.test(state)) broken = toError(thrown);
      throw thrown;
    }
  }

  /** In turn: the driver would queue them too, but warns of it. */
  function runInTurn(
    sql: string,
    params?: readonly unknown[],
    withinMs: number = usualMs,
  ): Promise<unknown> {
    const answer = last.then(() => run(sql, params, withinMs));
    last = answer.catch(() => undefined);
    return answer;
  }

  return {
    query: async (sql, params, withinMs) => rowsOf(await runInTurn(sql, params, withinMs)),
    command: async (sql) => commandOf(await runInTurn(sql)),
    get broken() {
      return broken;
    },
  };
}

export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : toMillraceError(thrown);
}

/** A text of several statements answers with a list of results. */
function lastOf(answer: unknown): unknown {
  return Array.isArray(answer) ? answer.at(-1) : answer;
}

export function rowsOf(answer: unknown): readonly SqlRow[] {
  const result = lastOf(answer);
  if (typeof result !== 'object' || result === null || !('rows' in result)) return [];
  return Array.isArray(result.rows) ? onlyRows(result.rows) : [];
}

function commandOf(answer: unknown): string {
  const result = lastOf(answer);
  const isNamed = typeof result === 'object' && result !== null && 'command' in result;
  return isNamed && typeof result.command === 'string' ? result.command : '';
}
