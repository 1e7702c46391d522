// Gathers what is appended while a call is under way into the next one, in the order of the calls, without delay.
// Each caller is answered within its time; what still waits then is never sent: its caller may have given up, or tried
// again elsewhere. Rules: LOG-2, LOG-16.

import type { AppendOutcome, AppendRequest } from '../../seams/log.ts';
import { unavailable } from './failure.ts';

type Batch = readonly AppendRequest[];
export type AppendBatch = (batch: Batch) => Promise<readonly AppendOutcome[]>;

export interface GatherOptions {
  /** Called with at most so much, or with one larger batch alone, and never twice at once. */
  readonly append: AppendBatch;
  readonly maxRequests: number;
  readonly maxBytes: number;
  readonly answerWithinMs: number;
  /** Nothing waits, nothing is under way. */
  readonly onIdle?: () => void;
}

interface Waiting {
  readonly batch: Batch;
  readonly bytes: number;
  readonly timer: NodeJS.Timeout;
  isAnswered: boolean;
  readonly resolve: (outcomes: readonly AppendOutcome[]) => void;
  readonly reject: (reason: unknown) => void;
}

export function createAppendGather(options: GatherOptions): AppendBatch {
  const { append, answerWithinMs } = options;
  let waiting: Waiting[] = [];
  let isRunning = false;

  async function run(): Promise<void> {
    isRunning = true;
    while (waiting.length > 0) {
      const group = takeGroup(waiting, options);
      waiting = waiting.slice(group.length);
      const wanted = group.filter(({ isAnswered }) => !isAnswered);
      if (wanted.length > 0) await appendTogether(append, wanted);
    }
    isRunning = false;
    options.onIdle?.();
  }

  return (batch) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => answer(one, () => reject(unavailable())), answerWithinMs);
      const one: Waiting = {
        batch,
        bytes: bytesOf(batch),
        timer,
        isAnswered: false,
        resolve,
        reject,
      };
      waiting.push(one);
      // Never rejects: each group's failure goes to those who wait for it.
      if (!isRunning) void run();
    });
}

function answer(one: Waiting, tell: () => void): void {
  if (one.isAnswered) return;
  one.isAnswered = true;
  clearTimeout(one.timer);
  tell();
}

function takeGroup(
  waiting: readonly Waiting[],
  { maxRequests, maxBytes }: GatherOptions,
): readonly Waiting[] {
  let count = 0;
  let requests = 0;
  let bytes = 0;
  for (const one of waiting) {
    requests += one.batch.length;
    bytes += one.bytes;
    if (count > 0 && (requests > maxRequests || bytes > maxBytes)) break;
    count += 1;
  }
  return waiting.slice(0, count);
}

async function appendTogether(append: AppendBatch, group: readonly Waiting[]): Promise<void> {
  const [first] = group;
  const batch =
    first !== undefined && group.length === 1 ? first.batch : group.flatMap((one) => one.batch);
  try {
    const outcomes = await append(batch);
    let from = 0;
    for (const one of group) {
      const to = from + one.batch.length;
      const own = group.length === 1 ? outcomes : outcomes.slice(from, to);
      answer(one, () => one.resolve(own));
      from = to;
    }
  } catch (reason) {
    for (const one of group) answer(one, () => one.reject(reason));
  }
}

/** In characters, which is near enough for a bound. */
function bytesOf(batch: Batch): number {
  let bytes = 0;
  for (const request of batch) if (!('isEnd' in request)) bytes += request.body.length;
  return bytes;
}
