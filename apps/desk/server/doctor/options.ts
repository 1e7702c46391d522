// What the doctor was asked to do: `npm run doctor -- [URL] [--no-generate] [--token T] [--origin O]`.

import { parseArgs } from 'node:util';
import { MillraceError } from '@millrace/protocol';

export interface DoctorOptions {
  /** Where the deployment is, without a slash at its end. */
  readonly url: string;
  /** The cron secret, or a session's token: goes with the generation. */
  readonly token: string | null;
  readonly isGenerating: boolean;
  /** Of a site whose pages shall call the deployment; null leaves CORS out. */
  readonly origin: string | null;
}

export const USAGE = `Checks a running Desk, here or anywhere.

  npm run doctor -- [URL] [--no-generate] [--token TOKEN] [--origin ORIGIN]

  URL             the deployment; without it the Desk on this machine (PORT, else 3000)
  --no-generate   lets the agents write nothing: for sites with people on them
  --token TOKEN   the deployment's CRON_SECRET, or an administrator's token (npm run -s token there): production
                  asks for it
  --origin ORIGIN also checks that pages of this site may call the deployment
`;

/** @throws MillraceError `request/invalid` */
export function readDoctorOptions(
  args: readonly string[],
  port: string | undefined,
): DoctorOptions {
  const { values, positionals } = parse(args);
  const [given = `http://127.0.0.1:${port === undefined || port === '' ? '3000' : port}`] =
    positionals;
  if (positionals.length > 1) throw refuse('One URL is enough.');
  if (!URL.canParse(given) || !/^https?:$/.test(new URL(given).protocol)) {
    throw refuse(`"${given}" is not a URL such as https://desk.example.com.`);
  }
  const { origin = null } = values;
  if (origin !== null && (!URL.canParse(origin) || new URL(origin).origin !== origin)) {
    throw refuse(`"${origin}" is not an origin such as https://app.example.com.`);
  }
  return {
    url: given.replace(/\/+$/, ''),
    token: values.token ?? null,
    isGenerating: values['no-generate'] !== true,
    origin,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        'no-generate': { type: 'boolean' },
        token: { type: 'string' },
        origin: { type: 'string' },
      },
    });
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : 'The arguments cannot be read.');
  }
}

function refuse(message: string): MillraceError {
  return new MillraceError('request/invalid', `${message}\n\n${USAGE}`);
}
