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
    <div role="alert" className="flex flex-col items-start gap-2 p-4">
      <p className="font-semibold">{title}</p>
      <p className="text-quiet">{text}</p>
      {onRetry === undefined ? null : <Button onClick={onRetry}>Try again</Button>}
    </div>
  );
}
