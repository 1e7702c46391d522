// One append, inside its transaction: each request is judged after what the ones before it did.

import { Buffer } from 'node:buffer';
import { encodeEvent, nextOffset, toOffset } from '@millrace/protocol/wire';
import type { AppendHint, AppendOutcome, AppendRequest, LogEntry } from '@millrace/server';
import { checkAppend, type LastEvent, producerOf } from '@millrace/server/engine';
import { channelOf, type StoredChannel } from './channels.ts';
import type { Sql } from './file.ts';

interface OpenChannel extends StoredChannel {
  /** What this batch brought. */
  readonly entries: LogEntry[];
  isChanged: boolean;
}

interface News {
  readonly channel: string;
  readonly hint: AppendHint;
}

export function appendBatch(
  sql: Sql,
  batch: readonly AppendRequest[],
  now: number,
  keyWindowMs: number,
): { readonly outcomes: AppendOutcome[]; readonly news: News[] } {
  const at = new Date(now).toISOString();
  const channels = new Map<string, OpenChannel>();

  const outcomes = batch.map((request): AppendOutcome => {
    const name = request.channel;
    const channel = channels.get(name) ?? {
      ...channelOf(sql, name),
      entries: [],
      isChanged: false,
    };
    channels.set(name, channel);
    const { epoch } = channel;
    if ('isEnd' in request) {
      const isDuplicate = channel.isEnded;
      channel.isChanged ||= !isDuplicate;
      channel.isEnded = true;
      return { cursor: { epoch, offset: channel.head }, at, isDuplicate };
    }

    const producer = producerOf(request);
    // Any text can be an id, also half a character, which UTF-8 cannot hold.
    const id = Buffer.from(producer?.id ?? '', 'utf16le');
    const last = producer === null ? undefined : lastEvent(sql, name, id, now);
    const checked = checkAppend(request, channel, producer, last);
    if (checked === 'repeat' && last !== undefined) {
      return { cursor: { epoch, offset: last.offset }, at: last.at, isDuplicate: true };
    }
    if (typeof checked === 'object') return { error: checked };

    const offset = nextOffset(channel.head);
    const text = encodeEvent(offset, at, request.body);
    sql.run('insert into entry values (?, ?, ?, ?)', name, offset, now, text);
    if (producer !== null) {
      const { epoch: owner, sequence } = producer;
      const values = [name, id, owner, sequence, offset, at, now + keyWindowMs];
      sql.run('replace into producer values (?, ?, ?, ?, ?, ?, ?)', ...values);
    }
    channel.head = offset;
    channel.isChanged = true;
    channel.entries.push({ offset, text });
    return { cursor: { epoch, offset }, at, isDuplicate: false };
  });

  const news = [...channels]
    .filter(([, { isChanged }]) => isChanged)
    .map(([channel, { epoch, head, isEnded, entries }]): News => {
      const values = [channel, epoch, head, Number(isEnded)];
      sql.run(
        `insert into channel (name, epoch, head, is_ended) values (?, ?, ?, ?)
          on conflict do update set head = excluded.head, is_ended = excluded.is_ended`,
        ...values,
      );
      return { channel, hint: { epoch, head, isEnded, entries } };
    });
  return { outcomes, news };
}

function lastEvent(sql: Sql, channel: string, id: Buffer, now: number): LastEvent | undefined {
  const row = sql.first(
    'select * from producer where channel = ? and id = ? and expires_at > ?',
    ...[channel, id, now],
  );
  return row === undefined
    ? undefined
    : {
        epoch: Number(row['epoch']),
        sequence: Number(row['sequence']),
        offset: toOffset(Number(row['offset'])),
        at: String(row['at']),
      };
}
