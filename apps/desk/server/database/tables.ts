// The tables of Desk as their queries see them: what a column takes and what it gives. Made by migrations/.
//
// Money is numeric(20,4): text on both ways, never a float (market/money.ts reads and writes it). int8 gives text.

import type { ColumnType, Generated } from 'kysely';

/** Text such as `-12.3400`. */
type Decimal = string;
type Time = ColumnType<Date, Date | string, Date | string>;
type Made = ColumnType<Date, Date | string | undefined, never>;
/** Written as JSON text, so that no driver takes an array for one of PostgreSQL's. */
type Json = ColumnType<unknown, string, string>;

export interface UserRow {
  id: string;
  name: string;
  /** The name as it is compared: one user for all spellings in upper and lower case. Null: nobody signs in by it. */
  name_key: string | null;
  is_admin: boolean;
  created_at: Made;
}

export interface AccountRow {
  id: string;
  user_id: string;
  name: string;
  starting_cash: Decimal;
  cash: Decimal;
  created_at: Made;
}

export interface ModelRow {
  id: string;
  user_id: string;
  account_id: string | null;
  name: string;
  strategy: string;
  created_at: Made;
}

export interface RunRow {
  id: string;
  user_id: string;
  model_id: string;
  /** Within its model, from 1. */
  number: number;
  /** The market in which it trades; null for an imported one. */
  market_id: string | null;
  /** Ending: asked to, and traded until the market's next tick. */
  status: 'running' | 'ending' | 'completed';
  starting_cash: Decimal;
  cash: Decimal;
  equity: Decimal;
  realised: Decimal;
  unrealised: Decimal;
  fees: Decimal;
  order_count: number;
  fill_count: number;
  closing_count: number;
  win_count: number;
  last_tick: number;
  started_at: Time;
  updated_at: Time;
  /** Played in the live market, made of imported trades, or played over imported prices. */
  source: 'market' | 'csv' | 'replay';
  ended_at: ColumnType<Date | null, Date | string | null, Date | string | null>;
  /** Those that its orders are checked against, as the market's schema has them. */
  rules: Json;
}

export interface PositionRow {
  run_id: string;
  user_id: string;
  symbol: string;
  quantity: ColumnType<string, number | string, number | string>;
  cost: Decimal;
  value: Decimal;
  updated_at: Time;
}

export interface DecisionRow {
  run_id: string;
  user_id: string;
  number: number;
  tick: number;
  decided_at: Time;
  orders: number;
  cancels: number;
  reasoning: Json;
}

export interface FillRow {
  run_id: string;
  user_id: string;
  number: number;
  decision_number: number;
  order_number: number;
  tick: number;
  filled_at: Time;
  symbol: string;
  venue: string;
  side: 'buy' | 'sell';
  price: Decimal;
  quantity: ColumnType<string, number | string, never>;
  notional: Decimal;
  fee: Decimal;
  realised: Decimal;
  liquidity: 'taker' | 'maker';
  counterparty: string;
  tag: string;
}

export interface EquityPointRow {
  run_id: string;
  user_id: string;
  tick: number;
  at: Time;
  equity: Decimal;
  cash: Decimal;
}

export interface RuleRow {
  id: string;
  model_id: string;
  user_id: string;
  kind: string;
  /** The whole rule, as the market's schema has it. */
  rule: Json;
  accepted_at: Made;
}

/** An order that was not carried out. */
export interface RefusalRow {
  run_id: string;
  user_id: string;
  decision_number: number;
  /** Among those of its decision, from 1. */
  position: number;
  tick: number;
  refused_at: Time;
  symbol: string;
  venue: string;
  side: 'buy' | 'sell';
  quantity: ColumnType<string, number | string, never>;
  /** A rule of the model, or `exchange/…`. */
  rule_id: string;
  reason: string;
}

/** Of the server, not of a user: what is asked of the market, in order. */
export interface MarketCommandRow {
  number: ColumnType<string, never, never>;
  market_id: string;
  kind: 'add-agent' | 'close-agent' | 'set-rules';
  owner_id: string;
  model_id: string;
  agent_id: string;
  body: Json;
  /** Of an `add-agent` whose agent nobody has asked to close. */
  is_open: boolean;
  /** Before which it is carried out; null until the leader has said. */
  tick: number | null;
  created_at: Made;
}

export interface AgentMessageRow {
  id: string;
  agent_id: string;
  type: string;
  content: string;
  is_fallback: Generated<boolean>;
  created_at: Time;
}

export interface MarketSnapshotRow {
  market_id: string;
  tick: number;
  market_time: Time;
  body: Json;
  saved_at: Time;
}

export interface ChatSessionRow {
  id: string;
  /** Higher in a later one. int8: text. */
  number: ColumnType<string, never, never>;
  user_id: string;
  model_id: string | null;
  run_id: string | null;
  session_title: string;
  created_at: Made;
}

export interface ChatMessageRow {
  session_id: string;
  user_id: string;
  /** Within its session, from 1. */
  sequence: number;
  id: string;
  role: 'user' | 'assistant';
  status: 'completed' | 'stopped' | 'replaced';
  /** Parts of a run, as @millrace/protocol/runs has them. */
  parts: Json;
  text: string;
  ai_run_id: string;
  ai_model: string | null;
  usage: Json | null;
  created_at: Made;
}

export interface ModelAiSettingsRow {
  model_id: string;
  user_id: string;
  provider: string;
  base_url: string;
  ai_model: string;
  parameters: Json;
  key_id: string | null;
  key_nonce: string | null;
  key_ciphertext: string | null;
  key_tag: string | null;
  key_last_four: string | null;
  updated_at: ColumnType<Date, Date | undefined, Date>;
}

export interface ModelInstructionRow {
  id: string;
  number: ColumnType<string, never, never>;
  user_id: string;
  model_id: string;
  text: string;
  source_session_id: string | null;
  source_message_id: string | null;
  created_at: Made;
}

export interface ApiKeyRow {
  id: string;
  number: ColumnType<string, never, never>;
  user_id: string;
  name: string;
  hash: string;
  prefix: string;
  created_at: Made;
  last_used_at: ColumnType<Date | null, Date | undefined, Date>;
  revoked_at: ColumnType<Date | null, Date | undefined, Date>;
}

export interface TicketRow {
  hash: string;
  user_id: string;
  model_id: string;
  run_id: string;
  expires_at: Time;
  ai_run_id: string | null;
  created_at: Made;
}

export interface InferenceRequestRow {
  id: string;
  number: ColumnType<string, never, never>;
  user_id: string;
  api_key_id: string;
  body_hash: string;
  body: Json;
  ai_run_id: string;
  created_at: Made;
}

export interface Tables {
  users: UserRow;
  accounts: AccountRow;
  models: ModelRow;
  runs: RunRow;
  positions: PositionRow;
  decisions: DecisionRow;
  fills: FillRow;
  equity_points: EquityPointRow;
  rules: RuleRow;
  refusals: RefusalRow;
  market_commands: MarketCommandRow;
  agent_messages: AgentMessageRow;
  market_snapshots: MarketSnapshotRow;
  chat_sessions: ChatSessionRow;
  chat_messages: ChatMessageRow;
  model_ai_settings: ModelAiSettingsRow;
  model_instructions: ModelInstructionRow;
  api_keys: ApiKeyRow;
  tickets: TicketRow;
  inference_requests: InferenceRequestRow;
}
