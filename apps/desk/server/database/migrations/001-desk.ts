// Users, and the trading that is theirs; what agents say; the market as it was kept last.
//
// What a user owns carries `user_id` itself, down to the last row: the policy is one comparison on each table, and
// the foreign keys go over (id, user_id), so that nobody hangs rows of theirs on somebody else's run.
// Statements for a user run as `desk_app` with `desk.user_id` set (as-user.ts). Without it no row is seen.

const OWNED = [
  ...['accounts', 'models', 'runs', 'positions', 'decisions', 'fills'],
  ...['equity_points', 'rules'],
];

export const DESK_TABLES: string = `
  create table desk.users (
    id text primary key,
    name text not null check (char_length(name) between 1 and 40),
    -- Null for one that nobody can sign in as.
    name_key text unique,
    is_admin boolean not null,
    created_at timestamptz not null default now()
  );

  create table desk.accounts (
    id text primary key,
    user_id text not null references desk.users on delete cascade,
    name text not null,
    starting_cash numeric(20,4) not null,
    cash numeric(20,4) not null,
    created_at timestamptz not null default now(),
    unique (id, user_id)
  );
  create index accounts_of_user on desk.accounts (user_id);

  create table desk.models (
    id text primary key,
    user_id text not null references desk.users on delete cascade,
    account_id text,
    name text not null,
    strategy text not null,
    created_at timestamptz not null default now(),
    unique (id, user_id),
    foreign key (account_id, user_id) references desk.accounts (id, user_id) on delete cascade
  );
  create index models_of_user on desk.models (user_id);
  create index models_of_account on desk.models (account_id, user_id);

  create table desk.runs (
    id uuid primary key,
    user_id text not null,
    model_id text not null,
    number integer not null check (number > 0),
    market_id text,
    status text not null check (status in ('running', 'completed')),
    starting_cash numeric(20,4) not null,
    cash numeric(20,4) not null,
    equity numeric(20,4) not null,
    realised numeric(20,4) not null,
    unrealised numeric(20,4) not null,
    fees numeric(20,4) not null,
    order_count integer not null,
    fill_count integer not null,
    closing_count integer not null,
    win_count integer not null,
    last_tick integer not null,
    started_at timestamptz not null,
    updated_at timestamptz not null,
    unique (id, user_id),
    unique (model_id, number),
    foreign key (model_id, user_id) references desk.models (id, user_id) on delete cascade
  ) with (fillfactor = 70); -- room on the page for the next figures, so that no index is touched
  create index runs_of_user on desk.runs (user_id);

  create table desk.positions (
    run_id uuid not null,
    user_id text not null,
    symbol text not null,
    -- Below zero for shares that are owed.
    quantity bigint not null check (quantity <> 0),
    cost numeric(20,4) not null,
    value numeric(20,4) not null,
    updated_at timestamptz not null,
    primary key (run_id, symbol),
    foreign key (run_id, user_id) references desk.runs (id, user_id) on delete cascade
  ) with (fillfactor = 70);

  create table desk.decisions (
    run_id uuid not null,
    user_id text not null,
    number integer not null,
    tick integer not null,
    decided_at timestamptz not null,
    orders integer not null check (orders >= 0),
    cancels integer not null check (cancels >= 0),
    reasoning jsonb not null,
    primary key (run_id, number),
    foreign key (run_id, user_id) references desk.runs (id, user_id) on delete cascade
  );
  create index decisions_by_time on desk.decisions (run_id, decided_at);

  -- A fill stands by its decision's number, which may be missing: a run can be imported from trades alone.
  create table desk.fills (
    run_id uuid not null,
    user_id text not null,
    number integer not null,
    decision_number integer not null,
    order_number integer not null,
    tick integer not null,
    filled_at timestamptz not null,
    symbol text not null,
    venue text not null,
    side text not null check (side in ('buy', 'sell')),
    price numeric(20,4) not null check (price > 0),
    quantity bigint not null check (quantity > 0),
    notional numeric(20,4) not null,
    fee numeric(20,4) not null,
    realised numeric(20,4) not null,
    liquidity text not null check (liquidity in ('taker', 'maker')),
    counterparty text not null,
    tag text not null,
    primary key (run_id, number),
    foreign key (run_id, user_id) references desk.runs (id, user_id) on delete cascade
  );
  create index fills_by_time on desk.fills (run_id, filled_at);

  create table desk.equity_points (
    run_id uuid not null,
    user_id text not null,
    tick integer not null,
    at timestamptz not null,
    equity numeric(20,4) not null,
    cash numeric(20,4) not null,
    primary key (run_id, tick),
    foreign key (run_id, user_id) references desk.runs (id, user_id) on delete cascade
  );

  create table desk.rules (
    model_id text not null,
    id text not null check (char_length(id) between 1 and 80),
    user_id text not null,
    kind text not null,
    rule jsonb not null,
    accepted_at timestamptz not null default now(),
    primary key (model_id, id),
    foreign key (model_id, user_id) references desk.models (id, user_id) on delete cascade
  );

  create table desk.agent_messages (
    id uuid primary key,
    agent_id text not null,
    type text not null check (type in ('analysis', 'trade', 'opinion')),
    content text not null,
    is_fallback boolean not null default false,
    created_at timestamptz not null
  );
  create index agent_messages_by_time on desk.agent_messages (agent_id, created_at);

  create table desk.market_snapshots (
    market_id text primary key,
    tick integer not null check (tick >= 0),
    market_time timestamptz not null,
    -- json, not jsonb: the order of keys is part of a market that must go on exactly where it was.
    body json not null,
    saved_at timestamptz not null
  );

  -- Roles are of the whole server, not of this database: another Desk may have made it.
  do $$ begin
    if not exists (select from pg_roles where rolname = 'desk_app') then
      create role desk_app nologin;
    end if;
    -- Not asked for first: from PostgreSQL 16 on who makes a role is a member of it, and may not act as it.
    begin
      execute format('grant desk_app to %I', current_user);
    exception when insufficient_privilege then
      if not pg_has_role(current_user, 'desk_app', 'member') then
        raise exception 'the user % may not act as desk_app: grant it to them', current_user;
      end if;
    end;
  end $$;
  grant usage on schema desk to desk_app;
  ${OWNED.map(
    (table) => `
  grant select, insert, update, delete on desk.${table} to desk_app;
  alter table desk.${table} enable row level security;
  alter table desk.${table} force row level security;
  create policy own_rows on desk.${table}
    using (user_id = nullif(current_setting('desk.user_id', true), ''))
    with check (user_id = nullif(current_setting('desk.user_id', true), ''));`,
  ).join('\n')}

  -- Owns what the agents of the Floor trade. Nobody signs in as it.
  insert into desk.users (id, name, name_key, is_admin) values ('floor', 'Floor', null, false);
`;
