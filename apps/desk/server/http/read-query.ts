// Reading what a caller sent: query and body, each refusal with a sentence that says what to send instead.

import { MillraceError } from '@millrace/protocol';
import type * as z from 'zod';
import { type EndpointKey, findEndpoint } from './access.ts';
import { readBody } from './read-body.ts';
import type { DeskContext } from './routes.ts';

/**
 * Of a body's JSON. PostgreSQL's parser recurses, and some 100,000 levels (200 kB of brackets) end the embedded database,
 * for everybody.
 */
const MOST_LEVELS = 200;

/** `agentId`, repeated or as a comma list; empty when it was not sent. */
export function readAgentIds(c: DeskContext, isKnown: (id: string) => boolean): readonly string[] {
  const all = (c.req.queries('agentId') ?? []).flatMap((text) => text.split(','));
  const ids = [...new Set(all.map((id) => id.trim()).filter((id) => id !== ''))];
  if (all.length > 0 && ids.length === 0) {
    throw new MillraceError(
      'request/invalid',
      'agentId is empty: name an agent, or leave it out for all.',
    );
  }
  const unknown = ids.find((id) => !isKnown(id));
  if (unknown !== undefined) {
    throw new MillraceError('request/not-found', `There is no agent "${unknown.slice(0, 100)}".`);
  }
  return ids;
}

export interface WholeRange {
  readonly least: number;
  readonly most: number;
  readonly fallback: number;
}

export function readWhole(c: DeskContext, name: string, range: WholeRange): number {
  const text = c.req.query(name);
  if (text === undefined) return range.fallback;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= range.least && value <= range.most) return value;
  const message = `${name} must be a whole number, ${range.least} to ${range.most}.`;
  throw new MillraceError('request/invalid', message);
}

/** The body as CSV. @throws MillraceError `request/invalid`, `limit/body-size` */
export async function readCsv(c: DeskContext, key: EndpointKey): Promise<string> {
  const type = typeOf(c);
  if (type !== 'text/csv' && type !== 'text/plain') {
    throw new MillraceError(
      'request/invalid',
      'Send the lines as the body, with the header Content-Type: text/csv.',
    );
  }
  return readBody(c.env.incoming, findEndpoint(key).maxBodyBytes);
}

/** `true` or `false`; false when it was not sent. */
export function readFlag(c: DeskContext, name: string): boolean {
  const text = c.req.query(name);
  if (text === undefined || text === 'false') return false;
  if (text === 'true') return true;
  throw new MillraceError('request/invalid', `${name} must be true or false.`);
}

/** The body as JSON that fits `schema`. @throws MillraceError `request/invalid` */
export async function readJson<Value>(c: DeskContext, schema: z.ZodType<Value>): Promise<Value> {
  return parseJson(await readJsonText(c), schema);
}

/** The body as it came. @throws MillraceError `request/invalid` where it is not said to be JSON */
export async function readJsonText(c: DeskContext): Promise<string> {
  if (typeOf(c) !== 'application/json') {
    throw new MillraceError(
      'request/invalid',
      'Send JSON, with the header Content-Type: application/json.',
    );
  }
  return readBody(c.env.incoming, c.get('endpoint').maxBodyBytes);
}

/** @throws MillraceError `request/invalid` */
export function parseJson<Value>(text: string, schema: z.ZodType<Value>): Value {
  const result = schema.safeParse(parseText(text));
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new MillraceError('request/invalid', `The body does not fit. ${problems.join('; ')}.`);
}

function typeOf(c: DeskContext): string | undefined {
  return c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase();
}

function parseText(text: string): unknown {
  if (isDeep(text)) {
    const message = `The body is nested deeper than ${MOST_LEVELS} levels.`;
    throw new MillraceError('request/invalid', message);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MillraceError('request/invalid', 'The body is not JSON.', { cause });
  }
}

function isDeep(text: string): boolean {
  let levels = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (isQuoted) {
      if (char === '\\') at += 1;
      else if (char === '"') isQuoted = false;
    } else if (char === '"') isQuoted = true;
    else if (char === '[' || char === '{') levels += 1;
    else if (char === ']' || char === '}') levels -= 1;
    if (levels > MOST_LEVELS) return true;
  }
  return false;
}
