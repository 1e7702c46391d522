// Readers of the one busy channel of the slow-readers run, over the three carriers, and what their records must be.

import { type Carrier, type Client, createClient } from '@millrace/client';
import { checkRecord, type Published } from '../e2e/probe/check-record.ts';
import { probes } from '../e2e/probe/contract.ts';
import { createRecorder, type Recorder } from '../e2e/probe/recorder.ts';
import { until } from '../support/wait.ts';

/** Of the channel, as its contract has it. */
export const WIDE = 'wide';
const CHANNEL: string = probes.of({ id: WIDE }).name;
/** What its contract keeps. */
const KEPT = 50_000;
const carriers: readonly Carrier[] = ['websocket', 'sse', 'poll'];

export interface WideReader {
  readonly carrier: Carrier;
  readonly client: Client;
  readonly recorder: Recorder;
  offset(): number;
}

/** In turn over the carriers, and over the addresses. Resolves once all are subscribed. */
export async function openWideReaders(
  urls: readonly string[],
  count: number,
): Promise<WideReader[]> {
  const readers = Array.from({ length: count }, (_, n) =>
    openOne(
      urls[Math.floor(n / carriers.length) % urls.length] ?? '',
      carriers[n % carriers.length] ?? 'poll',
    ),
  );
  const isSubscribed = ({ recorder }: WideReader): boolean =>
    recorder.entries.some(({ kind }) => kind === 'verdict');
  await until(() => readers.every(isSubscribed), { label: 'all readers', deadlineMs: 60_000 });
  return readers;
}

function openOne(url: string, carrier: Carrier): WideReader {
  const recorder = createRecorder();
  const client = createClient({
    url: `${url}/realtime`,
    transports: [carrier],
    onError: ({ code, message }) =>
      recorder.entries.push({ kind: 'error', atMs: recorder.now(), code, message }),
  });
  recorder.watch(client);
  recorder.follow(client, { id: WIDE, start: 'now' });
  return {
    carrier,
    client,
    recorder,
    offset() {
      const event = recorder.entries.findLast(({ kind }) => kind === 'event');
      return event?.kind === 'event' ? event.offset : 0;
    },
  };
}

/** Resolves when they are at `offset`, or at the deadline: what is missing then is in their records. */
export async function untilAllAt(
  readers: readonly WideReader[],
  offset: number,
  deadlineMs: number,
): Promise<void> {
  const areThere = (): boolean => readers.every((one) => one.offset() >= offset);
  await until(areThere, { label: 'every reader', deadlineMs, everyMs: 50 }).catch(() => undefined);
}

export function problemsOf(
  readers: readonly WideReader[],
  published: readonly Published[],
  { mayStall }: { readonly mayStall: boolean },
): readonly string[] {
  return readers.flatMap(({ recorder, carrier }, n) =>
    checkRecord(recorder.entries, {
      channel: CHANNEL,
      published,
      // Who stalls for longer than the channel keeps is told so.
      gaps: mayStall && published.length > KEPT ? 'announced' : 'none',
    }).map((problem) => `${mayStall ? 'stalled' : 'healthy'} ${n} on ${carrier}: ${problem}`),
  );
}
