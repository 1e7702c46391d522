// One event on its way to a channel, as a link's `publish` frame and the body of `POST publish` have it, and its
// parser. Refuses to own: whether it may be appended, which the hub and the log decide. Rules: PUB-5 … PUB-7.

import { isChannelName } from './channel-name.ts';
import { type Cursor, parseCursor } from './cursor.ts';
import { MillraceError } from './errors.ts';
import {
  type Fields,
  optionalString,
  readFields,
  requiredList,
  requiredObject,
  requiredString,
  requiredWhole,
} from './json.ts';

/**
 * Who publishes, and the number that this event has among theirs in the channel: a repeat appends nothing, an owner that was
 * replaced is refused. An idempotency key is a producer that is used once.
 */
export interface Producer {
  /** Its name, at most 200 characters. From outside it belongs to the identity that publishes. */
  readonly id: string;
  /** Whole number; the owner that takes over has a higher one, which shuts the lower ones out (`publish/fenced`). */
  readonly epoch: number;
  /** 1 for the epoch's first event in this channel, then one more each time (else `publish/sequence-gap`). */
  readonly sequence: number;
}

/** Where the publisher believes the channel's head to be; `empty` is a channel nobody has appended to. */
export type Expected = Cursor | 'empty';

export interface PublishItem {
  readonly channel: string;
  readonly event: {
    readonly type: string;
    readonly data: unknown;
    readonly id?: string | undefined;
  };
  /** Idempotency key: a repeated publish with it is answered with the first one's cursor. */
  readonly key?: string;
  /** In place of a key. */
  readonly producer?: Producer;
  /** A cursor's text, or `empty`. */
  readonly expect?: string | undefined;
}

/** The events of a publish, on every carrier. @throws MillraceError as `parseClientFrame` */
export function parsePublishItems(value: unknown): PublishItem[] {
  return requiredList(value, 'events').map((item) => {
    const { channel, event, key, producer, expect } = requiredObject(item, 'each of `events`');
    const { type, data, id } = requiredObject(event, 'event');
    const own = optionalString(id, 'id');
    const given = optionalString(key, 'key');
    const expected = optionalString(expect, 'expect');
    if (expected !== undefined) parseExpected(expected);
    return {
      channel: parseName(channel),
      event: {
        type: requiredString(type, 'event.type'),
        data: data ?? null,
        ...(own === undefined ? {} : { id: own }),
      },
      ...(given === undefined ? {} : { key: given }),
      ...(producer === undefined ? {} : { producer: parseProducer(producer) }),
      ...(expected === undefined ? {} : { expect: expected }),
    };
  });
}

/** @throws MillraceError `cursor/malformed` */
export function parseExpected(text: string): Expected {
  return text === 'empty' ? text : parseCursor(text);
}

/** @throws MillraceError `channel/invalid-name` */
export function parseName(value: unknown): string {
  if (isChannelName(value)) return value;
  throw new MillraceError(
    'channel/invalid-name',
    'That cannot be a channel. A name is `type` or `type:value`.',
  );
}

const PRODUCER: Fields<Producer> = {
  id: requiredString,
  epoch: requiredWhole,
  sequence: requiredWhole,
};

function parseProducer(value: unknown): Producer {
  return readFields(PRODUCER, requiredObject(value, 'producer'));
}
