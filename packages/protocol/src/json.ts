// Reading untrusted JSON: bounded, and into plain shapes that the frame parsers check field by field. Rules: LIM-1, LIM-2.

import { MillraceError } from './errors.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Levels of nesting a frame may have. A deeper text is refused before it is parsed: parsers recurse, and stacks end. */
export const MAX_JSON_DEPTH = 64;

/** @throws MillraceError `protocol/malformed` */
export function parseJson(text: string): unknown {
  checkDepth(text);
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the input, which may hold a token: it is not passed on.
    throw new MillraceError('protocol/malformed', 'That is no JSON.');
  }
}

/** @throws MillraceError `protocol/malformed` */
export function parseJsonObject(text: string): JsonObject {
  const value = parseJson(text);
  if (!isJsonObject(value)) throw malformed('a frame is a JSON object');
  return value;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function malformed(expected: string): MillraceError {
  return new MillraceError('protocol/malformed', `The frame cannot be read: ${expected}.`);
}

export function optionalString(value: unknown, name: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw malformed(`\`${name}\` is a string`);
}

export function requiredString(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw malformed(`\`${name}\` is a string that is not empty`);
}

export function optionalWhole(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw malformed(`\`${name}\` is a whole number from 0`);
}

export function requiredWhole(value: unknown, name: string): number {
  const whole = optionalWhole(value, name);
  if (whole === undefined) throw malformed(`\`${name}\` is a whole number from 0`);
  return whole;
}

export function requiredList(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw malformed(`\`${name}\` is a list`);
}

function checkDepth(text: string): void {
  let depth = 0;
  let isInString = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (isInString) {
      if (code === 0x5c) index += 1;
      else if (code === 0x22) isInString = false;
    } else if (code === 0x22) isInString = true;
    else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > MAX_JSON_DEPTH) throw malformed(`at most ${MAX_JSON_DEPTH} levels of nesting`);
    } else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
}
