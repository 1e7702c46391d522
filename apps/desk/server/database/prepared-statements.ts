// Statements of one PGlite that are parsed and planned once, not each time: its own `query` makes six calls into
// WebAssembly and plans anew, and takes two to three times as long. Refuses to own: whose turn it is.
//
// By the extended query protocol of PostgreSQL: https://www.postgresql.org/docs/current/protocol-flow.html

import { type PGlite, parse, protocol, type Results } from '@electric-sql/pglite';
import type { SqlRow } from '@millrace/server/postgres';

type Messages = Parameters<typeof parse.parseResults>[0];

interface Prepared {
  readonly name: string;
  readonly types: readonly number[];
  /** What it gives, before each of its rows' messages as the parser wants it. */
  readonly head: Messages;
  usesLeft: number;
}

export interface PreparedStatements {
  /** Rejects as `PGlite.query` does. Nothing else may be at work on the connection. */
  run(sql: string, params: readonly unknown[]): Promise<readonly SqlRow[]>;
  /** To be called when the shape of a table changes: a statement that gives another one then would be refused, once. */
  forget(): Promise<void>;
}

/** Statements that are kept. Past it the one that was not used for longest goes. */
const MOST_KEPT = 200;
/** Then it is planned anew: here nobody else tells the planner that a table has grown. */
const MOST_USES = 1_000;
/** It gives another shape by now; it is not known there. */
const STALE: ReadonlySet<unknown> = new Set(['0A000', '26000']);

const ENDS: ReadonlySet<Messages[number]['name']> = new Set(['commandComplete', 'emptyQuery']);

const { serialize } = protocol;

export function prepareStatements(pglite: PGlite): PreparedStatements {
  /** The one used last is the last. */
  const kept = new Map<string, Prepared>();
  let made = 0;

  async function find(sql: string): Promise<Prepared> {
    const found = kept.get(sql);
    if (found !== undefined && found.usesLeft > 0) {
      found.usesLeft -= 1;
      kept.delete(sql);
      kept.set(sql, found);
      return found;
    }
    made += 1;
    const name = `s${made}`;
    const messages = await say(
      ...(found === undefined ? makeRoom() : drop(sql)),
      serialize.parse({ name, text: sql }),
      serialize.describe({ type: 'S', name }),
    );
    if (!messages.some((message) => message.name === 'parameterDescription')) throw trapped();
    const prepared: Prepared = {
      name,
      types: parse.parseDescribeStatementResults(messages),
      head: messages.filter((message) => message.name === 'rowDescription'),
      usesLeft: MOST_USES,
    };
    kept.set(sql, prepared);
    return prepared;
  }

  /** What has to be said before another is kept. */
  function makeRoom(): readonly Uint8Array[] {
    const [oldest] = kept.keys();
    return oldest === undefined || kept.size < MOST_KEPT ? [] : drop(oldest);
  }

  /** What has to be said of one that is kept no more. */
  function drop(sql: string): readonly Uint8Array[] {
    const name = kept.get(sql)?.name;
    kept.delete(sql);
    return name === undefined ? [] : [serialize.close({ type: 'S', name })];
  }

  /** One call into WebAssembly for all of them. */
  async function say(...messages: readonly Uint8Array[]): Promise<Messages> {
    const bytes = Buffer.concat([...messages, serialize.sync()]);
    return pglite.execProtocolStream(bytes);
  }

  async function answerTo(sql: string, bind: Uint8Array): Promise<Messages> {
    try {
      const messages = await say(bind, serialize.execute());
      if (messages.some(({ name }) => ENDS.has(name))) return messages;
    } catch (error) {
      if (error instanceof Error && 'code' in error && STALE.has(error.code)) {
        await say(...drop(sql));
      }
      throw error;
    }
    throw trapped();
  }

  return {
    async run(sql, params) {
      const { name, types, head } = await find(sql);
      const values = params.map((value, index) => {
        if (value === null || value === undefined) return null;
        const write = pglite.serializers[types[index] ?? 0] ?? ((given: unknown) => given);
        return asText(write(value));
      });
      const messages = await answerTo(sql, serialize.bind({ statement: name, values }));
      const [result]: Results<SqlRow>[] = parse.parseResults(
        [...head, ...messages],
        pglite.parsers,
      );
      return result?.rows ?? [];
    },
    async forget() {
      if (kept.size > 0) await say(...Array.from(kept.keys(), drop).flat());
    },
  };
}

/** PGlite swallows its traps: the database inside is gone, and this would look like an answer without rows. */
function trapped(): Error {
  return Object.assign(new Error('The database did not answer.'), { name: 'RuntimeError' });
}

/** What PGlite has no words for (an enum, a uuid, an interval) is given as text, or as a number. */
function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  throw new TypeError(`A parameter of this type is given as text, not as a ${typeof value}.`);
}
