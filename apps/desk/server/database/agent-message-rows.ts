// Agents' messages as rows. The channel has the newest of them; the table has them all.

import type { SqlTransaction } from '@millrace/server/postgres';
import type { GeneratedMessage } from '../../shared/api.ts';
import { queries } from './queries.ts';

export async function insertAgentMessages(
  tx: SqlTransaction,
  messages: readonly GeneratedMessage[],
): Promise<void> {
  if (messages.length === 0) return;
  const rows = messages.map((message) => ({
    id: message.id,
    agent_id: message.agentId,
    type: message.type,
    content: message.content,
    is_fallback: message.isFallback ?? false,
    created_at: message.timestamp,
  }));
  await queries(tx).insertInto('agent_messages').values(rows).execute();
}
