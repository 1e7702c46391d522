// The Standard Schema interface (https://standardschema.dev, version 1), the part of it that Millrace uses.
// zod, valibot, arktype and others implement it, so a contract is tied to none of them.

import { MillraceError } from './errors.ts';

export interface StandardIssue {
  readonly message: string;
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: ReadonlyArray<StandardIssue> };

export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type SchemaInput<Schema extends StandardSchema> = NonNullable<
  Schema['~standard']['types']
>['input'];
export type SchemaOutput<Schema extends StandardSchema> = NonNullable<
  Schema['~standard']['types']
>['output'];

/**
 * The value as the schema returns it, or the list of what is wrong with it, one line each.
 * @throws MillraceError `contract/invalid` when the schema validates asynchronously: an event is checked on the hot path.
 */
export function checkSchema<Schema extends StandardSchema>(
  schema: Schema,
  value: unknown,
): { readonly value: SchemaOutput<Schema> } | { readonly problems: readonly string[] } {
  const result = schema['~standard'].validate(value);
  if (result instanceof Promise) {
    // Its outcome is not wanted, and must not end as an unhandled rejection.
    result.catch(() => undefined);
    throw new MillraceError('contract/invalid', 'A schema is asynchronous. Use a synchronous one.');
  }
  if (result.issues === undefined) return { value: result.value };
  return { problems: result.issues.slice(0, 5).map(describeIssue) };
}

function describeIssue(issue: StandardIssue): string {
  const path = (issue.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step));
  return path.length === 0 ? issue.message : `${path.join('.')}: ${issue.message}`;
}
