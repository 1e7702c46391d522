// A Standard Schema for flat objects, small enough for the browser: what the ready-made contracts need and no more.
// Applications use their own schema library.

import { isOffset } from '../offset.ts';
import type { StandardIssue, StandardSchema } from '../standard-schema.ts';

/** One field: the problem with a value, or null when there is none. */
export interface Field<Value> {
  problem(value: unknown): string | null;
  /** Carries the type; never present. */
  readonly sample?: Value;
}

type Fields = Readonly<Record<string, Field<unknown>>>;
type ShapeOf<Shape extends Fields> = {
  readonly [Key in keyof Shape]: Exclude<Shape[Key]['sample'], undefined>;
};

/** An object with exactly these fields checked; further ones pass, so that a newer server may add some. */
export function shape<Shape extends Fields>(fields: Shape): StandardSchema<ShapeOf<Shape>> {
  // Once, not for each event that is checked.
  const entries = Object.entries(fields);
  return {
    '~standard': {
      version: 1,
      vendor: 'millrace',
      validate(value) {
        const record = (typeof value === 'object' && value !== null ? value : {}) as ShapeOf<Shape>;
        const issues: StandardIssue[] = [];
        for (const [key, field] of entries) {
          const problem = field.problem(Object.hasOwn(record, key) ? record[key] : undefined);
          if (problem !== null) issues.push({ message: problem, path: [key] });
        }
        return issues.length > 0 ? { issues } : { value: record };
      },
    },
  };
}

/** A string of 1 to `maxLength` characters. */
export function text(maxLength: number): Field<string> {
  return {
    problem: (value) =>
      typeof value === 'string' && value.length > 0 && value.length <= maxLength
        ? null
        : `must be a text of 1 to ${maxLength} characters`,
  };
}

/** A string of 0 to `maxLength` characters. */
export function textOrEmpty(maxLength: number): Field<string> {
  return {
    problem: (value) =>
      typeof value === 'string' && value.length <= maxLength
        ? null
        : `must be a text of at most ${maxLength} characters`,
  };
}

/** 0, 1, 2 … */
export function whole(): Field<number> {
  return { problem: (value) => (isOffset(value) ? null : 'must be a whole number') };
}

export function boolean(): Field<boolean> {
  return { problem: (value) => (typeof value === 'boolean' ? null : 'must be true or false') };
}

/** Any JSON; what JSON cannot hold is refused when the event is encoded. */
export function json<Value>(): Field<Value> {
  return { problem: (value) => (value === undefined ? 'must not be missing' : null) };
}

export function nullable<Value>(field: Field<Value>): Field<Value | null> {
  return { problem: (value) => (value === null ? null : field.problem(value)) };
}

export function oneOf<const Choice extends string>(choices: readonly Choice[]): Field<Choice> {
  return {
    problem: (value) =>
      choices.some((choice) => choice === value) ? null : `must be one of ${choices.join(', ')}`,
  };
}

/** A time in ISO 8601 UTC, as `Date.prototype.toISOString` writes it. */
export function isoTime(): Field<string> {
  return {
    problem: (value) =>
      typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/.test(value)
        ? null
        : 'must be a time in ISO 8601 UTC',
  };
}
