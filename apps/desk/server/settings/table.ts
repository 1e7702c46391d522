// Every setting of Desk: name, default, meaning, and the schema that its text must satisfy.
// The table of docs/settings.md is checked against this one. Refuses to own: what settings mean together (read.ts).

import * as z from 'zod';
import { parseEncryptionKeys } from '../secrets/encryption-keys.ts';
import { isCronExpression } from './cron-expression.ts';
import { isAddressOrSubnet } from './trusted-proxies.ts';

const wholeNumber = (least: number, most: number): z.ZodType<number, string> =>
  z.string().regex(/^\d+$/).transform(Number).pipe(z.int().min(least).max(most));

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);

const secret = (): z.ZodType<string, string> =>
  z.string().refine((text) => text === '' || text.length >= 16);

function isOrigin(text: string): boolean {
  return URL.canParse(text) && /^https?:/.test(text) && new URL(text).origin === text;
}

interface About {
  /** As text, the way the environment would give it. */
  readonly fallback: string;
  readonly meaning: string;
  /** What is allowed, to complete "… must be". */
  readonly allowed: string;
  /** Its value is never printed. */
  readonly isSecret?: boolean;
}

const about = z.registry<About>();

export const settingsSchema = z.object({
  NODE_ENV: z.enum(['development', 'production', 'test']).register(about, {
    fallback: 'development',
    meaning:
      'In `production` nobody is signed in by a bare name, secrets must be given, and pages must come over HTTPS',
    allowed: 'development, production or test',
  }),
  PORT: wholeNumber(0, 65_535).register(about, {
    fallback: '3000',
    meaning: 'Port for everything; 0 takes a free one',
    allowed: 'a port, 0 to 65535',
  }),
  HOST: z
    .string()
    .regex(/^[A-Za-z0-9.:_-]+$/)
    .register(about, {
      fallback: '127.0.0.1',
      meaning: 'Address to listen on; `0.0.0.0` for every network the machine has',
      allowed: 'an address or a host name',
    }),
  DATA_DIR: z.string().min(1).register(about, {
    fallback: './data',
    meaning: 'Folder of everything kept here: the database, and what `--nodes` starts',
    allowed: 'a folder',
  }),
  DATABASE_URL: z
    .string()
    .refine((text) => text === '' || /^postgres(ql)?:\/\//.test(text))
    .register(about, {
      fallback: '',
      meaning:
        'PostgreSQL (15 or newer) in place of the embedded database, `postgres://user:password@host:5432/name`; nodes share one',
      allowed: 'an address that begins with postgres://',
      isSecret: true,
    }),
  REDIS_URL: z
    .string()
    .refine((text) => text === '' || /^rediss?:\/\//.test(text))
    .register(about, {
      fallback: '',
      meaning:
        'Redis (7.0 or newer) for the channels, `redis://:password@host:6379`, and for one Desk alone; empty: they live in the database',
      allowed: 'an address that begins with redis:// or rediss://',
      isSecret: true,
    }),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).register(about, {
    fallback: 'info',
    meaning: 'Least level that is logged',
    allowed: 'trace, debug, info, warn, error or silent',
  }),
  LOG: z.string().min(1).register(about, {
    fallback: 'stdout',
    meaning: 'Where log lines go (JSON, one a line): `stdout` or a file',
    allowed: 'stdout or a file',
  }),
  ORIGINS: list
    .refine((origins) => origins.every(isOrigin))
    .register(about, {
      fallback: '',
      meaning: 'Origins of other sites whose pages may call this server, comma between',
      allowed: 'origins such as https://app.example, comma between',
    }),
  TRUST_PROXY: list
    .refine((all) => all.every((one) => one === '*' || isAddressOrSubnet(one)))
    .register(about, {
      fallback: '',
      meaning:
        'Addresses or subnets of the proxies whose `X-Forwarded-*` headers count, comma between; `*` for any. Production needs it: HTTPS ends at the proxy',
      allowed: 'addresses or subnets such as 10.0.0.0/8, comma between, or *',
    }),
  DEV_SIGN_IN: z.enum(['', 'on', 'off']).register(about, {
    fallback: '',
    meaning:
      'Sign-in by a bare name, and answers without any: `on` or `off`; unless told, on except in production',
    allowed: 'on or off',
  }),
  SESSION_SECRET: secret().register(about, {
    fallback: '',
    meaning:
      'Signs sessions and tokens. Production needs it; elsewhere one is made and kept in DATA_DIR',
    allowed: 'a text of at least 16 characters',
    isSecret: true,
  }),
  CRON_SECRET: secret().register(about, {
    fallback: '',
    meaning:
      'Lets an outside schedule call `POST /api/chat/generate` in production (header `Authorization: Bearer …` or `X-Cron-Secret`)',
    allowed: 'a text of at least 16 characters',
    isSecret: true,
  }),
  GENERATE_CRON: z
    .string()
    .refine((text) => text === '' || isCronExpression(text))
    .register(about, {
      fallback: '',
      meaning: 'When agents write by schedule, e.g. `*/15 * * * *` (UTC); empty: never',
      allowed: 'a cron expression of five fields, such as */15 * * * *',
    }),
  GENERATE_MESSAGES_PER_AGENT: wholeNumber(1, 20).register(about, {
    fallback: '2',
    meaning: 'Messages that each agent writes in one generation',
    allowed: 'a whole number, 1 to 20',
  }),
  GENERATE_TIMEOUT_MS: wholeNumber(100, 25_000).register(about, {
    fallback: '20000',
    meaning: 'How long one agent may take to write before the built-in phrasing does it',
    allowed: 'milliseconds, 100 to 25000',
  }),
  HEARTBEAT_MS: wholeNumber(1_000, 30_000).register(about, {
    fallback: '25000',
    meaning: 'Time between `:heartbeat` comments on plain streams',
    allowed: 'milliseconds, 1000 to 30000',
  }),
  CHAT_EVERY_MS: wholeNumber(0, 3_600_000)
    .refine((ms) => ms === 0 || ms >= 20)
    .register(about, {
      fallback: '12000',
      meaning: 'About how often each agent writes by itself, two to four thirds of it; 0: never',
      allowed: 'milliseconds, 0 (never) or 20 to 3600000',
    }),
  MARKET_SEED: z.string().min(1).max(100).register(about, {
    fallback: 'millrace',
    meaning: 'Same seed, same market history; counts for a market that begins',
    allowed: 'a text of 1 to 100 characters',
  }),
  MARKET_TICK_MS: wholeNumber(20, 3_600_000).register(about, {
    fallback: '1000',
    meaning: 'Real time between ticks of the market',
    allowed: 'milliseconds, 20 to 3600000',
  }),
  MARKET_TICKS_PER_DAY: wholeNumber(20, 100_000).register(about, {
    fallback: '600',
    meaning: 'Ticks in a trading day; counts for a market that begins',
    allowed: 'a whole number, 20 to 100000',
  }),
  MARKET_WARM_UP_TICKS: wholeNumber(0, 100_000).register(about, {
    fallback: '600',
    meaning:
      'Ticks that are played at once before a new market opens (one at least), so that strategies have seen prices',
    allowed: 'a whole number, 0 to 100000',
  }),
  MARKET_SAVE_TICKS: wholeNumber(1, 100_000).register(about, {
    fallback: '30',
    meaning: 'Ticks between two saves of the market; a killed process goes on from the last one',
    allowed: 'a whole number, 1 to 100000',
  }),
  OPENROUTER_API_KEY: z.string().register(about, {
    fallback: '',
    meaning:
      "Key of the server's own AI provider: answers for all models that have none of their own; without any, the built-in analyst does",
    allowed: 'a key',
    isSecret: true,
  }),
  AI_BASE_URL: z
    .string()
    .refine((text) => text === '' || /^https?:\/\/[^?#]+$/.test(text))
    .transform((text) => text.replace(/\/+$/, ''))
    .register(about, {
      fallback: '',
      meaning:
        "Where the server's own AI provider is, any that speaks OpenAI's chat completions; unless told, OpenRouter, if there is a key",
      allowed: 'an address that begins with https:// or http://',
    }),
  AI_MODEL: z.string().max(200).register(about, {
    fallback: '',
    meaning: "Model at the server's own AI provider, as that calls it",
    allowed: 'a name of at most 200 characters',
  }),
  AI_MODELS: list
    .refine((all) => all.every((one) => one === '*' || !one.includes('*')))
    .register(about, {
      fallback: '',
      meaning:
        "Models at the server's own AI provider that users may choose beside AI_MODEL without a key of their own; `*`: any",
      allowed: 'names, comma between, or *',
    }),
  AI_TOKENS_PER_DAY: wholeNumber(0, 1_000_000_000).register(about, {
    fallback: '0',
    meaning: "Tokens that one user's answers may take in 24 hours, whoever pays; 0: no limit",
    allowed: 'a whole number, 0 to 1000000000',
  }),
  ENCRYPTION_KEYS: z
    .string()
    .refine((text) => parseEncryptionKeys(text) !== null)
    .register(about, {
      fallback: '',
      meaning:
        "Seal the keys of models' AI at rest: the first one seals, all open, and what an older one sealed is sealed anew at start. Production keeps no such keys without; elsewhere one is made and kept in DATA_DIR",
      allowed: '`id:key`, comma between, each key 32 bytes in base64 (openssl rand -base64 32)',
      isSecret: true,
    }),
  ALLOW_PRIVATE_AI_URLS: z.enum(['on', 'off']).register(about, {
    fallback: 'off',
    meaning:
      "Whether users of a production server may have models' AI inside its own network, or over plain HTTP",
    allowed: 'on or off',
  }),
  CHAT_CONTEXT_MESSAGES: wholeNumber(0, 200).register(about, {
    fallback: '10',
    meaning: 'So many messages before a question are given to the model with it',
    allowed: 'a whole number, 0 to 200',
  }),
  KEEP_STOPPED: z.enum(['on', 'off']).register(about, {
    fallback: 'off',
    meaning: 'Whether a stopped answer is kept in its chat, marked as stopped',
    allowed: 'on or off',
  }),
  OPENAI_MODEL_MAP: list
    .refine((all) => all.every((one) => /^[^=]+=[^=]+$/.test(one)))
    .register(about, {
      fallback: '',
      meaning:
        "Which model answers where a program asks the chat-completions endpoint for another: `gpt-4o=NAME`, comma between, `*=NAME` for the rest. NAME is a model of the server's own AI provider or `built-in-analyst`, which answers unless told",
      allowed: 'pairs such as gpt-4o=NAME, comma between',
    }),
  MARKET_RUNS_PER_USER: wholeNumber(0, 1_000).register(about, {
    fallback: '3',
    meaning: "Runs of one person's models that may trade in the market at once",
    allowed: 'a whole number, 0 to 1000',
  }),
  MARKET_RUNS: wholeNumber(0, 1_000).register(about, {
    fallback: '20',
    meaning: "Runs of all people's models that may trade in the market at once",
    allowed: 'a whole number, 0 to 1000',
  }),
});

/** Settings as their schemas give them, before what they mean together. */
export type RawSettings = z.output<typeof settingsSchema>;

export interface Setting extends About {
  readonly name: string;
}

/** The table, in the order in which people read it. */
export const SETTINGS: readonly Setting[] = Object.entries(settingsSchema.shape).map(
  ([name, schema]) => ({
    name,
    ...(about.get(schema) ?? { fallback: '', meaning: '', allowed: '' }),
  }),
);
