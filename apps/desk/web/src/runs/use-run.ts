// One run as the page shows it: by GET, then live. While it trades, what it did is fetched again when its channel tells
// of something new, every few seconds at most.

import { useChannel } from '@millrace/react';
import { useEffect, useRef } from 'react';
import { runFigures } from '../../../shared/channels.ts';
import type { RunFigures } from '../../../shared/run-figures.ts';
import type { RunAnswer } from '../../../shared/trading.ts';
import { type Loading, useJson } from '../data/use-json.ts';

/** Trades come by the second; a list that changes under the eyes more often can't be read. */
const AT_MOST_EVERY_MS = 3_000;

export interface LiveRun extends RunAnswer {
  /** Newer than `run` while it trades; null for one that is over. */
  readonly live: RunFigures | null;
}

export function useRun(modelId: string, runId: string): [Loading<LiveRun>, () => void] {
  const [answer, again] = useJson<RunAnswer>(
    `/api/models/${encodeURIComponent(modelId)}/runs/${encodeURIComponent(runId)}`,
  );
  const isTrading = answer.is === 'loaded' && answer.value.run.status !== 'completed';
  const { state } = useChannel(runFigures.of({ runId }), { enabled: isTrading });
  const latest = isTrading ? (state?.latest ?? null) : null;
  const news = latest === null ? null : `${latest.status} ${latest.decision?.number}`;
  const fetchedAt = useRef(Number.NEGATIVE_INFINITY);

  useEffect(() => {
    if (news === null) return undefined;
    const waitMs = Math.max(0, fetchedAt.current + AT_MOST_EVERY_MS - performance.now());
    const timer = setTimeout(() => {
      fetchedAt.current = performance.now();
      again();
    }, waitMs);
    return () => clearTimeout(timer);
  }, [news, again]);

  if (answer.is !== 'loaded') return [answer, again];
  const isNewer = latest !== null && latest.tick >= answer.value.run.lastTick;
  return [{ is: 'loaded', value: { ...answer.value, live: isNewer ? latest : null } }, again];
}
