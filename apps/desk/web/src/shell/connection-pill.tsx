// How the page is connected, in two words; more on a click.

import { useClient, useConnection } from '@millrace/react';
import type { ReactElement } from 'react';
import { Button } from '../parts/button.tsx';
import { connectionWords } from './connection-words.ts';
import { Popover } from './popover.tsx';

const DOTS = {
  good: 'bg-up',
  fair: 'bg-warn',
  bad: 'bg-down',
  quiet: 'bg-quiet',
} as const;

export function ConnectionPill(): ReactElement {
  const client = useClient();
  const status = useConnection();
  const words = connectionWords(status);
  return (
    <Popover
      label={`Connection: ${words.short}`}
      face={
        <>
          <span aria-hidden="true" className={`size-2 rounded-full ${DOTS[words.tone]}`} />
          <span className="max-sm:sr-only" data-testid="connection">
            {words.short}
          </span>
        </>
      }
    >
      <p className="font-semibold">{words.short}</p>
      <p className="text-quiet">{words.long}</p>
      {status.status === 'open' ? (
        <dl className="tabular grid grid-cols-[auto_1fr] gap-x-3 gap-y-1 text-[13px]">
          <dt className="text-quiet">Round trip</dt>
          <dd>
            {status.latencyMs === null ? 'not measured yet' : `${Math.round(status.latencyMs)} ms`}
          </dd>
          <dt className="text-quiet">Since</dt>
          <dd>{new Date(status.since).toLocaleTimeString('en-GB')}</dd>
        </dl>
      ) : null}
      {words.canRetry ? <Button onClick={() => client.retryNow()}>Try again now</Button> : null}
    </Popover>
  );
}
