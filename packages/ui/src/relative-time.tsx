// A time as people say it, with the exact one for machines and on hover.

import type { ReactElement } from 'react';
import { useNow } from './now.tsx';
import { exactTimeText, relativeTimeText } from './relative-time-text.ts';

export function RelativeTime(props: { readonly at: string }): ReactElement {
  const now = useNow();
  const atMs = Date.parse(props.at);
  const exact = exactTimeText(atMs);
  return (
    <time className="mr-time" dateTime={props.at} title={exact}>
      {now === null ? exact : relativeTimeText(atMs, now)}
    </time>
  );
}
