// The AI of Desk put together from its settings: where secrets are sealed, which provider there is, who may call.

import type { Hub } from '@millrace/server';
import type { SqlDatabase } from '@millrace/server/postgres';
import { type ApiKeys, createApiKeys } from '../api-keys/api-keys.ts';
import { parseModelMap } from '../inference/answer-inference.ts';
import type { Log } from '../log.ts';
import { resealKeys } from '../model-ai/ai-settings-rows.ts';
import {
  createModelAi,
  type ModelAi,
  OPENROUTER_URL,
  type ServerAi,
} from '../model-ai/model-ai.ts';
import { keepEncryptionKey, parseEncryptionKeys } from '../secrets/encryption-keys.ts';
import { createSealing } from '../secrets/sealing.ts';
import type { Settings } from '../settings/read.ts';
import { createTickets, type Tickets } from '../tickets/tickets.ts';
import type { Analyst } from './analyst.ts';
import { createRunChat, type RunChat } from './run-chat.ts';
import { createUiAsking, type UiAsking } from './ui-asking.ts';

export interface StartedChat {
  readonly services: {
    readonly runChat: RunChat;
    readonly uiAsking: UiAsking;
    readonly modelAi: ModelAi;
    readonly apiKeys: ApiKeys;
    readonly tickets: Tickets;
    readonly modelMap: ReadonlyMap<string, string>;
  };
  /** What is under way goes on elsewhere. */
  close(): Promise<void>;
}

export async function startChat(parts: {
  readonly settings: Settings;
  readonly log: Log;
  readonly hub: Hub;
  readonly database: SqlDatabase;
  readonly analyst: Analyst;
}): Promise<StartedChat> {
  const { settings, log, hub, database, analyst } = parts;
  const given = parseEncryptionKeys(settings.ENCRYPTION_KEYS) ?? [];
  const isKept = given.length === 0 && !settings.isProduction;
  const keys = isKept ? await keepEncryptionKey(settings.DATA_DIR) : given;
  if (keys.length === 0) {
    log.warn({}, 'ENCRYPTION_KEYS is not set: keys of models’ AI can’t be kept on this server');
  }
  const sealing = createSealing(keys);
  // Only while keys are being changed is there anything to look for.
  if (keys.length > 1) {
    const count = await resealKeys(database, sealing);
    log.info({ count, keyId: keys[0]?.id }, 'kept keys sealed anew');
  }
  const server = serverAi(settings);
  const modelAi = createModelAi({
    ...{ database, sealing, server, builtIn: analyst.model },
    isProduction: settings.isProduction,
    allowsPrivate: settings.ALLOW_PRIVATE_AI_URLS === 'on',
  });
  const modelMap = parseModelMap(settings.OPENAI_MODEL_MAP);
  const runChat = await createRunChat({
    ...{ hub, database, analyst, log, modelMap, ai: modelAi },
    contextMessages: settings.CHAT_CONTEXT_MESSAGES,
    tokensPerDay: settings.AI_TOKENS_PER_DAY,
    keepsStopped: settings.KEEP_STOPPED === 'on',
  });
  log.info({ tag: 'chat', provider: server?.baseUrl ?? 'built-in analyst' }, 'AI runs started');
  return {
    services: {
      ...{ runChat, modelAi, modelMap },
      uiAsking: createUiAsking({ sql: database, runChat }),
      apiKeys: createApiKeys(database),
      tickets: createTickets(database),
    },
    async close() {
      await runChat.close();
      modelAi.close();
    },
  };
}

function serverAi(settings: Settings): ServerAi | null {
  const { OPENROUTER_API_KEY: key, AI_BASE_URL, AI_MODEL: aiModel, AI_MODELS } = settings;
  if (key === '' && AI_BASE_URL === '') return null;
  const baseUrl = AI_BASE_URL === '' ? OPENROUTER_URL : AI_BASE_URL;
  return { baseUrl, key, aiModel, mayChoose: new Set([aiModel, ...AI_MODELS]) };
}
