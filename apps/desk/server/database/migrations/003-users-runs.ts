// Models and runs of people's own: what a run needs for it, what is asked of the market, and who may read what.
//
// Three policies stand on each table that is a user's, and any of them lets a row through:
//   own_rows     everything, with one's own
//   floor_rows   reading, with what is the Floor's, by whoever is somebody
//   market_rows  everything, with rows of the users whom the market's batch names (`desk.owners`, as-user.ts)

const OWNED = [
  ...['accounts', 'models', 'runs', 'positions', 'decisions', 'fills'],
  ...['equity_points', 'rules', 'refusals'],
];

const ME = `nullif(current_setting('desk.user_id', true), '')`;
const OWNERS = `nullif(current_setting('desk.owners', true), '')::text[]`;

export const USERS_RUNS: string = `
  alter table desk.runs
    add column source text not null default 'market' check (source in ('market', 'csv', 'replay')),
    add column ended_at timestamptz,
    add column rules jsonb not null default '[]',
    drop constraint runs_status_check,
    add constraint runs_status_check check (status in ('running', 'ending', 'completed'));
  alter table desk.runs no force row level security;
  update desk.runs set ended_at = updated_at where status = 'completed';
  alter table desk.runs force row level security;

  create table desk.refusals (
    run_id uuid not null,
    user_id text not null,
    decision_number integer not null,
    position integer not null check (position > 0),
    tick integer not null,
    refused_at timestamptz not null,
    symbol text not null,
    venue text not null,
    side text not null check (side in ('buy', 'sell')),
    quantity bigint not null,
    rule_id text not null,
    reason text not null,
    primary key (run_id, decision_number, position),
    foreign key (run_id, user_id) references desk.runs (id, user_id) on delete cascade
  );
  create index refusals_by_time on desk.refusals (run_id, refused_at);
  grant select, insert, update, delete on desk.refusals to desk_app;
  alter table desk.refusals enable row level security;
  alter table desk.refusals force row level security;
  create policy own_rows on desk.refusals using (user_id = ${ME}) with check (user_id = ${ME});

  -- The server's own, like the market: no user's statement sees it. Without foreign keys, since a command that was
  -- carried out is part of the market's history, also when the run is deleted.
  create table desk.market_commands (
    number bigint generated always as identity primary key,
    market_id text not null,
    kind text not null check (kind in ('add-agent', 'close-agent', 'set-rules')),
    owner_id text not null,
    model_id text not null,
    agent_id text not null,
    body jsonb not null,
    is_open boolean not null default false,
    tick integer,
    created_at timestamptz not null default now()
  );
  create index market_commands_by_tick on desk.market_commands (market_id, tick, number);
  create unique index market_commands_once on desk.market_commands (agent_id, kind)
    where kind in ('add-agent', 'close-agent');
  create index market_commands_open on desk.market_commands (owner_id) where is_open;

  ${OWNED.map(
    (table) => `
  create policy floor_rows on desk.${table} for select
    using (user_id = 'floor' and ${ME} is not null);
  create policy market_rows on desk.${table}
    using (user_id = any(${OWNERS})) with check (user_id = any(${OWNERS}));`,
  ).join('\n')}

  -- Who acts without a sign-in by name has models as well: the development identity, and the operator's token.
  insert into desk.users (id, name, name_key, is_admin)
    values ('developer', 'Developer', null, true), ('operator', 'Operator', null, true)
    on conflict (id) do nothing;
`;
