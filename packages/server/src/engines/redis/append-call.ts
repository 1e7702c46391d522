// A batch as the keys and arguments of the append script, and the script's answer as outcomes and hints. Pure.
// Rules: LOG-5, LOG-6, LOG-12, LOG-13.

import type { Cursor, MillraceError, Offset } from '@millrace/protocol';
import { encodeEvent, nextOffset } from '@millrace/protocol/wire';
import type {
  AppendEvent,
  AppendHint,
  AppendOutcome,
  AppendRequest,
  LogEntry,
} from '../../seams/log.ts';
import { producerOf } from '../producer-of.ts';
import { channelEnded, fenced, headMoved, sequenceGap } from '../refusals.ts';
import { toEngineError } from './failure.ts';
import type { Keys } from './keys.ts';
import { readList, readNumber, readOffset, readText, readTime } from './replies.ts';

/** What the script is told beside the batch, and in front of it. */
export interface AppendSettings {
  readonly token: string;
  readonly emptyTtlMs: number;
  readonly messageHead: string;
  readonly publish: string;
  readonly keyWindowMs: number;
  readonly maxMessageBytes: number;
}

/** Of one channel: where its requests stand in the batch. */
interface Group {
  readonly channel: string;
  readonly places: number[];
  isPlain: boolean;
}

export interface AppendCall {
  readonly keys: readonly string[];
  readonly args: readonly string[];
  readonly groups: readonly Group[];
}

export interface AppendAnswer {
  readonly seesIncarnation: boolean;
  /** Why nobody could be told; empty when they were. */
  readonly silence: string;
  readonly outcomes: readonly AppendOutcome[];
  /** What happened to each channel that somebody here watches. */
  readonly hints: ReadonlyMap<string, AppendHint>;
}

export function encodeAppend(
  batch: readonly AppendRequest[],
  names: Keys,
  settings: AppendSettings,
): AppendCall {
  const groups = groupByChannel(batch);
  const keys: string[] = [];
  for (const { channel } of groups) keys.push(names.record(channel), names.entries(channel));
  const args = [
    settings.token,
    String(settings.emptyTtlMs),
    settings.messageHead,
    settings.publish,
    String(settings.keyWindowMs),
    String(settings.maxMessageBytes),
    String(groups.length),
  ];
  const producers = new Map<string, number>();
  const placeOf = (channel: string, id: string): number => {
    const key = names.producer(channel, id);
    const known = producers.get(key);
    if (known !== undefined) return known;
    const place = keys.push(key);
    producers.set(key, place);
    return place;
  };
  for (const { channel, places, isPlain } of groups) {
    args.push(names.live(channel), String(isPlain ? places.length : -places.length));
    for (const place of places) {
      const request = batch[place];
      if (request === undefined) continue;
      if (!isPlain) args.push(headerOf(request, placeOf));
      args.push('isEnd' in request ? '' : request.body);
    }
  }
  return { keys, args, groups };
}

/** @throws MillraceError what every channel failed with, when none was written */
export function decodeAppend(
  reply: unknown,
  batch: readonly AppendRequest[],
  groups: readonly Group[],
  isWatched: (channel: string) => boolean,
): AppendAnswer {
  const [sees, ms, silence, ...answers] = readList(reply);
  const at = readTime(ms);
  const outcomes: AppendOutcome[] = [];
  const hints = new Map<string, AppendHint>();
  let failed: MillraceError | null = null;
  let failures = 0;
  for (const [number, group] of groups.entries()) {
    const [epoch, head, ...kinds] = readList(answers[number]);
    if (epoch === '!') {
      failed = toEngineError(replyError(readText(head)));
      failures += 1;
      for (const place of group.places) outcomes[place] = { error: failed };
      continue;
    }
    const start = { epoch: readText(epoch), head: readOffset(head), kinds, at };
    const hint = settle(group, batch, outcomes, start, isWatched(group.channel));
    if (hint !== null) hints.set(group.channel, hint);
  }
  if (failed !== null && failures === groups.length) throw failed;
  return { seesIncarnation: sees === 1, silence: readText(silence), outcomes, hints };
}

function groupByChannel(batch: readonly AppendRequest[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const [place, request] of batch.entries()) {
    let group = groups.get(request.channel);
    if (group === undefined) {
      group = { channel: request.channel, places: [], isPlain: true };
      groups.set(request.channel, group);
    }
    group.places.push(place);
    if (!isPlain(request)) group.isPlain = false;
  }
  return [...groups.values()];
}

function isPlain(request: AppendRequest): boolean {
  if ('isEnd' in request) return false;
  const { key, producer, expect } = request;
  return key === undefined && producer === undefined && expect === undefined;
}

function headerOf(
  request: AppendRequest,
  placeOf: (channel: string, id: string) => number,
): string {
  if ('isEnd' in request) return 'E';
  const producer = producerOf(request);
  const of =
    producer === null
      ? '||'
      : `${placeOf(request.channel, producer.id)}|${producer.epoch}|${producer.sequence}`;
  return `${of}|${expectedOf(request)}`;
}

function expectedOf({ expect }: AppendEvent): string {
  if (expect === undefined) return '|';
  if (expect === 'empty') return '*|';
  // What is no epoch is no channel's; nor may it be read as something else.
  const epoch = /^[\w-]{1,32}$/.test(expect.epoch) ? expect.epoch : '!';
  return `${epoch}|${expect.offset}`;
}

interface Start {
  readonly epoch: string;
  /** Before the batch. */
  readonly head: Offset;
  readonly kinds: readonly unknown[];
  readonly at: string;
}

/** Writes the group's outcomes. Returns what a watcher is told; null when nothing changed, or nobody watches. */
function settle(
  { channel, places, isPlain: isAllTaken }: Group,
  batch: readonly AppendRequest[],
  outcomes: AppendOutcome[],
  { epoch, head: before, kinds, at }: Start,
  isWatched: boolean,
): AppendHint | null {
  const entries: LogEntry[] = [];
  let head = before;
  let isEnded = false;
  for (const [number, place] of places.entries()) {
    const kind = isAllTaken ? (kinds[0] === 'ended' ? 'e' : 'n') : readText(kinds[number]);
    const request = batch[place];
    if (kind === 'n' && request !== undefined && !('isEnd' in request)) {
      head = nextOffset(head);
      if (isWatched) entries.push({ offset: head, text: encodeEvent(head, at, request.body) });
    }
    if (kind === 'x') isEnded = true;
    outcomes[place] = outcomeOf(kind, channel, { epoch, offset: head }, at);
  }
  const hasChanged = head > before || isEnded;
  return isWatched && hasChanged ? { epoch, head, isEnded, entries } : null;
}

/** `at`: the batch's time. */
function outcomeOf(kind: string, channel: string, cursor: Cursor, at: string): AppendOutcome {
  const [letter, first, second] = kind.split(' ');
  switch (letter) {
    case 'n':
    case 'x':
      return { cursor, at, isDuplicate: false };
    case 'y':
      return { cursor, at, isDuplicate: true };
    case 'd': {
      const repeated = { epoch: cursor.epoch, offset: readOffset(first) };
      return { cursor: repeated, at: readTime(second), isDuplicate: true };
    }
    case 'e':
      return { error: channelEnded(channel) };
    case 'f':
      return { error: fenced(readNumber(first)) };
    case 'g':
      return { error: sequenceGap(readNumber(first)) };
    case 'c':
      return { error: headMoved(cursor) };
    default:
      throw new TypeError(`The append script answered ${kind}, which it never does.`);
  }
}

/** As ioredis would have it: an error of the server's, told by its first word. */
function replyError(message: string): Error {
  const error = new Error(message);
  error.name = 'ReplyError';
  return error;
}
