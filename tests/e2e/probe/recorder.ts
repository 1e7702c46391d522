// Writes down everything that one client tells its application, in the order in which it does: the
// same in a page and in Node, so that a record can be compared with what was published.
// Judges nothing: that is check-record.ts. Runs in the browser too: no node: import.

import type { Client, ConnectionStatus } from '@millrace/client';
import type { Cursor, Start, Verdict } from '@millrace/protocol';
import { type ProbeKind, probeContracts, type Tally } from './contract.ts';

/** `atMs` is milliseconds since 1970, comparable with the test's own clock on the same machine. */
export type RecordEntry = { readonly atMs: number } & (
  | {
      readonly kind: 'event';
      readonly channel: string;
      readonly epoch: string;
      readonly offset: number;
      readonly n: number;
      readonly sentAt: number;
    }
  | {
      readonly kind: 'verdict';
      readonly channel: string;
      readonly verdict: Verdict['verdict'];
      /** `epoch.offset` after which events follow; null on a refusal. */
      readonly epoch: string | null;
      readonly offset: number | null;
      readonly from: number | null;
      readonly to: number | null;
      readonly reason: string | null;
      /** Of a snapshot. */
      readonly state: Tally | null;
    }
  /** What the client has folded, after a snapshot or some events. */
  | {
      readonly kind: 'state';
      readonly channel: string;
      readonly epoch: string;
      readonly offset: number;
      readonly state: Tally;
    }
  | {
      readonly kind: 'status';
      readonly status: ConnectionStatus['status'];
      readonly transport: string | null;
      readonly isRealtime: boolean;
      readonly notice: string | null;
      readonly since: number | null;
      readonly attempt: number | null;
      readonly error: string | null;
    }
  | { readonly kind: 'end'; readonly channel: string }
  /** What went to the client's one sink. */
  | { readonly kind: 'error'; readonly code: string; readonly message: string }
);

export interface Subscription {
  /** The probe channel's id. */
  readonly id: string;
  readonly start?: Start;
  /** Default `plain`. */
  readonly kind?: ProbeKind;
}

export interface Recorder {
  readonly entries: RecordEntry[];
  now(): number;
  /** Subscribes and records; returns unsubscribe. */
  follow(client: Client, subscription: Subscription): () => void;
  /** Records each change of the status, and the present one at once. */
  watch(client: Client): () => void;
}

export function createRecorder(): Recorder {
  const entries: RecordEntry[] = [];
  const now = (): number => performance.timeOrigin + performance.now();
  return {
    entries,
    now,
    follow(client, { id, start = 'now', kind = 'plain' }) {
      const channel = probeContracts[kind].of({ id });
      const { name } = channel;
      return client.subscribe(channel, {
        start,
        onEvent(event, { epoch, offset }: Cursor) {
          const { n, sentAt } = event.data;
          entries.push({ kind: 'event', atMs: now(), channel: name, epoch, offset, n, sentAt });
        },
        onState(state, { epoch, offset }: Cursor) {
          if (state === undefined) return;
          entries.push({ kind: 'state', atMs: now(), channel: name, epoch, offset, state });
        },
        onVerdict: (verdict) => entries.push(verdictEntry(name, verdict, now())),
        onEnd: () => entries.push({ kind: 'end', atMs: now(), channel: name }),
      });
    },
    watch(client) {
      const record = (): void => {
        entries.push(statusEntry(client.status.getSnapshot(), now()));
      };
      record();
      return client.status.subscribe(record);
    },
  };
}

function verdictEntry(channel: string, verdict: Verdict, atMs: number): RecordEntry {
  const cursor = 'cursor' in verdict ? verdict.cursor : null;
  return {
    kind: 'verdict',
    atMs,
    channel,
    verdict: verdict.verdict,
    epoch: cursor?.epoch ?? null,
    offset: cursor?.offset ?? null,
    from: verdict.verdict === 'gap' ? verdict.from : null,
    to: verdict.verdict === 'gap' ? verdict.to : null,
    reason:
      verdict.verdict === 'gap' ? verdict.reason : 'error' in verdict ? verdict.error.code : null,
    // The name's contract says what it is.
    state: verdict.verdict === 'snapshot' ? (verdict.state as Tally) : null,
  };
}

function statusEntry(status: ConnectionStatus, atMs: number): RecordEntry {
  const isOpen = status.status === 'open';
  return {
    kind: 'status',
    atMs,
    status: status.status,
    transport: isOpen ? status.transport : null,
    isRealtime: isOpen && status.isRealtime,
    notice: isOpen ? status.notice : null,
    since: isOpen ? status.since : null,
    attempt: status.status === 'connecting' ? status.attempt : null,
    error: 'error' in status ? (status.error?.code ?? null) : null,
  };
}
