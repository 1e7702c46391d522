// Gathers what an owner writes and appends it, one batch after the other: the first token of a part at once, later ones
// at most `everyMs` after they came, and whatever must not be lost (a call, its result, the end of a step) without waiting.
// Deltas of one part that stand next to each other leave as one (RUN-2). Owns the producer's sequence: a batch whose
// answer did not come is repeated under the same numbers, so it stands once.
//
//   quiet ─ write ─▶ appending ─ answered, nothing waits ─▶ quiet
//                        └─ something waits: appending again, at the next tick if the last one began less than `everyMs` ago,
//                           or if what waits only begins something
//   refused for good (fenced, ended): closed, and told once

import { MillraceError, toMillraceError } from '@millrace/protocol';
import type { RunWrite } from '@millrace/protocol/runs';
import { MAX_DELTA_LENGTH } from './limits.ts';
import { piecesOf } from './text-pieces.ts';

export interface WindowOptions {
  /** Appends in this order, the first with number `first`, one more for each; rejects with what was refused. */
  append(events: readonly RunWrite[], first: number): Promise<void>;
  /** How long deltas are gathered, ms. */
  readonly everyMs: number;
  /** How long after so many failures in a row that may pass the batch is repeated, ms. */
  retryMs(failures: number): number;
  /** Called once: nothing can be appended any more. */
  onClosed(reason: MillraceError): void;
  /** Monotonic, ms. */
  now(): number;
  /** Calls back once, at most `everyMs` from now; returns cancel. */
  tick(run: () => void): () => void;
  /** Calls back once after so long; returns cancel. */
  after(delayMs: number, run: () => void): () => void;
}

export interface Window {
  write(events: readonly RunWrite[]): void;
  /** Resolves once all that was written is appended. Rejects with why it never will be. */
  flushed(): Promise<void>;
  /** Characters that wait: whoever reads a model waits for room. */
  readonly waiting: number;
  /** Gives up what waits. Idempotent. */
  close(): void;
}

/** What somebody may wait for, or what must not be done twice. */
const URGENT: ReadonlySet<RunWrite['type']> = new Set([
  'run-start',
  'run-resumed',
  'run-stopping',
  'step-reset',
  'step-end',
  'tool-call',
  'tool-result',
  'tool-error',
]);

/** A part's first words are what somebody waits for, too. */
function isUrgent({ type }: RunWrite, at: number, among: readonly RunWrite[]): boolean {
  const next = among[at + 1];
  const isBegun = type === 'text-start' || type === 'reasoning-start';
  return URGENT.has(type) || (isBegun && next !== undefined && isDelta(next));
}

/** Says nothing without what follows, mostly within the same millisecond: sent alone, the first words would wait for it. */
function isBeginning({ type }: RunWrite): boolean {
  return type === 'step-start' || type === 'text-start' || type === 'reasoning-start';
}

type Delta = Extract<RunWrite, { readonly type: `${string}-delta` }>;

export function createWindow(options: WindowOptions): Window {
  const { append, everyMs, retryMs, onClosed, now, tick, after } = options;
  const gathered: RunWrite[] = [];
  let next = 1;
  let begunAt = Number.NEGATIVE_INFINITY;
  let wake: () => void = () => undefined;
  /** Until nothing waits; never rejects. */
  let running: Promise<void> | null = null;
  let closed: MillraceError | null = null;

  async function run(): Promise<void> {
    while (gathered.length > 0 && closed === null) {
      const isEarly = everyMs > 0 && (now() < begunAt + everyMs || gathered.every(isBeginning));
      if (isEarly && !gathered.some(isUrgent)) await pause(tick);
      const batch = gathered.splice(0);
      begunAt = now();
      const first = next;
      next += batch.length;
      await appendOnce(batch, first);
    }
    running = null;
  }

  async function appendOnce(batch: readonly RunWrite[], first: number): Promise<void> {
    for (let failures = 1; closed === null; failures += 1) {
      try {
        await append(batch, first);
        return;
      } catch (thrown) {
        const error = toMillraceError(thrown);
        if (!error.retryable) {
          closed = error;
          onClosed(error);
          return;
        }
      }
      const delayMs = retryMs(failures);
      await pause((resume) => after(delayMs, resume));
    }
  }

  /** Until then, or until somebody wakes it. */
  function pause(until: (resume: () => void) => () => void): Promise<void> {
    return new Promise((resolve) => {
      const cancel = until(resolve);
      wake = () => {
        cancel();
        resolve();
      };
    });
  }

  return {
    get waiting() {
      return gathered.reduce(
        (sum, event) => sum + (isDelta(event) ? event.data.text.length : 1),
        0,
      );
    },
    write(events) {
      // With nothing to append `run` would be over before it is remembered.
      if (closed !== null || events.length === 0) return;
      for (const event of events) gather(gathered, event);
      if (gathered.some(isUrgent)) wake();
      running ??= run();
    },
    async flushed() {
      while (running !== null && closed === null) {
        wake();
        await running;
      }
      if (closed !== null) throw closed;
    },
    close() {
      closed ??= new MillraceError('server/shutdown', 'The run goes on elsewhere.');
      gathered.length = 0;
      wake();
    },
  };
}

function gather(gathered: RunWrite[], event: RunWrite): void {
  if (!isDelta(event)) {
    gathered.push(event);
    return;
  }
  if (event.data.text === '') return;
  const last = gathered.at(-1);
  const joins = last?.type === event.type && last.data.part === event.data.part;
  const text = joins ? last.data.text + event.data.text : event.data.text;
  if (joins) gathered.pop();
  if (!joins && text.length <= MAX_DELTA_LENGTH) {
    gathered.push(event);
    return;
  }
  for (const piece of piecesOf(text, MAX_DELTA_LENGTH)) {
    gathered.push({ ...event, data: { ...event.data, text: piece } });
  }
}

function isDelta(event: RunWrite): event is Delta {
  return (
    event.type === 'text-delta' || event.type === 'reasoning-delta' || event.type === 'tool-delta'
  );
}
