// A message as the chat shows it.

import type { RunPart, RunStatus } from '@millrace/protocol/runs';

export interface ChatEntry {
  readonly id: string;
  readonly role: 'user' | 'assistant';
  readonly text: string;
  readonly parts: readonly RunPart[];
  /** Of a question: `completed`. */
  readonly status: RunStatus;
  /** Of a failed or interrupted answer, safe to show. */
  readonly error: string | null;
  /** ISO 8601; null for one that the server has not stored yet. */
  readonly createdAt: string | null;
}
