// One event before it goes anywhere: checked by its schema and by the limits, and encoded once. Refuses to own: where it
// goes then. Rules: CHAN-4, LIM-5, PUB-3, PUB-6, PUB-7 (the shape of what they name).

import {
  checkSchema,
  type Expected,
  type Limits,
  MillraceError,
  type Producer,
  toMillraceError,
} from '@millrace/protocol';
import { encodeEventBody, type PublishItem } from '@millrace/protocol/wire';
import type { AnyContract, ContractSet } from './contract-set.ts';
import type { AppendEvent } from './seams/log.ts';

/** An event as it is published, from inside or outside. */
export interface PublishRequest extends Pick<PublishItem, 'channel' | 'event'> {
  /** The channel's, where the program has it at hand: then its name need not be read for every event. */
  readonly contract?: AnyContract | undefined;
  readonly key?: PublishConditions['key'] | undefined;
  readonly producer?: PublishConditions['producer'] | undefined;
  readonly expect?: PublishConditions['expect'] | undefined;
}

/** On what it depends whether the event is appended. */
export interface PublishConditions {
  /** Idempotency key: a repeat within 10 min appends nothing and gets the first one's cursor. */
  readonly key?: string;
  /** In place of a key, for many events in order: a repeat appends nothing, a replaced owner is refused. */
  readonly producer?: Producer;
  /** The cursor at which the channel's head must stand, or `empty`; else `publish/conflict`, with the head in `details`. */
  readonly expect?: Expected;
}

/** The event as the log takes it, or why it is refused. */
export function prepareEvent(
  request: PublishRequest,
  contracts: ContractSet,
  limits: Limits,
): AppendEvent | MillraceError {
  const { channel, event, key, producer, expect } = request;
  const contract =
    request.contract !== undefined && contracts.has(request.contract)
      ? request.contract
      : contracts.find(channel)?.contract;
  if (contract === undefined) return unknownChannel(channel);
  try {
    const body = encodeChecked(contract, event);
    const { maxEventBytes } = limits;
    // A character is three bytes at most: a short text need not be measured.
    const bytes = body.length * 3 > maxEventBytes ? Buffer.byteLength(body) : 0;
    if (bytes > maxEventBytes) return oversize(bytes, maxEventBytes);
    if (key === undefined && producer === undefined && expect === undefined) {
      return { channel, body };
    }
    checkConditions(request, limits);
    return {
      channel,
      body,
      ...(key === undefined ? {} : { key }),
      ...(producer === undefined ? {} : { producer }),
      ...(expect === undefined ? {} : { expect }),
    };
  } catch (thrown) {
    return toMillraceError(thrown);
  }
}

/** @throws MillraceError `request/invalid` */
function checkConditions({ key, producer }: PublishRequest, { maxKeyLength }: Limits): void {
  if (key !== undefined && producer !== undefined) {
    throw invalid('Give `key` or `producer`, not both: a key is a producer that is used once.');
  }
  if ((key ?? producer?.id ?? '').length > maxKeyLength) {
    throw invalid(`A key, or a producer's id, has at most ${maxKeyLength} characters.`);
  }
  if (producer === undefined) return;
  const { epoch, sequence } = producer;
  if (Number.isSafeInteger(epoch) && Number.isSafeInteger(sequence) && epoch >= 0 && sequence > 0) {
    return;
  }
  throw invalid("A producer's `epoch` is a whole number, its `sequence` one above 0.");
}

function invalid(message: string): MillraceError {
  return new MillraceError('request/invalid', message);
}

function encodeChecked(contract: AnyContract, event: PublishItem['event']): string {
  const schema = Object.hasOwn(contract.events, event.type)
    ? contract.events[event.type]
    : undefined;
  if (schema === undefined) {
    const types = Object.keys(contract.events).join(', ');
    throw new MillraceError(
      'contract/unknown-event',
      `"${contract.type}" has no event "${event.type}". It has: ${types}.`,
    );
  }
  const checked = checkSchema(schema, event.data);
  if ('problems' in checked) {
    throw new MillraceError(
      'contract/invalid-event',
      `This is no "${event.type}" of "${contract.type}": ${checked.problems.join('; ')}.`,
      { details: { problems: checked.problems } },
    );
  }
  const { type, id } = event;
  const data: unknown = checked.value;
  return encodeEventBody(id === undefined ? { type, data } : { type, data, id });
}

export function unknownChannel(name: string): MillraceError {
  return new MillraceError('channel/unknown', `There is no channel ${name}. Check its name.`);
}

function oversize(bytes: number, maxBytes: number): MillraceError {
  return new MillraceError(
    'limit/event-size',
    `The event has ${bytes} bytes, ${maxBytes} are allowed. Send a reference instead of the thing.`,
    { details: { bytes, maxBytes } },
  );
}
