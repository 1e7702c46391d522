// Which AI answers for a model: its own settings where they have a key, else the server's (OPENROUTER_API_KEY and the
// like), else the built-in analyst. Read from the database at each call, so that a change counts at once.

import { MillraceError } from '@millrace/protocol';
import type { Json } from '@millrace/protocol/runs';
import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';
import { generateText, type LanguageModel } from 'ai';
import type { ModelAiAnswer, ModelAiRequest, ModelAiTestAnswer } from '../../shared/chat-api.ts';
import { ANALYST_NAME as BUILT_IN } from '../analyst/analyst-model.ts';
import { asUser } from '../database/as-user.ts';
import type { Sealing } from '../secrets/sealing.ts';
import { parseBaseUrl } from './ai-address.ts';
import {
  type AiSettings,
  type Of,
  openKey,
  readAiSettings,
  sealKey,
  writeAiSettings,
} from './ai-settings-rows.ts';
import { createCheckedFetch } from './checked-fetch.ts';
import { DEFAULT_PARAMETERS } from './parameters.ts';
import { describeAiError, providerModel } from './provider-model.ts';

export const OPENROUTER_URL = 'https://openrouter.ai/api/v1';
const TEST_WITHIN_MS = 20_000;
/** Enough for a model that thinks before its word. */
const TEST_TOKENS = 1_000;

export interface ServerAi {
  readonly baseUrl: string;
  readonly key: string;
  readonly aiModel: string;
  /** Models that it pays for, by the provider's names, the one above among them; `*` for any. */
  readonly mayChoose: ReadonlySet<string>;
}

export interface ModelAiOptions {
  readonly database: SqlDatabase;
  readonly sealing: Sealing;
  readonly isProduction: boolean;
  /** ALLOW_PRIVATE_AI_URLS. */
  readonly allowsPrivate: boolean;
  /** For all models without a key of their own; null for none. */
  readonly server: ServerAi | null;
  /** The built-in one. */
  readonly builtIn: LanguageModel;
}

export interface ChosenAi {
  readonly model: LanguageModel;
  readonly answers: ModelAiAnswer['answers'];
  readonly answersAs: string;
  /** For the run's row: no secret is in it. */
  readonly snapshot: Json;
}

export interface ModelAi {
  show(of: Of): Promise<ModelAiAnswer>;
  /**
   * @throws MillraceError `request/invalid` for an address that may not be asked or a model that the server's key does not pay
   * for, `settings/invalid` where no key can be kept
   */
  save(of: Of, change: ModelAiRequest): Promise<ModelAiAnswer>;
  /** Asks it something small. */
  test(of: Of, signal: AbortSignal): Promise<ModelAiTestAnswer>;
  /** For the row of a run that `choose` will answer, in a transaction of that user. */
  snapshot(tx: SqlTransaction, of: Asker): Promise<Json>;
  /**
   * In a transaction of that user. Null for questions about no model.
   * @throws MillraceError `settings/invalid` for a key that can't be opened, or settings that can't be read
   */
  choose(tx: SqlTransaction, of: Asker): Promise<ChosenAi>;
  /** The server's own provider by a model's name; null where it has none. */
  ofServer(aiModel: string, parameters: Readonly<Record<string, Json>>): ChosenAi | null;
  close(): void;
}

export interface Asker {
  readonly userId: string;
  readonly modelId: string | null;
}

export function createModelAi(options: ModelAiOptions): ModelAi {
  const { database, sealing, server, builtIn } = options;
  const outside = createCheckedFetch(options);
  // Whoever runs the server says where its own AI is.
  const own = createCheckedFetch({ isProduction: false, allowsPrivate: true });

  function ofServer(aiModel: string, parameters: Readonly<Record<string, Json>>): ChosenAi | null {
    if (server === null) return null;
    const { baseUrl, key } = server;
    const provider = new URL(baseUrl).hostname;
    const model = providerModel({ provider, baseUrl, key, aiModel, parameters, fetch: own.fetch });
    const snapshot = { answers: 'server-key', provider, baseUrl, aiModel, parameters } as const;
    return { model, answers: 'server-key', answersAs: aiModel, snapshot };
  }

  function choose(of: Of, settings: AiSettings | null): ChosenAi {
    if (settings?.parameters === null) {
      throw new MillraceError(
        'settings/invalid',
        "The parameters in the model's AI settings can't be read. Save the settings again.",
      );
    }
    if (settings !== null && settings.sealedKey !== null) {
      const { sealedKey, baseUrl, aiModel } = settings;
      // Rules may have become stricter since it was saved.
      parseBaseUrl(baseUrl, options);
      const key = openKey(sealing, sealedKey, of, baseUrl);
      const { provider, parameters } = settings;
      const at = { provider, baseUrl, key, aiModel, parameters, fetch: outside.fetch };
      return {
        model: providerModel(at),
        answers: 'own-key',
        answersAs: aiModel,
        snapshot: snapshotOf(settings),
      };
    }
    return withoutKey(settings);
  }

  /** The server's key pays for what whoever runs it has named, and for nothing else. */
  function paysFor({ baseUrl, aiModel }: Pick<AiSettings, 'baseUrl' | 'aiModel'>): boolean {
    if (server === null || baseUrl !== server.baseUrl) return false;
    return server.mayChoose.has(aiModel) || server.mayChoose.has('*');
  }

  function withoutKey(settings: AiSettings | null): ChosenAi {
    const ofAll = server?.aiModel ?? '';
    const aiModel = settings !== null && paysFor(settings) ? settings.aiModel : ofAll;
    const chosen = ofServer(aiModel, settings?.parameters ?? DEFAULT_PARAMETERS);
    const snapshot = { answers: 'built-in', aiModel: BUILT_IN } as const;
    return chosen ?? { model: builtIn, answers: 'built-in', answersAs: BUILT_IN, snapshot };
  }

  /** Whoever runs the server pays for one word, whatever the user has set. */
  function forTest(chosen: ChosenAi): ChosenAi {
    if (chosen.answers !== 'server-key') return chosen;
    const parameters = { ...DEFAULT_PARAMETERS, max_completion_tokens: TEST_TOKENS };
    return ofServer(chosen.answersAs, parameters) ?? chosen;
  }

  /** Opens nothing: who can't use a key any more must still see that there is one, and replace it. */
  function shown(settings: AiSettings | null): ModelAiAnswer {
    const sealedKey = settings?.sealedKey ?? null;
    const { answers, answersAs } =
      settings !== null && sealedKey !== null
        ? ({ answers: 'own-key', answersAs: settings.aiModel } as const)
        : withoutKey(settings);
    return {
      provider: settings?.provider ?? 'OpenRouter',
      baseUrl: settings?.baseUrl ?? server?.baseUrl ?? OPENROUTER_URL,
      aiModel: settings?.aiModel ?? server?.aiModel ?? '',
      parameters: settings?.parameters ?? DEFAULT_PARAMETERS,
      hasKey: sealedKey !== null,
      keyLastFour: sealedKey?.lastFour ?? null,
      ...{ answers, answersAs },
    };
  }

  const read = (of: Of): Promise<AiSettings | null> =>
    asUser(database, of.userId, (tx) => readAiSettings(tx, of));

  return {
    ofServer,
    show: async (of) => shown(await read(of)),
    async save(of, change) {
      const settings = await asUser(database, of.userId, async (tx) => {
        const before = await readAiSettings(tx, of);
        const after = changed(of, before, change);
        await writeAiSettings(tx, of, after);
        return after;
      });
      return shown(settings);
    },
    async test(of, signal) {
      const { model, answersAs } = forTest(choose(of, await read(of)));
      const startedAt = performance.now();
      const tookMs = (): number => Math.round(performance.now() - startedAt);
      try {
        await generateText({
          ...{ model, prompt: 'Answer with the word OK.', maxRetries: 0 },
          abortSignal: AbortSignal.any([signal, AbortSignal.timeout(TEST_WITHIN_MS)]),
        });
        return { ok: true, answersAs, problem: null, tookMs: tookMs() };
      } catch (error) {
        const isLate = error instanceof Error && error.name === 'TimeoutError';
        const problem = isLate
          ? `It did not answer within ${TEST_WITHIN_MS / 1_000} s.`
          : describeAiError(error);
        return { ok: false, answersAs, problem, tookMs: tookMs() };
      }
    },
    async snapshot(tx, asker) {
      const settings = await readOf(tx, asker);
      return settings?.sealedKey ? snapshotOf(settings) : withoutKey(settings).snapshot;
    },
    async choose(tx, asker) {
      const { userId, modelId } = asker;
      return choose({ userId, modelId: modelId ?? '' }, await readOf(tx, asker));
    },
    close() {
      outside.close();
      own.close();
    },
  };

  function changed(of: Of, before: AiSettings | null, change: ModelAiRequest): AiSettings {
    const given = change.baseUrl ?? before?.baseUrl ?? server?.baseUrl ?? OPENROUTER_URL;
    const baseUrl = given === server?.baseUrl ? given : parseBaseUrl(given, options);
    const aiModel = change.aiModel ?? before?.aiModel ?? server?.aiModel ?? '';
    if (aiModel === '') {
      throw new MillraceError(
        'request/invalid',
        'Say which model (aiModel), as the provider calls it.',
      );
    }
    // A key that was given for one address must not be sent to another by whoever can change that.
    const kept = baseUrl === before?.baseUrl ? before.sealedKey : null;
    const { key } = change;
    const hasKey = key === undefined ? kept !== null : key !== null;
    const isOnServer = !hasKey && baseUrl === server?.baseUrl;
    const isNew = aiModel !== before?.aiModel;
    if (isOnServer && isNew && !paysFor({ baseUrl, aiModel })) {
      const names = [...server.mayChoose].join(', ');
      throw new MillraceError(
        'request/invalid',
        `Without a key of your own you can choose ${names}.`,
      );
    }
    return {
      provider: change.provider ?? before?.provider ?? new URL(baseUrl).hostname,
      ...{ baseUrl, aiModel },
      parameters: change.parameters ?? before?.parameters ?? DEFAULT_PARAMETERS,
      sealedKey:
        key === undefined ? kept : key === null ? null : sealKey(sealing, key, of, baseUrl),
    };
  }
}

function snapshotOf({ sealedKey: _, ...rest }: AiSettings): Json {
  return { answers: 'own-key', ...rest };
}

/** Of a question about no model there are none. */
async function readOf(tx: SqlTransaction, { userId, modelId }: Asker): Promise<AiSettings | null> {
  return modelId === null ? null : readAiSettings(tx, { userId, modelId });
}
