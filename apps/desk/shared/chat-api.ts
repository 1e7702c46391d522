// The JSON of chats, of a model's AI and of keys, as types for server and browser. Types only.

import type { RunPart } from '@millrace/protocol/runs';

export interface ChatMessage {
  readonly id: string;
  readonly role: 'user' | 'assistant';
  /** Of a question: one text part. */
  readonly parts: readonly RunPart[];
  readonly text: string;
  readonly status: 'completed' | 'stopped';
  /** The AI run that answers, or has answered, it. */
  readonly runId: string | null;
  /** ISO 8601 UTC. */
  readonly createdAt: string;
  /** Higher in a later one; has jumps. */
  readonly sequence: number;
}

/** `GET /api/chat/:id/messages` and `GET …/chat-history`, oldest first. */
export interface ChatMessagesAnswer {
  readonly messages: readonly ChatMessage[];
}

export interface ChatSession {
  readonly id: string;
  readonly modelId: string | null;
  readonly runId: string | null;
  readonly title: string;
  readonly createdAt: string;
}

/** `GET /api/chat/sessions`, newest first. */
export interface ChatSessionsAnswer {
  readonly sessions: readonly ChatSession[];
}

/** `POST /api/chat/:id/runs` and `/retry`, with status 202. */
export interface ChatRunAnswer {
  readonly runId: string;
  readonly messageId: string;
  readonly conversationId: string;
}

/** As a provider names them: sent as they are. */
export interface AiParameters {
  readonly [name: string]: number | string | readonly string[];
}

/** `GET` and `PUT /api/models/:modelId/ai`. The key itself is never told. */
export interface ModelAiAnswer {
  readonly provider: string;
  readonly baseUrl: string;
  /** Empty where none was chosen. */
  readonly aiModel: string;
  readonly parameters: AiParameters;
  readonly hasKey: boolean;
  readonly keyLastFour: string | null;
  /** What answers now: the model's own key, the server's, or the built-in analyst. */
  readonly answers: 'own-key' | 'server-key' | 'built-in';
  /** How it is called, such as `built-in-analyst`. */
  readonly answersAs: string;
}

/** `PUT /api/models/:modelId/ai`. What is left out stays as it is. */
export interface ModelAiRequest {
  readonly provider?: string | undefined;
  readonly baseUrl?: string | undefined;
  readonly aiModel?: string | undefined;
  readonly parameters?: AiParameters | undefined;
  /** Written only; null takes it away. It is kept for its base URL: with another one it has to be given again. */
  readonly key?: string | null | undefined;
}

/** `POST /api/models/:modelId/ai/test`. */
export interface ModelAiTestAnswer {
  readonly ok: boolean;
  readonly answersAs: string;
  /** What is wrong; null if nothing is. */
  readonly problem: string | null;
  readonly tookMs: number;
}

export interface ModelInstruction {
  readonly id: string;
  readonly text: string;
  readonly sessionId: string | null;
  readonly messageId: string | null;
  readonly createdAt: string;
}

/** `GET /api/models/:modelId/instructions`, oldest first. */
export interface ModelInstructionsAnswer {
  readonly instructions: readonly ModelInstruction[];
}

export interface ApiKeyInfo {
  readonly id: string;
  readonly name: string;
  /** Its first letters. */
  readonly prefix: string;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
  readonly revokedAt: string | null;
}

/** `GET /api/keys`, newest first. */
export interface ApiKeysAnswer {
  readonly keys: readonly ApiKeyInfo[];
}

/** `POST /api/keys`: the only time that the key itself is told. */
export interface NewApiKeyAnswer extends ApiKeyInfo {
  readonly key: string;
}

/** `POST …/chat-ticket`. */
export interface TicketAnswer {
  readonly ticket: string;
  readonly expiresAt: string;
}
