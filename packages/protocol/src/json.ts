// Reading untrusted JSON: bounded, and field by field into the shapes that a frame may have. Rules: LIM-1, LIM-2.

import { MillraceError } from './errors.ts';
import { isJsonObject, type JsonObject } from './json-object.ts';
import { isOffset } from './offset.ts';

/** Levels of nesting a frame may have. A deeper text is refused before it is parsed: parsers recurse, and stacks end. */
export const MAX_JSON_DEPTH = 64;

/** @throws MillraceError `protocol/malformed` */
export function parseJson(text: string): unknown {
  checkDepth(text);
  return readJson(text);
}

/** @throws MillraceError `protocol/malformed` */
export function parseJsonObject(text: string): JsonObject {
  return requiredObject(parseJson(text), 'the text');
}

/** As `readJson`. @throws MillraceError `protocol/malformed` */
export function readJsonObject(text: string): JsonObject {
  return requiredObject(readJson(text), 'the text');
}

/** Without the bound on nesting: for what our own server wrote. @throws MillraceError `protocol/malformed` */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the input, which may hold a token: it is not passed on.
    throw malformed('it is no JSON');
  }
}

export function malformed(expected: string): MillraceError {
  return new MillraceError('protocol/malformed', `The frame cannot be read: ${expected}.`);
}

/** Reads one field, or throws `malformed` with its name. */
export type ReadField<Value> = (value: unknown, name: string) => Value;

/** One reader for each field of an object. */
export type Fields<Value> = { readonly [Name in keyof Value]-?: ReadField<Value[Name]> };

/**
 * The fields that the readers know, in their order; those that are undefined stay away. `Value` is what the
 * readers were declared for: `Fields<Value>`, or one of a table of such.
 */
export function readFields<Value>(
  fields: Readonly<Record<string, ReadField<unknown>>>,
  from: JsonObject,
): Value {
  const object: Record<string, unknown> = {};
  for (const [name, read] of Object.entries(fields)) {
    const value = read(from[name], name);
    if (value !== undefined) object[name] = value;
  }
  return object as Value;
}

export function optionalString(value: unknown, name: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw malformed(`${name} is a string`);
}

export function requiredString(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw malformed(`${name} is a string, not empty`);
}

export function optionalWhole(value: unknown, name: string): number | undefined {
  return value === undefined ? value : requiredWhole(value, name);
}

export function requiredWhole(value: unknown, name: string): number {
  if (isOffset(value)) return value;
  throw malformed(`${name} is a whole number`);
}

export function requiredList(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw malformed(`${name} is a list`);
}

export function requiredObject(value: unknown, name: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw malformed(`${name} is an object`);
}

function checkDepth(text: string): void {
  // Nearly every frame has fewer brackets than it may have levels: then they need not be told from those in strings.
  if (hasFewBrackets(text)) return;
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

function hasFewBrackets(text: string): boolean {
  let count = 0;
  for (const bracket of '{[') {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      count += 1;
      if (count > MAX_JSON_DEPTH) return false;
    }
  }
  return true;
}
