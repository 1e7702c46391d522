// What a run has made of its starting cash, live while it trades: the same figure wherever it stands on the page.

import { useChannel } from '@millrace/react';
import type { ReactElement } from 'react';
import { runFigures } from '../../../shared/channels.ts';
import type { RunInfo } from '../../../shared/trading.ts';
import { Change } from '../parts/change.tsx';

export function RunReturn({
  run,
  className = '',
}: {
  readonly run: RunInfo;
  readonly className?: string;
}): ReactElement {
  const isTrading = run.status !== 'completed';
  const { state } = useChannel(runFigures.of({ runId: run.id }), { enabled: isTrading });
  const live = isTrading ? (state?.latest ?? null) : null;
  const isNewer = live !== null && live.tick >= run.lastTick && run.startingCash > 0;
  const share = isNewer ? live.profit / run.startingCash : run.return;
  return <Change share={share} className={className} />;
}
