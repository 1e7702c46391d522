// The SQLite file: its tables, and statements that are prepared once.

import { randomBytes } from 'node:crypto';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

// Exclusive: other processes would append unheard. Full: each commit is on the disk before it is answered.
const SCHEMA = `
  pragma locking_mode = exclusive;
  pragma journal_mode = wal;
  pragma synchronous = full;
  create table if not exists incarnation (token text not null) strict;
  create table if not exists channel (
    name text primary key, epoch text not null, head integer not null, is_ended integer not null,
    snapshot_offset integer, snapshot_version integer, snapshot_text text
  ) strict, without rowid;
  create table if not exists entry (
    channel text, offset integer, accepted_at integer not null, text text not null,
    primary key (channel, offset)
  ) strict, without rowid;
  create table if not exists producer (
    channel text, id blob, epoch integer not null, sequence integer not null,
    offset integer not null, at text not null, expires_at integer not null,
    primary key (channel, id)
  ) strict, without rowid;
`;

export type Row = Readonly<Record<string, unknown>>;

export interface Sql {
  /** The epoch of every channel that nobody has appended to: another one in each file that is made. */
  readonly token: string;
  run(text: string, ...params: SQLInputValue[]): void;
  first(text: string, ...params: SQLInputValue[]): Row | undefined;
  each(text: string, ...params: SQLInputValue[]): Iterable<Row>;
  rollBack(): void;
  close(): void;
}

export function openFile(file: string): Sql {
  const database = new DatabaseSync(file);
  const prepared = new Map<string, StatementSync>();

  function statement(text: string): StatementSync {
    const known = prepared.get(text) ?? database.prepare(text);
    prepared.set(text, known);
    return known;
  }

  database.exec(SCHEMA);
  statement('insert into incarnation select ? where not exists (select * from incarnation)').run(
    randomBytes(9).toString('base64url'),
  );

  return {
    token: String(statement('select token from incarnation').get()?.['token']),
    run: (text, ...params) => void statement(text).run(...params),
    first: (text, ...params) => statement(text).get(...params),
    each: (text, ...params) => statement(text).iterate(...params),
    rollBack() {
      if (database.isTransaction) database.exec('rollback');
    },
    close() {
      if (database.isOpen) database.close();
    },
  };
}
