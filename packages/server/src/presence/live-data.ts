// What sessions bring of their own: the data that they are present with, and ephemeral events. Checked by the contract
// and the limits, and encoded once, before anybody else gets it. Rules: PRES-8, EPH-1, EPH-3.

import { checkSchema, MillraceError, type StandardSchema } from '@millrace/protocol';
import type { AnyContract } from '../contract-set.ts';

/** The data as JSON text. @throws MillraceError `contract/invalid-event`, `limit/event-size` */
export function encodePresenceData(
  { type, presence }: AnyContract,
  data: unknown,
  maxBytes: number,
): string {
  return encode(`presence in "${type}"`, presence, data, maxBytes);
}

/** The event's data as JSON text. @throws MillraceError `contract/unknown-event` besides */
export function encodeEphemeralData(
  { type, ephemeral = {} }: AnyContract,
  event: { readonly type: string; readonly data: unknown },
  maxBytes: number,
): string {
  const schema = Object.hasOwn(ephemeral, event.type) ? ephemeral[event.type] : undefined;
  if (schema !== undefined)
    return encode(`"${event.type}" of "${type}"`, schema, event.data, maxBytes);
  const types = Object.keys(ephemeral).join(', ') || 'none';
  throw new MillraceError(
    'contract/unknown-event',
    `"${type}" has no ephemeral event "${event.type}". It has: ${types}.`,
  );
}

function encode(
  what: string,
  schema: StandardSchema | undefined,
  data: unknown,
  maxBytes: number,
): string {
  const checked = schema === undefined ? { value: data } : checkSchema(schema, data);
  if ('problems' in checked) {
    throw new MillraceError(
      'contract/invalid-event',
      `The data does not fit ${what}: ${checked.problems.join('; ')}.`,
      { details: { problems: checked.problems } },
    );
  }
  const text = textOf(what, checked.value);
  const bytes = text.length * 3 > maxBytes ? Buffer.byteLength(text) : 0;
  if (bytes <= maxBytes) return text;
  throw new MillraceError(
    'limit/event-size',
    `The data of ${what} has ${bytes} bytes, ${maxBytes} are allowed. Send a reference instead of the thing.`,
    { details: { bytes, maxBytes } },
  );
}

function textOf(what: string, value: unknown): string {
  try {
    // No data at all is no JSON, but says enough.
    return JSON.stringify(value ?? null);
  } catch (cause) {
    throw new MillraceError(
      'contract/invalid-event',
      `The data of ${what} has no JSON form (a cycle or a bigint?).`,
      { cause },
    );
  }
}
