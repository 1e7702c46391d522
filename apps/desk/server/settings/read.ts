// Reads the environment into settings, or refuses with every problem at once, in plain words.
// Also owns what settings must be together, above all what production does not start with.

import { MillraceError } from '@millrace/protocol';
import { type RawSettings, SETTINGS, type Setting, settingsSchema } from './table.ts';

export type Settings = Omit<RawSettings, 'DEV_SIGN_IN'> & {
  readonly isProduction: boolean;
  readonly hasDevSignIn: boolean;
};

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The settings that `environment` describes; what is missing or empty gets its default.
 * @throws MillraceError `settings/invalid`; its message lists every problem, one a line
 */
export function readSettings(environment: Environment): Settings {
  const given = (name: string): string => environment[name]?.trim() ?? '';
  const texts = SETTINGS.map(({ name, fallback }) => [name, given(name) || fallback]);
  const result = settingsSchema.safeParse(Object.fromEntries(texts));
  if (!result.success) {
    const wrong = new Set(result.error.issues.map((issue) => issue.path[0]));
    refuse(
      SETTINGS.filter(({ name }) => wrong.has(name)).map((one) => describe(one, given(one.name))),
    );
  }
  const { DEV_SIGN_IN, ...rest } = result.data;
  const isProduction = rest.NODE_ENV === 'production';
  const hasDevSignIn = DEV_SIGN_IN === '' ? !isProduction : DEV_SIGN_IN === 'on';
  const settings = { ...rest, isProduction, hasDevSignIn };
  const problems = [...aiProblems(settings), ...(isProduction ? productionProblems(settings) : [])];
  if (problems.length > 0) refuse(problems);
  return settings;
}

function describe(setting: Setting, text: string): string {
  const shown = setting.isSecret === true ? `a text of ${text.length} characters` : `"${text}"`;
  return `${setting.name} is ${shown}; it must be ${setting.allowed}.`;
}

function refuse(problems: readonly string[]): never {
  throw new MillraceError(
    'settings/invalid',
    `Desk cannot start with these settings:\n${problems.map((one) => `  - ${one}`).join('\n')}`,
  );
}

function productionProblems(settings: Settings): string[] {
  const problems: string[] = [];
  if (settings.hasDevSignIn) {
    problems.push(
      'DEV_SIGN_IN is on, and anybody could sign in as anybody; it must be off where NODE_ENV is production.',
    );
  }
  if (settings.SESSION_SECRET === '') {
    problems.push(
      'SESSION_SECRET is missing; production needs one of at least 16 characters (openssl rand -hex 32).',
    );
  }
  if (settings.TRUST_PROXY.length === 0) {
    problems.push(
      'TRUST_PROXY is missing; production refuses plain HTTP, so name the proxy at which HTTPS ends (its address, or *).',
    );
  }
  return problems;
}

function aiProblems(settings: Settings): string[] {
  const { OPENROUTER_API_KEY, AI_BASE_URL, AI_MODEL, AI_MODELS, OPENAI_MODEL_MAP } = settings;
  const hasProvider = OPENROUTER_API_KEY !== '' || AI_BASE_URL !== '';
  if (hasProvider && AI_MODEL === '') {
    return ['AI_MODEL is missing: say which model of the AI provider answers.'];
  }
  if (!hasProvider && AI_MODELS.length > 0) {
    return [
      'AI_MODELS names models of an AI provider, and there is none: set OPENROUTER_API_KEY or AI_BASE_URL.',
    ];
  }
  const named = OPENAI_MODEL_MAP.map((pair) => pair.split('=')[1]?.trim());
  if (!hasProvider && named.some((name) => name !== 'built-in-analyst')) {
    return [
      'OPENAI_MODEL_MAP names a model of an AI provider, and there is none: set OPENROUTER_API_KEY or AI_BASE_URL.',
    ];
  }
  return [];
}
