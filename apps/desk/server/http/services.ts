// What the routes work with. Put together by desk.ts; each route takes only what it names.

import type { Hub } from '@millrace/server';
import type { SqlDatabase } from '@millrace/server/postgres';
import type { ApiKeys } from '../api-keys/api-keys.ts';
import type { Generation } from '../chat/generation.ts';
import type { MessageBoard } from '../chat/message-board.ts';
import type { Floor } from '../floor/floor.ts';
import type { Tokens } from '../identity/tokens.ts';
import type { Users } from '../identity/users.ts';
import type { Log } from '../log.ts';
import type { ModelAi } from '../model-ai/model-ai.ts';
import type { RunChat } from '../run-chat/run-chat.ts';
import type { UiAsking } from '../run-chat/ui-asking.ts';
import type { Settings } from '../settings/read.ts';
import type { IsTrusted } from '../settings/trusted-proxies.ts';
import type { Tickets } from '../tickets/tickets.ts';

/** Whether a part works, by its name; the sentence says what is wrong. */
export type HealthCheck = () => Promise<string | null>;

export interface Services {
  readonly settings: Settings;
  readonly log: Log;
  /** Its number among the nodes of one machine; null where it is alone. */
  readonly node: number | null;
  readonly hub: Hub;
  /** For statements on behalf of a user (database/as-user.ts). */
  readonly sql: SqlDatabase;
  readonly users: Users;
  readonly tokens: Tokens;
  readonly board: MessageBoard;
  readonly generation: Generation;
  readonly floor: Floor;
  readonly runChat: RunChat;
  readonly uiAsking: UiAsking;
  readonly modelAi: ModelAi;
  readonly apiKeys: ApiKeys;
  readonly tickets: Tickets;
  /** OPENAI_MODEL_MAP. */
  readonly modelMap: ReadonlyMap<string, string>;
  readonly isTrusted: IsTrusted;
  readonly health: Readonly<Record<string, HealthCheck>>;
  /** Folder of the built page. */
  readonly pageFolder: string;
}
