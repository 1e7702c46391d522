// What the owner of a run writes with: its message so far, and the window through which it goes to the channel. Owns
// being the channel's one producer. Rules: RUN-4, RUN-5.

import type { MillraceError } from '@millrace/protocol';
import type { RunWrite } from '@millrace/protocol/runs';
import { aiRuns, EMPTY_RUN, foldRun, type RunEvent, type RunState } from '@millrace/protocol/runs';
import { toOffset } from '@millrace/protocol/wire';
import type { Hub } from '@millrace/server';
import { bounded } from './bounded.ts';
import type { RunRow } from './store/run-row.ts';
import { createWindow } from './window.ts';

/** How long after a failure that may pass something is appended again, ms. */
const RETRY_MS = 250;

export interface Pen {
  /** With everything that was written, appended or not. */
  readonly state: RunState;
  /** Characters that wait to be appended. */
  readonly waiting: number;
  /** Aborts when somebody else writes: nothing of ours is taken any more. */
  readonly lost: AbortSignal;
  /** Goes on from what another owner left. */
  resume(state: RunState): void;
  write(events: readonly RunWrite[]): void;
  flushed(): Promise<void>;
  /** Resolves once this call is in the log. A tool may be started before its call comes out of the SDK's stream. */
  announced(callId: string): Promise<void>;
  close(): void;
}

export interface PenOptions {
  readonly hub: Hub;
  readonly run: RunRow;
  readonly windowMs: number;
}

export function createPen({ hub, run, windowMs }: PenOptions): Pen {
  const channel = aiRuns.of({ runId: run.id });
  const lost = new AbortController();
  const announcements = new Map<string, PromiseWithResolvers<void>>();
  const { conversationId, messageId } = run;
  let state: RunState = { ...EMPTY_RUN, status: 'queued', conversationId, messageId };
  const window = createWindow({
    everyMs: windowMs,
    retryMs: RETRY_MS,
    now: () => performance.now(),
    after(delayMs, call) {
      const timer = setTimeout(call, delayMs);
      return () => clearTimeout(timer);
    },
    onClosed: (reason: MillraceError) => lost.abort(reason),
    append,
  });

  async function append(events: readonly RunWrite[], first: number): Promise<void> {
    const results = await hub.publishMany(
      events.map((event, index) => ({
        ...{ channel, event },
        producer: { id: run.id, epoch: run.fence, sequence: first + index },
      })),
    );
    for (const result of results) if ('error' in result) throw result.error;
  }

  function announcement(callId: string): PromiseWithResolvers<void> {
    const known = announcements.get(callId) ?? Promise.withResolvers<void>();
    announcements.set(callId, known);
    return known;
  }

  return {
    get state() {
      return state;
    },
    get waiting() {
      return window.waiting;
    },
    lost: lost.signal,
    resume(read) {
      state = read;
      for (const part of read.parts) {
        if (part.type === 'tool') announcement(part.callId).resolve();
      }
    },
    write(unbounded) {
      const events = unbounded.map(bounded);
      for (const event of events) {
        state = foldRun(state, anywhere(event));
        if (event.type === 'tool-call') announcement(event.data.callId).resolve();
      }
      window.write(events);
    },
    flushed: () => window.flushed(),
    async announced(callId) {
      await announcement(callId).promise;
      await window.flushed();
    },
    close: () => window.close(),
  };
}

/** Where an event stands does not matter to the fold. */
export function anywhere(event: RunWrite): RunEvent {
  return { ...event, offset: toOffset(1), at: '' };
}
