// What happened and what to do, in the place where the content would stand.

import type { ReactElement } from 'react';
import { Button } from './button.tsx';

interface NoticeProps {
  readonly title: string;
  readonly text: string;
  readonly onRetry?: () => void;
}

export function Notice({ title, text, onRetry }: NoticeProps): ReactElement {
  return (
    <div
      role="alert"
      className="m-auto flex max-w-prose flex-col items-center gap-2 p-8 text-center"
    >
      <h1 className="text-lg font-semibold">{title}</h1>
      <p className="text-quiet">{text}</p>
      {onRetry === undefined ? null : <Button onClick={onRetry}>Try again</Button>}
    </div>
  );
}
