// One entry of a channel and its JSON text, made once and shared by every reader and carrier. Rules: EVT-1 … EVT-4.

import { MillraceError } from './errors.ts';
import {
  type Fields,
  malformed,
  optionalString,
  readFields,
  requiredObject,
  requiredString,
} from './json.ts';
import { isOffset, type Offset } from './offset.ts';

export interface ChannelEvent<Name extends string = string, Data = unknown> {
  readonly offset: Offset;
  readonly type: Name;
  readonly data: Data;
  /** When the engine accepted it, ISO 8601 UTC. For people: order is the offset's, never the clock's. */
  readonly at: string;
  /** The application's own id for it, if it gave one. */
  readonly id?: string;
}

/** Joins what the publisher made (`body`, see `encodeEventBody`) with what the log assigned. */
export function encodeEvent(offset: Offset, at: string, body: string): string {
  // Joined, not added: what is kept for hours is one flat string, not a tree of its parts.
  return ['{"offset":', offset, ',"at":"', at, '",', body, '}'].join('');
}

/**
 * The part of an event's JSON text that is known before it has an offset, without braces:
 * encoded and measured once, on acceptance, and stored as it is.
 * @throws MillraceError `contract/invalid-event` when the data has no JSON form (cycles, bigint, undefined)
 */
export function encodeEventBody(event: { type: string; data: unknown; id?: string }): string {
  const id = event.id === undefined ? '' : `"id":${JSON.stringify(event.id)},`;
  return `${id}"type":${JSON.stringify(event.type)},"data":${encodeData(event.data)}`;
}

const EVENT: Fields<ChannelEvent> = {
  offset(value) {
    if (isOffset(value) && value > 0) return value;
    throw malformed('no offset');
  },
  at: requiredString,
  type: requiredString,
  data(value) {
    if (value !== undefined) return value;
    throw malformed('no data');
  },
  id: optionalString,
};

/** @throws MillraceError `protocol/malformed` */
export function parseEvent(value: unknown): ChannelEvent {
  return readFields(EVENT, requiredObject(value, 'an event'));
}

function encodeData(data: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(data);
  } catch (cause) {
    throw new MillraceError(
      'contract/invalid-event',
      'The event has no JSON form (a cycle or a bigint?).',
      { cause },
    );
  }
  if (text === undefined) {
    throw new MillraceError('contract/invalid-event', 'The event has no data. Send null for none.');
  }
  // What became a null: nearly no event has to be looked through.
  if (text.includes('null') && hasLostNumber(data)) {
    throw new MillraceError(
      'contract/invalid-event',
      'The event has a number that JSON cannot hold (NaN, an infinity, 1e999). Send null or a text for it.',
    );
  }
  return text;
}

/** Whether JSON made a null of a number: readers would get what nobody checked. */
function hasLostNumber(data: unknown): boolean {
  const open = [data];
  while (open.length > 0) {
    const one = open.pop();
    if (typeof one === 'number' && !Number.isFinite(one)) return true;
    // What says itself how it is written has been asked.
    if (typeof one !== 'object' || one === null || 'toJSON' in one) continue;
    for (const value of Object.values(one)) open.push(value);
  }
  return false;
}
