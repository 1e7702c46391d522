// What runs keep in the application's database, version by version, in the schema of Millrace. A version that has been
// published is never edited. Keeps to PostgreSQL 15.

import { migrateSchema, type SqlDatabase } from '@millrace/server/postgres';

/** Index 0 is version 1. Each is run once, in one transaction with the record of it. */
const MIGRATIONS: readonly string[] = [
  `
  create table millrace.ai_runs (
    id text primary key,
    number bigint generated always as identity, -- the order of acceptance
    conversation_id text not null,
    user_id text not null,
    message_id text not null,
    key text, -- of the start: repeated, it answers with the same run
    status text not null check (status in
      ('queued', 'running', 'stopping', 'completed', 'stopped', 'failed', 'interrupted')),
    -- JSON as text, here and below: jsonb refuses what JSON may hold (a NUL, half a surrogate pair).
    settings text not null, -- of the model, as they were at the start; no secret
    question text not null,
    owner text,
    fence integer not null default 0, -- the producer's epoch in the run's channel
    deaths integer not null default 0, -- owners that did not give it back
    lease_until timestamptz,
    stopped_by text,
    finish_reason text,
    input_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    is_estimated boolean not null default false,
    error text,
    partial text, -- the parts of one that was not completed: no message, and in nobody's context
    accepted_at timestamptz not null default clock_timestamp(),
    started_at timestamptz,
    ended_at timestamptz,
    unique (conversation_id, key)
  );
  -- One run of a conversation is at work: this is what "active" means, and it cannot disagree with the rows.
  create unique index ai_runs_active on millrace.ai_runs (conversation_id) where status in ('running', 'stopping');
  create index ai_runs_waiting on millrace.ai_runs (conversation_id, number) where status = 'queued';
  create index ai_runs_leases on millrace.ai_runs (lease_until) where status in ('running', 'stopping');
  create index ai_runs_of_user on millrace.ai_runs (user_id, number);

  -- Written before a tool is called, and again before its outcome is used: no finished call is made twice.
  create table millrace.ai_tool_calls (
    run_id text not null references millrace.ai_runs (id) on delete cascade,
    call_id text not null,
    user_id text not null,
    name text not null,
    input text not null,
    key text not null, -- the same for every try: what the tool may hand on as an idempotency key
    status text not null check (status in ('called', 'done', 'failed')),
    output text,
    error text,
    tries integer not null default 1,
    called_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    primary key (run_id, call_id)
  );
  `,
  `
  alter table millrace.ai_runs
    add column retry_of text, -- the run whose question it answers again
    add column prefix text; -- the parts of that one that its message begins with; null where it does not go on with any
  -- What a user spent of a budget.
  create index ai_runs_spent on millrace.ai_runs (user_id, ended_at);
  `,
  `
  -- Who is over for long is looked for now and then.
  create index ai_runs_ended on millrace.ai_runs (ended_at) where ended_at is not null;
  `,
];

/** @throws MillraceError `settings/invalid` for a database that a newer version wrote */
export function migrateRuns(database: SqlDatabase): Promise<void> {
  const subject = "This database's AI runs were";
  return migrateSchema(database, { record: 'ai_migration', migrations: MIGRATIONS, subject });
}
