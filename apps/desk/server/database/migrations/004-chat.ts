// Chats and what they need: sessions, messages (with tool calls: the audit trail), each model's AI settings, kept
// instructions, keys for programs, tickets for `EventSource`, and chat-completions requests.
//
// All of it is the asking user's own, also where the model is the Floor's: a key pays for nobody else's questions.
// A key or ticket is found by its hash, which only who has the secret can name (`desk.secret_hash`).

const OWNED = [
  ...['chat_sessions', 'chat_messages', 'model_ai_settings', 'model_instructions'],
  ...['api_keys', 'tickets', 'inference_requests'],
];

const MINE = `user_id = nullif(current_setting('desk.user_id', true), '')`;
/** Row-level security holds in here too: a model or run that the user may not see is not there. */
const SEES_MODEL = 'exists (select from desk.models m where m.id = model_id)';

export const CHAT: string = `
  create table desk.chat_sessions (
    -- Ours, or the one that a page of the AI SDK made up.
    id text primary key check (id ~ '^[A-Za-z0-9_-]{16,64}$'),
    -- Of two sessions the later one has the higher number, whatever the clock says.
    number bigint generated always as identity,
    user_id text not null references desk.users on delete cascade,
    model_id text references desk.models on delete cascade,
    run_id uuid references desk.runs on delete cascade,
    session_title text not null check (char_length(session_title) <= 200),
    created_at timestamptz not null default now(),
    unique (id, user_id),
    check (run_id is null or model_id is not null)
  );
  create index chat_sessions_of_user on desk.chat_sessions (user_id, model_id, run_id, number);
  create index chat_sessions_of_model on desk.chat_sessions (model_id);
  create index chat_sessions_of_run on desk.chat_sessions (run_id);

  create table desk.chat_messages (
    session_id text not null,
    user_id text not null,
    sequence integer not null check (sequence > 0),
    -- The page's own for a question, the AI run's for an answer.
    id text not null check (char_length(id) between 1 and 100),
    role text not null check (role in ('user', 'assistant')),
    -- Replaced: answered anew, or asked otherwise. It is in no context and not shown.
    status text not null check (status in ('completed', 'stopped', 'replaced')),
    -- json, not jsonb: a part may hold what jsonb refuses (\\u0000), and must come back as it was.
    parts json not null,
    text text not null,
    ai_run_id text not null,
    ai_model text,
    usage json,
    created_at timestamptz not null default now(),
    primary key (session_id, sequence),
    unique (session_id, id),
    foreign key (session_id, user_id) references desk.chat_sessions (id, user_id) on delete cascade
  );
  create index chat_messages_of_run on desk.chat_messages (ai_run_id);

  create table desk.model_ai_settings (
    model_id text not null references desk.models on delete cascade,
    user_id text not null references desk.users on delete cascade,
    provider text not null check (char_length(provider) between 1 and 100),
    base_url text not null,
    ai_model text not null check (char_length(ai_model) between 1 and 200),
    parameters json not null,
    -- The key, sealed (secrets/sealing.ts): all of it or none. Base64.
    key_id text,
    key_nonce text,
    key_ciphertext text,
    key_tag text,
    key_last_four text,
    updated_at timestamptz not null default now(),
    primary key (model_id, user_id),
    check (num_nonnulls(key_id, key_nonce, key_ciphertext, key_tag, key_last_four) in (0, 5))
  );
  create index model_ai_settings_of_user on desk.model_ai_settings (user_id);

  create table desk.model_instructions (
    id uuid primary key,
    number bigint generated always as identity,
    user_id text not null references desk.users on delete cascade,
    model_id text not null references desk.models on delete cascade,
    text text not null check (char_length(text) between 1 and 2000),
    -- Where it was said, if it was said in a chat.
    source_session_id text,
    source_message_id text,
    created_at timestamptz not null default now()
  );
  create index model_instructions_of_model on desk.model_instructions (model_id, user_id, number);

  create table desk.api_keys (
    id uuid primary key,
    number bigint generated always as identity,
    user_id text not null references desk.users on delete cascade,
    name text not null check (char_length(name) between 1 and 80),
    hash text not null unique,
    -- What its owner recognizes it by.
    prefix text not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    revoked_at timestamptz
  );
  create index api_keys_of_user on desk.api_keys (user_id, number);

  create table desk.tickets (
    hash text primary key,
    user_id text not null references desk.users on delete cascade,
    -- What it is for: one question about this run.
    model_id text not null references desk.models on delete cascade,
    run_id uuid not null references desk.runs on delete cascade,
    expires_at timestamptz not null,
    -- The answer that it has started: from then on it only joins that.
    ai_run_id text,
    created_at timestamptz not null default now()
  );
  create index tickets_of_user on desk.tickets (user_id);

  create table desk.inference_requests (
    id uuid primary key,
    number bigint generated always as identity,
    user_id text not null references desk.users on delete cascade,
    -- The key it came with; empty for a session.
    api_key_id text not null,
    body_hash text not null,
    body json not null,
    ai_run_id text not null,
    created_at timestamptz not null default now()
  );
  create index inference_requests_again on desk.inference_requests (user_id, api_key_id, body_hash, number);

  ${OWNED.map(
    (table) => `
  grant select, insert, update, delete on desk.${table} to desk_app;
  alter table desk.${table} enable row level security;
  alter table desk.${table} force row level security;`,
  ).join('\n')}
  ${['chat_messages', 'api_keys', 'inference_requests']
    .map((table) => `create policy own_rows on desk.${table} using (${MINE}) with check (${MINE});`)
    .join('\n  ')}

  create policy own_rows on desk.chat_sessions using (${MINE}) with check (${MINE}
    and (model_id is null or ${SEES_MODEL})
    and (run_id is null or exists (
      select from desk.runs r where r.id = run_id and r.model_id = chat_sessions.model_id)));
  create policy own_rows on desk.model_ai_settings using (${MINE}) with check (${MINE} and ${SEES_MODEL});
  create policy own_rows on desk.model_instructions using (${MINE}) with check (${MINE} and ${SEES_MODEL});
  create policy own_rows on desk.tickets using (${MINE}) with check (${MINE}
    and exists (select from desk.runs r where r.id = run_id and r.model_id = tickets.model_id));
  ${['api_keys', 'tickets']
    .map(
      (table) => `create policy by_secret on desk.${table} for select
    using (hash = nullif(current_setting('desk.secret_hash', true), ''));`,
    )
    .join('\n  ')}
`;
