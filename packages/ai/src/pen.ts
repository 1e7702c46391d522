// What the owner of a run writes with: its message so far, and the window through which it goes to the channel. Owns
// being the channel's one producer. Rules: RUN-4, RUN-5.

import type { MillraceError } from '@millrace/protocol';
import { aiRuns, EMPTY_RUN, foldRun, type RunState, type RunWrite } from '@millrace/protocol/runs';
import type { Hub } from '@millrace/server';
import { retryDelayMs } from './backoff.ts';
import { bounded } from './bounded.ts';
import { rawCallId, shortCallId } from './call-id.ts';
import type { RunRow } from './store/run-row.ts';
import type { Ticks } from './ticks.ts';
import { createWindow } from './window.ts';

export interface Pen {
  /** With everything that was written, appended or not. */
  readonly state: RunState;
  /** Characters that wait to be appended. */
  readonly waiting: number;
  /** Characters of the message so far. */
  readonly length: number;
  /** Aborts when nothing of ours is taken any more: somebody else writes, or the run was given up. */
  readonly lost: AbortSignal;
  /** Goes on from what another owner left. */
  resume(state: RunState): void;
  write(events: readonly RunWrite[]): void;
  flushed(): Promise<void>;
  /**
   * Resolves once this call of the open step is in the log, with its id there. A tool may be started before its call comes
   * out of the SDK's stream.
   */
  announced(callId: string): Promise<string>;
  /** Writes nothing more and aborts `lost` with the reason: whoever takes the run over goes on with it. */
  giveUp(reason: unknown): void;
  close(): void;
}

export interface PenOptions {
  readonly hub: Hub;
  readonly run: RunRow;
  readonly ticks: Ticks;
}

export function createPen({ hub, run, ticks }: PenOptions): Pen {
  const channel = aiRuns.of({ runId: run.id });
  const lost = new AbortController();
  const announcements = new Map<string, PromiseWithResolvers<string>>();
  /** Those of them that are resolved. */
  const told = new Set<string>();
  /** Numbers of what was appended before the engine forgot this producer: it begins at 1 again then. */
  let forgotten = 0;
  const { conversationId, messageId } = run;
  let state: RunState = { ...EMPTY_RUN, status: 'queued', conversationId, messageId };
  let length = 0;
  const window = createWindow({
    everyMs: ticks.everyMs,
    retryMs: retryDelayMs,
    now: () => performance.now(),
    tick: ticks.next,
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
        channel,
        event,
        producer: { id: run.id, epoch: run.fence, sequence: first - forgotten + index },
      })),
    );
    for (const result of results) {
      if (!('error' in result)) continue;
      if (!isForgotten(result.error) || forgotten === first - 1) throw result.error;
      // Silent for longer than producers are remembered, and nobody took over since.
      forgotten = first - 1;
      return append(events, first);
    }
  }

  function announcement(callId: string): PromiseWithResolvers<string> {
    const known = announcements.get(callId) ?? Promise.withResolvers<string>();
    announcements.set(callId, known);
    return known;
  }

  function tell(raw: string, callId: string): void {
    announcement(raw).resolve(callId);
    told.add(raw);
  }

  /** Models name their calls anew in each step. Who waits already is of the step that begins. */
  function forgetTold(): void {
    for (const raw of told) announcements.delete(raw);
    told.clear();
  }

  return {
    get state() {
      return state;
    },
    get waiting() {
      return window.waiting;
    },
    get length() {
      return length;
    },
    lost: lost.signal,
    resume(read) {
      state = read;
      length = JSON.stringify(read.parts).length;
      for (const part of read.parts) {
        if (part.type === 'tool') tell(part.callId, part.callId);
      }
    },
    write(unbounded) {
      const events = unbounded.map(bounded);
      for (const event of events) {
        state = foldRun(state, event);
        length += lengthOf(event);
        if (event.type === 'step-start') forgetTold();
        if (event.type === 'tool-call') tell(rawCallId(event.data.callId), event.data.callId);
      }
      window.write(events);
    },
    flushed: () => window.flushed(),
    async announced(callId) {
      const kept = await announcement(shortCallId(callId)).promise;
      await window.flushed();
      return kept;
    },
    giveUp(reason) {
      lost.abort(reason);
      window.close();
    },
    close: () => window.close(),
  };
}

/** Of what a message grows by. */
function lengthOf(event: RunWrite): number {
  switch (event.type) {
    case 'text-delta':
    case 'reasoning-delta':
    case 'tool-delta':
      return event.data.text.length;
    case 'tool-call':
    case 'tool-result':
    case 'data':
    case 'file':
    case 'source':
      return JSON.stringify(event.data).length;
    default:
      return 0;
  }
}

function isForgotten({ code, details }: MillraceError): boolean {
  return code === 'publish/sequence-gap' && details?.['expected'] === 1;
}
