// A button with a small panel, by the browser's own popover: it closes on Escape and on a click elsewhere, and
// gives the focus back, with no code of ours.

import type { ReactElement, ReactNode } from 'react';
import { useId } from 'react';

interface PopoverProps {
  readonly label: string;
  readonly face: ReactNode;
  readonly children: ReactNode;
}

export function Popover({ label, face, children }: PopoverProps): ReactElement {
  const id = useId();
  return (
    <>
      <button
        type="button"
        aria-label={label}
        popoverTarget={id}
        className="inline-flex h-8 items-center gap-2 whitespace-nowrap rounded-md border border-line bg-surface px-2.5 text-[13px] hover:bg-raised"
      >
        {face}
      </button>
      <div
        id={id}
        popover="auto"
        className="fixed inset-auto top-14 right-3 m-0 w-72 max-w-[calc(100vw-1.5rem)] flex-col items-start gap-2 rounded-card border border-line bg-surface p-4 text-ink shadow-lg open:flex"
      >
        {children}
      </div>
    </>
  );
}
